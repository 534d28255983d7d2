"""Samplers on a Gaussian whose posterior is known: a stationary residual of four bands.

With Cov[r] diagonal in the Fourier basis (variance λ_f), E[r | z_t] is linear in each band:
gain g = cos t λ/(cos²t λ + sin²t), and Cov[r | z_t] = λ sin²t/(cos²t λ + sin²t). The chain is then
linear too, so that the variance of every band after K steps follows exactly, without sampling.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from medrestore.core.diffusion import posterior
from medrestore.core.noise_field import NoiseField
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample, shared_start
from medrestore.core.schedules import angles
from medrestore.core.spectrum import BANDS, Kernel, Spectrum, kernel_of

VARIANCES = (4.0, 1.5, 0.5, 0.1)
"""Of four bands, method.md §1."""


def gain(variance: float, t: float) -> float:
    return math.cos(t) * variance / (math.cos(t) ** 2 * variance + math.sin(t) ** 2)


def left(variance: float, t: float) -> float:
    return variance * math.sin(t) ** 2 / (math.cos(t) ** 2 * variance + math.sin(t) ** 2)


def exact_variance(method: str, variance: float, steps: int) -> float:
    """Variance of r after a chain, by carrying the variance of z through each linear step."""
    power = 1.0
    schedule = angles(steps)
    for t, u in itertools.pairwise(schedule):
        q, g = posterior(t, u), gain(variance, t)
        if method == "ddim":
            coefficient = math.cos(u) * g + math.sin(u) * (1 - math.cos(t) * g) / math.sin(t)
            power *= coefficient**2
        else:
            power = (q.a + q.b * g) ** 2 * power + q.beta**2
            if method == "moment-matched":
                power += q.b**2 * left(variance, t)
    return power


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_moment_matching_is_exact_in_any_number_of_steps(variance: float, steps: int) -> None:
    assert exact_variance("moment-matched", variance, steps) == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize(("steps", "expected"), [(2, 0.39), (4, 0.63), (8, 0.78)])
def test_ddpm_loses_what_the_method_page_says(steps: int, expected: float) -> None:
    ratio = math.sqrt(exact_variance("ddpm", 4.0, steps) / 4.0)
    assert ratio == pytest.approx(expected, abs=0.02)


def stationary(size: int) -> tuple[Callable, Callable[[float], Kernel]]:
    """The exact denoiser of white unit-variance noise of variance 0.25, and its kernels."""
    variance = 0.25

    def denoise(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        return gain(variance, t) * z_t + condition

    def kernel(t: float) -> Kernel:
        return kernel_of(Spectrum.white(left(variance, t)))

    return denoise, kernel


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_sampled_white_field_has_the_exact_mean_and_std(steps: int) -> None:
    denoise, kernel = stationary(64)
    field = NoiseField(3, [(k, 0) for k in range(24)], (64, 64))
    condition = torch.zeros(24, 1, 64, 64)
    r = sample(SAMPLERS["moment-matched"], denoise, condition, field, kernel, steps).r
    assert r.mean().item() == pytest.approx(0.0, abs=4 * 0.5 / math.sqrt(r.numel()))
    assert r.std().item() == pytest.approx(0.5, rel=0.01)


def coloured_case() -> tuple[Callable, Callable[[float], Kernel], np.ndarray]:
    """A residual that is smooth: variance concentrated at low frequency, exact in Fourier space."""
    density = np.array([6.0, 6.0, 6.0, 5.0, 3.5, 2.0, 1.0, 0.3])
    n = 128
    f = np.fft.fftfreq(n)
    radius = np.hypot(f[:, None], f[None, :])
    centres = np.array([0.5 * (a + b) for a, b in itertools.pairwise(BANDS)])
    power = np.interp(radius, centres, density)
    power /= power.mean()
    lam = torch.from_numpy(power).float()

    def filtered(z: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
        return torch.fft.ifft2(torch.fft.fft2(z) * response).real

    def denoise(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        c, s = math.cos(t), math.sin(t)
        return filtered(z_t, c * lam / (c**2 * lam + s**2))

    def kernel(t: float) -> Kernel:
        c, s = math.cos(t), math.sin(t)
        remaining = power * s**2 / (c**2 * power + s**2)
        variance = float(remaining.mean())
        bands = []
        for low, high in itertools.pairwise(BANDS):
            inside = (radius >= low) & (radius < high)
            bands.append(float(remaining[inside].mean()) / variance)
        return kernel_of(Spectrum(variance, tuple(bands)))

    return denoise, kernel, power


def region_std(r: torch.Tensor, side: int) -> float:
    """Standard deviation of the means of side×side blocks."""
    return torch.nn.functional.avg_pool2d(r, side).std().item()


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_region_means_vary_as_they_should(steps: int) -> None:
    """Voxel std and 8×8 region-mean std of a correlated residual, against the exact values."""
    denoise, kernel, power = coloured_case()
    n = len(power)
    box = np.zeros((n, n))
    box[:8, :8] = 1 / 64
    truth = math.sqrt(float((power * np.abs(np.fft.fft2(box)) ** 2).mean()))
    field = NoiseField(1, [(k, 0) for k in range(16)], (n, n))
    r = sample(
        SAMPLERS["moment-matched"], denoise, torch.zeros(16, 1, n, n), field, kernel, steps
    ).r
    assert r.std().item() == pytest.approx(1.0, rel=0.02)
    assert region_std(r, 8) == pytest.approx(truth, rel=0.06)
    if steps > 1:
        plain = sample(SAMPLERS["ddpm"], denoise, torch.zeros(16, 1, n, n), field, kernel, steps).r
        assert region_std(plain, 8) < 0.8 * truth


def test_a_shared_start_changes_nothing_for_an_exact_denoiser() -> None:
    """At π/2 the exact prediction ignores z, so one evaluation serves every sample."""
    denoise, kernel = stationary(32)
    condition = torch.full((2, 1, 32, 32), 0.3)
    field = NoiseField(0, [(0, 4), (1, 4)], (32, 32))
    start = shared_start(denoise, condition[:1], NoiseField(0, [(0, 4)], (32, 32)))
    args = (SAMPLERS["moment-matched"], denoise, condition, field, kernel, 3)
    shared = sample(*args, start=start.expand(2, -1, -1, -1))
    assert torch.allclose(shared.r, sample(*args).r, atol=1e-5)
