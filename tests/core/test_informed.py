"""An unconditional denoiser told of an observation: exact against closed forms, nothing drawn."""

import math

import pytest
import torch
from torch import nn

from medrestore.core.diffusion import v_hat
from medrestore.core.families import FAMILIES
from medrestore.core.guidance import informed, merged
from medrestore.core.mr_values import debiased

ANGLES = [0.05, 0.4, 1.2, math.pi / 2]
MEANS, SPREAD = (-2.0, 1.5), 0.6
"""Two Gaussians of equal weight: a prior that is none."""


def posterior_mean(w: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """E[r | r + noise of ``variance`` = w] of the mixture."""
    total = SPREAD**2 + variance
    logs = torch.stack([-0.5 * (w - m) ** 2 / total for m in MEANS])
    share = torch.softmax(logs, dim=0)
    means = torch.stack([(SPREAD**2 * w + variance * m) / total for m in MEANS])
    return (share * means).sum(dim=0)


class Mixture(nn.Module):
    """The exact unconditional score of the mixture, as the velocity a refiner predicts."""

    def forward(self, z: torch.Tensor, t: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        assert told.shape[1] == 0
        v = []
        for one, angle in zip(z.double(), t.double(), strict=True):
            tan, cos = torch.tan(angle), torch.cos(angle)
            v.append(v_hat(one, posterior_mean(one / cos, tan**2), float(angle)))
        return torch.stack(v).to(z.dtype)


def by_quadrature(z: float, t: float, y: float, tau: float) -> float:
    """E[r | z, y] by summing prior × both likelihoods over a fine grid of r."""
    r = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    prior = sum(torch.exp(-0.5 * ((r - m) / SPREAD) ** 2) for m in MEANS)
    logs = prior.log() - 0.5 * ((z - math.cos(t) * r) / math.sin(t)) ** 2
    logs -= 0.5 * ((y - r) / tau) ** 2
    weight = torch.softmax(logs, dim=0)
    return float((weight * r).sum())


@pytest.mark.parametrize("t", ANGLES)
@pytest.mark.parametrize("tau", [0.1, 0.7, 5.0])
def test_one_unconditional_evaluation_is_the_posterior_mean(t: float, tau: float) -> None:
    z = torch.tensor([-1.3, 0.1, 1.1], dtype=torch.float64).view(1, 1, 1, 3)
    y = torch.tensor([-1.9, -0.2, 1.6], dtype=torch.float64).view(1, 1, 1, 3)
    told = torch.cat((y, torch.full_like(y, tau)), dim=1)
    found = informed(Mixture())(z, t, told).flatten()
    for value, one, seen in zip(found, z.flatten(), y.flatten(), strict=True):
        assert float(value) == pytest.approx(by_quadrature(float(one), t, float(seen), tau), 1e-6)


def test_each_entry_of_a_batch_has_an_angle_of_its_own() -> None:
    z, y = torch.randn(2, 1, 4, 4), torch.randn(2, 1, 4, 4)
    tau = torch.tensor([0.1, 2.0]).view(2, 1, 1, 1).expand_as(z)
    both = merged(z, 0.8, y, tau)
    assert torch.allclose(both.t.tan() ** -2, 1 / math.tan(0.8) ** 2 + tau[:, 0, 0, 0] ** -2)
    for i in range(2):
        alone = merged(z[i : i + 1], 0.8, y[i : i + 1], tau[i : i + 1])
        assert torch.equal(alone.z[0], both.z[i])


@pytest.mark.parametrize("t", ANGLES)
def test_an_observation_with_infinite_noise_says_nothing(t: float) -> None:
    z = torch.randn(1, 1, 4, 4)
    told = FAMILIES["score"].null_condition(torch.randn(1, 2, 4, 4))
    both = merged(z, t, told[:, :1], told[:, 1:])
    assert torch.allclose(both.z, z, rtol=1e-5)
    assert float(both.t) == pytest.approx(t, rel=1e-6)


def test_an_observation_without_noise_says_all() -> None:
    y = torch.randn(1, 1, 4, 4)
    told = torch.cat((y, torch.full_like(y, 1e-4)), dim=1)
    found = informed(Mixture())(torch.randn(1, 1, 4, 4).double(), 1.0, told.double())
    assert torch.allclose(found.float(), y, atol=1e-5)


def test_where_the_noise_varies_voxels_are_weighted_by_their_own() -> None:
    z, y = torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1, 2)
    tau = torch.tensor([0.5, 2.0]).view(1, 1, 1, 2)
    both = merged(z, math.pi / 4, y, tau)
    w = both.z / both.t.cos().view(-1, 1, 1, 1)
    assert w.flatten().tolist() == pytest.approx([4 / 5, 0.25 / 1.25], rel=1e-5)


def test_a_magnitude_without_its_bias() -> None:
    """The mean of √(y² − σ²) is the signal's, within 1 % of σ from 3 σ on."""
    generator = torch.Generator().manual_seed(0)
    for signal, bound in ((3.0, 0.03), (5.0, 0.01), (20.0, 0.01)):
        noise = torch.randn(2, 400_000, generator=generator, dtype=torch.float64)
        y = torch.hypot(signal + noise[0], noise[1])
        one = torch.ones((), dtype=torch.float64)
        assert abs(float(debiased(y, one).mean()) - signal) < bound
        assert float(y.mean()) - signal > 0.4 / signal
