"""Rician noise against its closed-form moments."""

import math

import numpy as np
import pytest
import torch

from medrestore.errors import SettingsError
from medrestore.physics.mr import channel_noise, g_factor, k_space_window, rician
from medrestore.physics.simulate import noisier


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


def test_zero_filling_correlates_and_keeps_the_variance() -> None:
    window = k_space_window((128, 128), (0.6, 1.0))
    real, imaginary = channel_noise((20, 128, 128), generator(2), window)
    for field in (real, imaginary):
        assert field.std().item() == pytest.approx(1.0, rel=0.02)
    down = (real[:, 1:] * real[:, :-1]).mean().item()
    across = (real[:, :, 1:] * real[:, :, :-1]).mean().item()
    assert down == pytest.approx(math.sin(0.6 * math.pi) / (0.6 * math.pi), abs=0.03)
    assert across == pytest.approx(0.0, abs=0.02)
    assert (real * imaginary).mean().item() == pytest.approx(0.0, abs=0.02)
    with pytest.raises(SettingsError, match="k-space"):
        k_space_window((8, 8), (0.0, 1.0))


def test_g_factor_is_smooth_and_bounded() -> None:
    gain = g_factor((64, 80), generator(3), strongest=3.0)
    assert gain.shape == (64, 80)
    assert 1 <= gain.min() and gain.max() <= 3
    assert (gain[1:] - gain[:-1]).abs().max() < 0.15


def test_simulated_noise_is_the_fraction_asked_for() -> None:
    array = np.full((4, 64, 64), 1000, np.float32)
    noisy, sigma = noisier(array, "MR", 1.0, noise=0.05, seed=4)
    assert sigma == pytest.approx(50)
    assert noisy.std() == pytest.approx(50, rel=0.05)
    again, _ = noisier(array, "MR", 1.0, noise=0.05, seed=4)
    assert np.array_equal(noisy, again)
    with pytest.raises(SettingsError, match="noise="):
        noisier(array, "MR", 1.0, dose=0.5)
