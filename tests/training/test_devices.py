"""Mixed precision: bfloat16 inside the network, float32 around it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from medrestore.core.predictor import Condition, Predictor
from medrestore.core.refiner import Refiner
from medrestore.training.loop import Schedule, fit
from medrestore.training.session import can_compile, launch
from medrestore.training.stages import predictor_loss
from medrestore.training.targets import Pair
from tiny import speak


@pytest.fixture
def bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chip that multiplies bfloat16; torch emulates it where it does not."""
    monkeypatch.setattr("medrestore.training.session.has_bfloat16", lambda device: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def pair(size: int = 24) -> Pair:
    """HU with a step to air: the intensities that bfloat16 cannot hold."""
    clean = torch.full((2, 3, size, size), 41.0)
    clean[..., : size // 2] = -1003.0
    sigma = torch.full((2, 1, size, size), 5.0)
    y = clean + 5 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return Pair(Condition(y, sigma, torch.full((2, 1, 1, 1), 1000.0)), clean[:, 1:2])


def test_a_chip_without_bfloat16_trains_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medrestore.training.session.has_bfloat16", lambda device: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    net = nn.Linear(3, 3)
    called = launch().setup(net)
    assert torch.equal(called(torch.ones(1, 3)), net(torch.ones(1, 3)))


@pytest.mark.usefixtures("bfloat16")
def test_inputs_and_outer_layers_stay_exact() -> None:
    net = Predictor(3, (8, 12), 1)
    speak(net)
    seen: dict[str, torch.dtype] = {}
    net.head.register_forward_hook(lambda _m, _i, output: seen.update(head=output.dtype))
    net.down[0][0].first.register_forward_hook(
        lambda _m, _i, output: seen.update(trunk=output.dtype)
    )
    condition = pair().condition
    called = launch().setup(net)
    rounded, exact = called(condition), net(condition)
    assert seen == {"head": torch.float32, "trunk": torch.float32}  # the exact call came last
    called(condition)
    assert seen == {"head": torch.float32, "trunk": torch.bfloat16}
    assert rounded.mu.dtype == rounded.log_s.dtype == torch.float32
    assert 0 < (rounded.mu - exact.mu).abs().max() < 0.02 * 5.0
    assert (rounded.log_s - exact.log_s).abs().max() < 0.02


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.usefixtures("bfloat16")
def test_a_refiners_last_layers_stay_exact(depth: int) -> None:
    net, seen = Refiner((16, 32), 1, 8, depth), {}
    for name, part in (("in", net.unet.conv_in), ("out", net.unet.out)):
        part.register_forward_hook(lambda _m, _i, output, name=name: seen.update({name: output}))
    z, condition = torch.randn(4, 1, 16, 16), torch.randn(4, 6, 16, 16)
    v = launch().setup(net)(z, torch.full((4,), 0.8), condition)
    assert seen["in"].dtype == torch.bfloat16
    assert seen["out"].dtype == v.dtype == torch.float32


@pytest.mark.usefixtures("bfloat16")
def test_loss_weights_and_their_average_are_float32(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, example, losses = Predictor(3, (8, 12), 1), pair(), []

    def loss_of(called: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
        losses.append(predictor_loss(called(example.condition), example))
        return losses[-1].total, {}

    schedule = Schedule(steps=60, rate=0.003, muon=5, every=10, warm_up=5)
    fit(net, loss_of, schedule, tmp_path, fabric=launch())
    assert {part.dtype for loss in losses for part in loss} == {torch.float32}
    assert float(losses[-1].relative_error) < 0.7 * float(losses[0].relative_error)
    kept = load_file(tmp_path / "checkpoint.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}
    assert {p.grad.dtype for p in net.parameters() if p.grad is not None} <= {torch.float32}


@pytest.mark.usefixtures("bfloat16")
def test_nothing_is_compiled_where_it_saves_nothing() -> None:
    assert not can_compile()
