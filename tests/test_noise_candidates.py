"""Noise that was zero-filled or filtered in k-space, in closed form and on made anatomy."""

import numpy as np
import pytest
from benchmarks.noise.acquired_grid import acquired_shares, on_acquired_grid
from benchmarks.noise.second_differences import fine_noise

from medrestore.core.intensity import foreground_scale
from medrestore.core.noise_level_mr import gaussian_sigma
from medrestore.physics.phantom import head_mr

SHARES = [(1.0, 1.0), (0.5, 0.5), (2 / 3, 2 / 3), (0.72, 1.0), (1.0, 0.46), (0.5, 0.85)]


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    return head_mr((10, 192, 160), (3.2, 1.2, 1.2), seed=5)


def candidate(noisy: np.ndarray) -> float:
    """σ of the candidate."""
    found = fine_noise(noisy, foreground_scale(noisy), gaussian_sigma)
    assert found is not None
    return found.sigma


def window(n: int, share: float, floor: float) -> np.ndarray:
    """Acquired part of k-space under a raised cosine that ends at ``floor``: 0.08 is Hamming."""
    place = np.abs(np.fft.fftfreq(n)) / (0.5 * share)
    shape = 0.5 * (1 + floor) + 0.5 * (1 - floor) * np.cos(np.pi * np.minimum(place, 1))
    return np.where(place <= 1, shape, 0.0)


def acquired(
    clean: np.ndarray,
    sigma: float,
    shares: tuple[float, float],
    floors: tuple[float, float] = (1.0, 1.0),
) -> np.ndarray:
    """Magnitudes from part of k-space; σ is that of a channel of the image as stored."""
    rng = np.random.default_rng(3)
    y, x = map(window, clean.shape[1:], shares, floors)
    weights = y[:, None] * x
    noise = rng.standard_normal((2, *clean.shape)) * sigma / np.sqrt(np.mean(weights**2))
    spectrum = np.fft.fft2(clean + noise[0] + 1j * noise[1]) * weights
    return np.abs(np.fft.ifft2(spectrum)).astype(np.float32)


@pytest.mark.parametrize("shares", SHARES)
def test_the_acquired_share_is_found(brain: np.ndarray, shares: tuple[float, float]) -> None:
    scale = foreground_scale(brain)
    for level in (0.03, 0.12):
        found = acquired_shares(acquired(brain, level * scale, shares), scale)
        for one, right in zip(found, shares, strict=True):
            assert one == pytest.approx(right, abs=0.1)


def test_nothing_is_lost_on_the_acquired_grid() -> None:
    """Values of a band-limited image at the places that both grids share are the same."""
    rng = np.random.default_rng(0)
    spectrum = np.zeros((64, 48), complex)
    spectrum[:15, :11] = rng.standard_normal((15, 11)) + 1j * rng.standard_normal((15, 11))
    image = np.fft.ifft2(spectrum).real.astype(np.float32)
    coarse = on_acquired_grid(image, (0.5, 0.5))
    assert coarse.shape == (32, 24)
    np.testing.assert_allclose(coarse, image[::2, ::2], atol=1e-6)
    assert on_acquired_grid(image, (1.0, 1.0)) is image


@pytest.mark.parametrize("level", [0.03, 0.06, 0.12])
@pytest.mark.parametrize("shares", SHARES)
def test_zero_filled_noise(brain: np.ndarray, shares: tuple[float, float], level: float) -> None:
    sigma = level * foreground_scale(brain)
    found = candidate(acquired(brain, sigma, shares))
    assert found == pytest.approx(sigma, rel=0.15 if level > 0.03 else 0.2)


@pytest.mark.parametrize("level", [0.06, 0.12])
@pytest.mark.parametrize("floors", [(0.08, 0.08), (0.08, 1.0), (1.0, 0.08)])
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_filtered_noise(
    brain: np.ndarray, share: float, floors: tuple[float, float], level: float
) -> None:
    sigma = level * foreground_scale(brain)
    found = candidate(acquired(brain, sigma, (share, share), floors))
    assert found == pytest.approx(sigma, rel=0.3)


@pytest.mark.parametrize("floors", [(1.0, 1.0), (0.08, 0.08), (0.2, 1.0)])
def test_without_anatomy_both_estimates_are_exact(floors: tuple[float, float]) -> None:
    """σ² = E r_x²·E r_y² / E r_xy² for any separable window; r_xy alone for white noise."""
    flat = np.full((6, 200, 200), 100.0)
    found = fine_noise(acquired(flat, 3.0, (1.0, 1.0), floors), 100.0, gaussian_sigma)
    assert found is not None
    assert found.separable == pytest.approx(3.0, rel=0.05)
    assert (found.white == pytest.approx(3.0, rel=0.05)) == (floors == (1.0, 1.0))
    assert found.filtered == (floors != (1.0, 1.0))
