"""Noisy targets: independent of the input, unbiased for μ, and accounted for in s."""

import math

import pytest
import torch

from medrestore.core.predictor import Condition, Prediction
from medrestore.training.stages import predictor_loss
from medrestore.training.targets import Pair, noise_aware

TAU, OWN, ADDED = 2.0, 0.6, 0.9


def gaussian_pair(seed: int = 0) -> tuple[torch.Tensor, Pair]:
    """x ~ N(100, τ²), the scan x + w, the input x + w + n."""
    generator = torch.Generator().manual_seed(seed)

    def draw() -> torch.Tensor:
        return torch.randn(4, 1, 400, 400, generator=generator)

    x = 100 + TAU * draw()
    scan = x + OWN * draw()
    sigma, scale = torch.full((4, 1, 1, 1), ADDED), torch.ones(4, 1, 1, 1)
    return x, Pair(Condition(scan + ADDED * draw(), sigma, scale), scan)


def slope(target: torch.Tensor, y: torch.Tensor) -> float:
    """Of the best linear prediction of the target from y: what squared error would learn."""
    a, b = target - target.mean(), y - y.mean()
    return float((a * b).mean() / b.square().mean())


def test_squared_error_leads_to_the_clean_image() -> None:
    """Wiener: E[x|y] has slope τ²/(τ² + σ_o² + σ²); towards the scan it is too steep."""
    x, pair = gaussian_pair()
    total = TAU**2 + OWN**2 + ADDED**2
    aware = noise_aware(pair, torch.tensor(OWN), magnitude=False)
    assert slope(pair.clean, pair.condition.y) == pytest.approx(
        (TAU**2 + OWN**2) / total, abs=0.004
    )
    assert slope(aware.clean, pair.condition.y) == pytest.approx(TAU**2 / total, abs=0.004)
    assert aware.condition.sigma.flatten()[0].item() == pytest.approx(math.hypot(OWN, ADDED))
    noise = aware.clean - x
    assert noise.std().item() == pytest.approx(OWN * math.sqrt(1 + (OWN / ADDED) ** 2), rel=0.01)
    assert aware.target_std is not None
    assert aware.target_std.flatten()[0].item() == pytest.approx(noise.std().item(), rel=0.01)


def test_the_likelihood_finds_the_error_against_the_clean_image() -> None:
    """With μ = E[x|y], the best s is the posterior's std, not that plus the target's noise."""
    x, pair = gaussian_pair(1)
    aware = noise_aware(pair, torch.tensor(OWN), magnitude=False)
    gain = TAU**2 / (TAU**2 + OWN**2 + ADDED**2)
    mu = 100 + gain * (aware.condition.y - 100)
    posterior = TAU * math.sqrt(1 - gain)
    assert (x - mu).std().item() == pytest.approx(posterior, rel=0.01)
    scales = torch.linspace(0.8, 1.2, 21)
    losses = [
        predictor_loss(
            Prediction(mu, torch.full_like(mu, math.log(posterior * float(k)))), aware
        ).likelihood.item()
        for k in scales
    ]
    assert float(scales[losses.index(min(losses))]) == pytest.approx(1.0, abs=0.03)


def test_magnitudes_near_the_noise_and_clean_scans_stay_as_they_are() -> None:
    clean = torch.tensor([0.5, 50.0]).view(1, 1, 1, 2)
    condition = Condition(clean + 0.7, torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1))
    aware = noise_aware(Pair(condition, clean), torch.tensor(2.0), magnitude=True)
    assert aware.clean.flatten().tolist() == pytest.approx([0.5, 50 - 4 * 0.7], abs=1e-4)
    assert aware.target_std is not None
    assert aware.target_std.flatten().tolist() == pytest.approx([0.0, 2 * math.sqrt(5)])
    same = noise_aware(Pair(condition, clean), torch.tensor(0.0), magnitude=True)
    assert torch.equal(same.clean, clean)
    assert torch.equal(same.condition.sigma, condition.sigma)
