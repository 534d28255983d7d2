"""Noise is a function of the voxel, not of who asks for it."""

import itertools

import numpy as np
import pytest
import torch

from medrestore.core.noise_field import NoiseField
from medrestore.core.spectrum import Kernel, Spectrum, kernel_of, measure


def test_a_sample_is_the_same_in_any_batch() -> None:
    kernel = kernel_of(Spectrum(1.0, (3.0, 3.0, 3.0, 2.0, 1.5, 1.0, 0.8, 0.5), along_z=0.2))
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


def test_correlation_along_z_is_the_one_asked_for() -> None:
    kernel = kernel_of(Spectrum.white(1.0).__class__(1.0, (1.0,) * 8, along_z=0.3))
    fields = NoiseField(0, [(0, z) for z in range(40)], (48, 48)).coloured(0, kernel)[:, 0]
    product = (fields[1:] * fields[:-1]).mean() / fields.square().mean()
    assert product.item() == pytest.approx(0.3, abs=0.02)


def test_kernel_has_the_spectrum_it_was_made_from() -> None:
    wanted = Spectrum(0.7, (4.0, 4.0, 3.5, 2.5, 1.8, 1.2, 0.8, 0.6))
    fields = NoiseField(0, [(k, 0) for k in range(48)], (96, 96)).coloured(0, kernel_of(wanted))
    found = measure(fields[:, 0])
    assert found.variance == pytest.approx(0.7, rel=0.03)
    level = np.array(wanted.density) / np.average(wanted.density, weights=band_areas())
    assert np.array(found.density)[2:] == pytest.approx(level[2:], rel=0.2)


def band_areas() -> np.ndarray:
    from medrestore.core.spectrum import BANDS

    f = np.fft.fftfreq(256)
    radius = np.hypot(f[:, None], f[None, :])
    return np.array(
        [((radius >= low) & (radius < high)).mean() for low, high in itertools.pairwise(BANDS)]
    )


def test_white_noise_stays_white() -> None:
    kernel: Kernel = kernel_of(Spectrum.white(2.0))
    field = NoiseField(9, [(0, 0)], (64, 64)).coloured(0, kernel)
    assert kernel.plane.square().sum().item() == pytest.approx(2.0, rel=1e-5)
    assert kernel.plane[16, 16].item() == pytest.approx(2**0.5, rel=1e-4)
    assert field.std().item() == pytest.approx(2**0.5, rel=0.04)
