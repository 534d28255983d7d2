"""Rician noise against its closed-form moments."""

import math

import numpy as np
import pytest
import torch
from scipy import special

from medrestore.errors import SettingsError
from medrestore.physics.mr import channel_noise, g_factor, rician, sum_of_squares
from medrestore.physics.simulate import noisier_mr


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_second_moment_is_signal_plus_two_sigma_squared() -> None:
    """E[m²] = x² + 2σ², exactly, at every signal level (Gudbjartsson & Patz 1995)."""
    for x in (0.0, 1.0, 5.0):
        clean = torch.full((400, 400), x)
        m = rician(clean, 1.0, channel_noise((400, 400), generator()))
        assert m.square().mean().item() == pytest.approx(x**2 + 2, rel=0.01)


def test_background_is_rayleigh() -> None:
    m = rician(torch.zeros(500, 500), 2.0, channel_noise((500, 500), generator(1)))
    assert m.mean().item() == pytest.approx(2 * math.sqrt(math.pi / 2), rel=0.01)
    assert m.std().item() == pytest.approx(2 * math.sqrt(2 - math.pi / 2), rel=0.01)


def chi_mean(snr: float, coils: int) -> float:
    """Mean of non-central χ with 2L degrees of freedom, in units of σ (Constantinides 1997)."""
    laguerre = special.hyp1f1(-0.5, coils, -(snr**2) / 2)
    rising = math.gamma(coils + 0.5) / math.gamma(coils)
    return float(math.sqrt(2) * rising * laguerre)


@pytest.mark.parametrize("snr", [0.0, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("coils", [1, 4])
def test_sum_of_squares_has_the_moments_of_non_central_chi(snr: float, coils: int) -> None:
    """E[m] in closed form and E[m²] = x² + 2Lσ², whatever the sensitivities."""
    clean = torch.full((300, 300), 2.0 * snr)
    noise = torch.complex(*channel_noise((coils, 300, 300), generator(5)))
    sensitivity = torch.complex(*channel_noise((coils, 1, 1), generator(6)))
    m = sum_of_squares(clean, 2.0, noise, sensitivity)
    mean, square = 2 * chi_mean(snr, coils), 4 * (snr**2 + 2 * coils)
    assert m.mean().item() == pytest.approx(mean, rel=0.005, abs=0.01)
    assert m.square().mean().item() == pytest.approx(square, rel=0.01)
    assert m.var().item() == pytest.approx(square - mean**2, rel=0.02)


def test_one_coil_is_rician() -> None:
    clean = torch.rand(50, 50, generator=generator())
    real, imaginary = channel_noise((50, 50), generator(1))
    one = sum_of_squares(clean, 0.2, torch.complex(real, imaginary)[None], torch.ones(1, 1, 1) + 0j)
    assert torch.allclose(one, rician(clean, 0.2, (real, imaginary)), atol=1e-6)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_sigma_is_the_std_of_the_combined_image_where_the_signal_is_strong(
    correlation: float,
) -> None:
    """High SNR: std = σ also with correlated coils; air: E[m²] = 2Lσ²/(wᴴΨw)."""
    coils = 3
    noise = torch.complex(*channel_noise((coils, 300, 300), generator(7)))
    w = torch.tensor([1.0, 1.0, 0.5]).view(-1, 1, 1) + 0j
    strong = sum_of_squares(torch.full((300, 300), 500.0), 2.0, noise, w, correlation)
    assert strong.std().item() == pytest.approx(2.0, rel=0.01)
    power = (1 - correlation) + correlation * 2.5**2 / 2.25
    air = sum_of_squares(torch.zeros(300, 300), 2.0, noise, w, correlation)
    assert air.square().mean().item() == pytest.approx(2 * coils * 4 / power, rel=0.01)
    with pytest.raises(SettingsError, match="correlation"):
        sum_of_squares(torch.zeros(4, 4), 1.0, noise[..., :4, :4], w, 1.0)


@pytest.mark.parametrize("shape", [(64, 80), (5, 48, 48)])
def test_g_factor_is_smooth_bounded_and_varied(shape: tuple[int, ...]) -> None:
    gain = g_factor(200, shape, generator(3), strongest=3.0)
    assert gain.shape == (200, *shape)
    assert 1 <= gain.min() < 1.01
    assert 2.5 < gain.max() <= 3
    for axis in (-1, -2):
        assert gain.diff(dim=axis).abs().max() < 2 * math.pi / shape[axis] * 1.1
    peaks = gain.flatten(1).max(dim=1).values
    assert peaks.min() < 1.3
    assert peaks.median() > 1.5
    if len(shape) == 3:
        assert gain.diff(dim=1).abs().max() > 0.05


def test_simulated_noise_is_the_fraction_asked_for() -> None:
    array = np.full((4, 64, 64), 1000, np.float32)
    noisy, sigma = noisier_mr(array, 1.0, noise=0.05, seed=4)
    assert sigma == pytest.approx(50)
    assert noisy.std() == pytest.approx(50, rel=0.05)
    again, _ = noisier_mr(array, 1.0, noise=0.05, seed=4)
    assert np.array_equal(noisy, again)
    with pytest.raises(SettingsError, match="noise="):
        noisier_mr(array, 1.0, dose=0.5)
