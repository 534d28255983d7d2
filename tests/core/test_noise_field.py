"""Noise is a function of the voxel, not of who asks for it."""

import itertools

import numpy as np
import pytest
import torch

from medrestore.core.noise_field import NoiseField
from medrestore.core.spectrum import BANDS, RADIUS, Kernel, Spectrum, kernel_of, measure


def test_a_sample_is_the_same_in_any_batch() -> None:
    kernel = kernel_of(Spectrum(1.0, (3.0, 3.0, 3.0, 2.0, 1.5, 1.0, 0.8, 0.5), along_z=(0.2,)))
    alone = NoiseField(5, [(2, 7)], (40, 30))
    crowd = NoiseField(5, [(0, 6), (2, 7), (1, 7)], (40, 30))
    assert torch.equal(alone.white(1)[0], crowd.white(1)[1])
    assert torch.allclose(alone.coloured(1, kernel)[0], crowd.coloured(1, kernel)[1], atol=1e-6)


def test_seed_sample_step_time_and_slice_each_change_the_noise() -> None:
    base = NoiseField(1, [(0, 0)], (16, 16)).white(0)
    others = [
        NoiseField(2, [(0, 0)], (16, 16)).white(0),
        NoiseField(1, [(1, 0)], (16, 16)).white(0),
        NoiseField(1, [(0, 1)], (16, 16)).white(0),
        NoiseField(1, [(0, 0)], (16, 16), t=1).white(0),
        NoiseField(1, [(0, 0)], (16, 16)).white(1),
        NoiseField(1, [(0, 0)], (16, 16)).white(0, stream=2),
    ]
    for other in others:
        correlation = np.corrcoef(base.flatten(), other.flatten())[0, 1]
        assert abs(correlation) < 0.25


@pytest.mark.parametrize("wanted", [(0.3,), (0.35, 0.0, 0.08), (-0.2, 0.1)])
def test_correlation_along_z_is_the_one_asked_for(wanted: tuple[float, ...]) -> None:
    kernel = kernel_of(Spectrum(1.0, (1.0,) * 8, along_z=wanted))
    taps = kernel.along_z[0].astype(float)
    exact = [float(taps[lag:] @ taps[:-lag]) for lag in (1, 2, 3)]
    assert exact[: len(wanted)] == pytest.approx(wanted, abs=2e-3)
    assert taps @ taps == pytest.approx(1.0, abs=1e-5)
    fields = NoiseField(0, [(0, z) for z in range(40)], (48, 48)).coloured(0, kernel)[:, 0]
    for lag, rho in enumerate(exact, 1):
        product = (fields[lag:] * fields[:-lag]).mean() / fields.square().mean()
        assert product.item() == pytest.approx(rho, abs=0.02)


def test_each_slice_of_a_batch_can_have_its_own_kernel() -> None:
    smooth = kernel_of(Spectrum(1.0, (9.0, 9.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.2), along_z=(0.3,)))
    rough = kernel_of(Spectrum(0.5, (1.0,) * 8))
    pairs = [(0, 3), (0, 4), (1, 3)]
    mixed = NoiseField(2, pairs, (40, 40)).coloured(0, Kernel.stack([smooth, rough, smooth]))
    for row, pair, kernel in zip(mixed, pairs, (smooth, rough, smooth), strict=True):
        alone = NoiseField(2, [pair], (40, 40)).coloured(0, kernel)
        assert torch.allclose(row, alone[0], atol=1e-5)


def test_kernel_has_the_spectrum_it_was_made_from() -> None:
    wanted = Spectrum(0.7, (4.0, 4.0, 3.5, 2.5, 1.8, 1.2, 0.8, 0.6))
    fields = NoiseField(0, [(k, 0) for k in range(48)], (96, 96)).coloured(0, kernel_of(wanted))
    found = measure(fields[:, 0])
    assert found.variance == pytest.approx(0.7, rel=0.03)
    assert found.power[2:] == pytest.approx(wanted.power[2:], rel=0.08)  # leakage of the window
    assert found.power[:2] == pytest.approx(wanted.power[:2], rel=0.2)  # few frequencies


def power_of(kernel: Kernel, n: int) -> np.ndarray:
    """Power of what a kernel makes, on an n×n frequency plane."""
    return np.abs(np.fft.fft2(kernel.plane[0].astype(float), (n, n))) ** 2


STEEP = (29.0, 9.5, 3.6, 2.4, 1.8, 1.5, 1.1, 0.6)
"""Density of the first shipped card: half its power lies below 1/32 cycles per pixel."""
GENTLE = (2.0, 1.9, 1.8, 1.6, 1.3, 1.1, 0.9, 0.6)


@pytest.mark.parametrize("density", [STEEP, GENTLE, tuple(8.0 * 0.4**b for b in range(8))])
def test_every_band_of_a_kernel_holds_its_power(density: tuple[float, ...]) -> None:
    spectrum = Spectrum(1.3, density)
    n = 512
    power, f = power_of(kernel_of(spectrum), n), np.fft.fftfreq(n)
    radius = np.hypot(f[:, None], f[None, :])
    assert power.mean() == pytest.approx(1.3, rel=1e-5)
    for wanted, (low, high) in zip(spectrum.power, itertools.pairwise(BANDS), strict=True):
        found = power[(radius >= low) & (radius < high)].mean()
        assert found == pytest.approx(wanted, rel=0.04), (low, high)


@pytest.mark.parametrize("side", [4, 16, 32])
@pytest.mark.parametrize("corner", [0.04, 0.1, 0.3])
def test_region_means_vary_as_the_spectrum_says(corner: float, side: int) -> None:
    """Std of the mean of a square against that of the smooth spectrum the bands were cut from."""
    n, f = 1024, np.fft.fftfreq(1024)
    radius = np.hypot(f[:, None], f[None, :])
    smooth = (1 + (radius / corner) ** 2) ** -1.5
    bands = [
        smooth[(radius >= low) & (radius < high)].mean() for low, high in itertools.pairwise(BANDS)
    ]
    box = np.zeros((n, n))
    box[:side, :side] = 1 / side**2
    response = np.abs(np.fft.fft2(box)) ** 2
    kernel = kernel_of(Spectrum(float(smooth.mean()), tuple(bands)))
    made = np.sqrt((power_of(kernel, n) * response).mean())
    assert made == pytest.approx(np.sqrt((smooth * response).mean()), rel=0.03)


def test_white_noise_stays_white() -> None:
    kernel: Kernel = kernel_of(Spectrum.white(2.0))
    field = NoiseField(9, [(0, 0)], (64, 64)).coloured(0, kernel)
    assert np.square(kernel.plane).sum() == pytest.approx(2.0, rel=1e-5)
    assert kernel.plane[0, RADIUS, RADIUS].item() == pytest.approx(2**0.5, rel=1e-4)
    assert field.std().item() == pytest.approx(2**0.5, rel=0.04)
