"""One prediction from a scan's mirror images: nearer to the truth by as much as it says."""

import math

import pytest
import torch

from medrestore.core.method import MIRROR_IMAGES
from medrestore.core.mirroring import MIRRORS, mean_prediction, mirrored
from medrestore.core.predictor import Condition, Prediction


def condition(shape: tuple[int, int] = (6, 5)) -> Condition:
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(2, 3, *shape, generator=generator)
    sigma = torch.rand(2, 1, *shape, generator=generator) + 0.5
    return Condition(y, sigma, torch.ones(1, 1, 1, 1))


def lopsided(c: Condition) -> Prediction:
    """A network that depends on where a voxel lies, as none should."""
    ramp = torch.arange(c.y.shape[-1], dtype=torch.float32)
    return Prediction(c.centre + 0.1 * ramp, torch.log(c.sigma) + 0.01 * ramp)


def test_there_are_as_many_mirror_images_as_runs_count() -> None:
    assert len(MIRRORS) == len(set(MIRRORS)) == MIRROR_IMAGES


def test_of_an_equivariant_network_nothing_changes() -> None:
    c = condition()
    alone = Prediction(c.centre + c.sigma, torch.log(c.sigma))
    found = mirrored(lambda seen: Prediction(seen.centre + seen.sigma, torch.log(seen.sigma)))(c)
    torch.testing.assert_close(found.mu, alone.mu)
    torch.testing.assert_close(found.log_s, alone.log_s)


def test_mirroring_makes_any_network_equivariant() -> None:
    c = condition()
    flipped = Condition(c.y.flip(-1), c.sigma.flip(-1), c.scale)
    here, there = mirrored(lopsided)(c), mirrored(lopsided)(flipped)
    for one, other in zip(here, there, strict=True):
        torch.testing.assert_close(one, other.flip(-1))
    assert not torch.allclose(lopsided(c).mu, lopsided(flipped).mu.flip(-1))


def test_neighbouring_slices_keep_their_order() -> None:
    seen = []
    mirrored(lambda c: (seen.append(c.y), lopsided(c))[1])(condition())
    for axes, y in zip(MIRRORS, seen, strict=True):
        torch.testing.assert_close(y.flip(axes) if axes else y, condition().y)


def test_the_mean_is_as_much_surer_as_it_is_better() -> None:
    """Errors of variance 1, correlated by ρ: the mean's is (1 + (K − 1)ρ)/K, and so is s̄²."""
    generator, k, rho = torch.Generator().manual_seed(1), 4, 0.9
    shared = torch.randn(1, 1, 300, 300, generator=generator)
    own = torch.randn(k, 1, 300, 300, generator=generator)
    errors = math.sqrt(rho) * shared + math.sqrt(1 - rho) * own
    found = mean_prediction([Prediction(e[None], torch.zeros(1, 1, 300, 300)) for e in errors])
    wanted = (1 + (k - 1) * rho) / k
    assert found.mu.square().mean().item() == pytest.approx(wanted, rel=0.02)
    assert found.log_s.mul(2).exp().mean().item() == pytest.approx(wanted, rel=0.01)


def test_it_is_never_surer_than_of_independent_errors() -> None:
    far = [Prediction(torch.full((1, 1, 1, 1), v), torch.zeros(1, 1, 1, 1)) for v in (-9.0, 9.0)]
    assert mean_prediction(far).log_s.mul(2).exp().item() == pytest.approx(0.5)
