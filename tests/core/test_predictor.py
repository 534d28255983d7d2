"""The predictor on slices and on stacks of slices."""

import pytest
import torch

from medrestore.core.predictor import Condition, Predictor, start_predictor
from medrestore.errors import ModelError
from tiny import speak

DEPTH = 4


def stacks(count: int = 2) -> Condition:
    y = torch.randn(count * DEPTH, 3, 24, 20, generator=torch.Generator().manual_seed(1))
    return Condition(y, torch.ones(count * DEPTH, 1, 24, 20), torch.ones(1))


def tiny(depth: int) -> Predictor:
    torch.manual_seed(0)
    net = Predictor(3, (8, 12), 1, depth)
    speak(net)
    return net


@torch.no_grad()
def test_a_stack_predictor_starts_as_the_slice_predictor() -> None:
    slices, volumes = tiny(1), Predictor(3, (8, 12), 1, DEPTH)
    start_predictor(volumes, slices.state_dict())
    for one, other in zip(slices(stacks()), volumes(stacks()), strict=True):
        assert torch.equal(one, other)


@torch.no_grad()
def test_slices_hear_each_other_within_their_stack_only() -> None:
    net, c = tiny(DEPTH), stacks()
    changed = c.y.clone()
    changed[1] += 1
    moved = (net(c).mu - net(c._replace(y=changed)).mu).abs().amax(dim=(1, 2, 3))
    assert (moved[:DEPTH] > 0).all()
    assert (moved[DEPTH:] == 0).all()


@torch.no_grad()
def test_ends_of_a_stack_hear_themselves() -> None:
    net = tiny(DEPTH)
    c = stacks(1)
    same = c._replace(y=c.y[:1].expand_as(c.y))  # the same slice all through
    mu = net(same).mu
    assert torch.allclose(mu, mu[:1].expand_as(mu), atol=1e-6)


def test_another_architecture_is_refused() -> None:
    with pytest.raises(ModelError, match="another architecture"):
        start_predictor(tiny(DEPTH), Predictor(3, (8, 16), 1).state_dict())
