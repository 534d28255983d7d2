"""Spread of samples in the closed-form case: a stationary Gaussian residual, its exact denoiser.

Every step of the chain is linear, so that the power of z at each frequency follows exactly from
the kernels themselves: no Monte Carlo stands between a wrong kernel and a failing test.
"""

import itertools
import math

import numpy as np
import pytest
import torch

from medrestore.core.diffusion import posterior
from medrestore.core.noise_field import NoiseField
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample
from medrestore.core.schedules import angles
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import AREAS, BANDS, Spectrum

N = 256
F = np.fft.fftfreq(N)
RADII = np.hypot(F[:, None], F[None, :])
ANGLES = tuple(math.pi / 2 * j / 8 for j in range(1, 9))
CORNERS = {0.15: 0.075, 0.5: 0.28}
"""Two scans: mean s²/σ² and where the error's spectrum falls off."""


def truth(ratio: float) -> np.ndarray:
    """Power of r over the frequency plane; its integral is 1."""
    power = (1 + (RADII / CORNERS[ratio]) ** 2) ** -1.5
    return power / power.mean()


def remaining(lam: np.ndarray, t: float) -> np.ndarray:
    return lam * math.sin(t) ** 2 / (lam * math.cos(t) ** 2 + math.sin(t) ** 2)


def exact_family() -> Spectra:
    rows = []
    for ratio in CORNERS:
        row = []
        for t in ANGLES:
            left = remaining(truth(ratio), t)
            bands = [left[(RADII >= a) & (RADII < b)].mean() for a, b in itertools.pairwise(BANDS)]
            row.append(Spectrum(float(left.mean()), tuple(bands)))
        rows.append(tuple(row))
    return Spectra(ANGLES, tuple(rows), tuple(CORNERS))


FAMILY = exact_family()


def region_std(power: np.ndarray, side: int) -> float:
    box = np.zeros((N, N))
    box[:side, :side] = 1 / side**2
    return float(np.sqrt((power * np.abs(np.fft.fft2(box)) ** 2).mean()))


@pytest.mark.parametrize("ratio", CORNERS)
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_voxels_and_regions_of_every_size_vary_as_they_should(steps: int, ratio: float) -> None:
    lam, power = truth(ratio), np.ones((N, N))
    for t, u in itertools.pairwise(angles(steps)):
        q, gain = posterior(t, u), math.cos(t) * lam / (math.cos(t) ** 2 * lam + math.sin(t) ** 2)
        plane = FAMILY.kernels(t, [ratio]).plane[0].astype(float)
        added = np.abs(np.fft.fft2(plane, (N, N))) ** 2
        power = (q.a + q.b * gain) ** 2 * power + q.b**2 * added + q.beta**2
    assert math.sqrt(power.mean()) == pytest.approx(1.0, rel=0.01)
    for side in (4, 8, 16, 32):
        assert region_std(power, side) == pytest.approx(region_std(lam, side), rel=0.03), side


@pytest.mark.parametrize("steps", [1, 2])
def test_slices_of_different_scans_share_a_batch(steps: int) -> None:
    """Six samples each of two slices with different ratios, drawn together."""
    n, ratios = 128, [r for r in CORNERS for _ in range(6)]
    f = np.fft.fftfreq(n)
    radii = np.hypot(f[:, None], f[None, :])
    lam = np.stack([np.interp(radii, RADII[0, : N // 2], truth(r)[0, : N // 2]) for r in ratios])
    lam_t = torch.from_numpy(lam).float()[:, None]

    def denoise(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        gain = math.cos(t) * lam_t / (math.cos(t) ** 2 * lam_t + math.sin(t) ** 2)
        return torch.fft.ifft2(torch.fft.fft2(z_t) * gain).real

    field = NoiseField(3, [(k, z) for z in (4, 9) for k in range(6)], (n, n))
    found = sample(
        SAMPLERS["moment-matched"],
        denoise,
        torch.zeros(12, 1, n, n),
        field,
        lambda t: FAMILY.kernels(t, ratios),
        steps,
    ).r
    for ratio, part in zip(CORNERS, found.split(6), strict=True):
        assert part.std().item() == pytest.approx(1.0, rel=0.04)
        means = torch.nn.functional.avg_pool2d(part, 16)
        assert means.std().item() == pytest.approx(region_std(truth(ratio), 16), rel=0.12)


def test_areas_are_those_of_the_bands() -> None:
    rings = [math.pi * (b**2 - a**2) for a, b in itertools.pairwise(BANDS[:-1])]
    assert pytest.approx([*rings, 1 - sum(rings)], rel=0.02) == AREAS
