"""Weighted sums of voxels: their spread in closed form, and fused with samples."""

import math

import numpy as np
import pytest
from scipy.signal import fftconvolve
from scipy.stats import t as student

from medrestore.core.noise_field import NoiseField
from medrestore.core.region_mean import (
    Functional,
    Spread,
    closed_form_std,
    fused_spread,
    sampled_spread,
)
from medrestore.core.residual_bytes import STEP, as_bytes
from medrestore.core.spectrum import Kernel, Spectrum, kernel_of

SMOOTH = kernel_of(Spectrum(1.0, (9.0, 9.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.2), (0.35, 0.0, 0.1)))
WHITE = kernel_of(Spectrum.white(0.5))


def region_std(inside: np.ndarray, s: np.ndarray, slices: tuple[int, ...], kernel: Kernel) -> float:
    return closed_form_std(inside / inside.sum(), s, slices, kernel)


def whole_plane_std(w: np.ndarray, s: np.ndarray, slices: tuple[int, ...], kernel: Kernel) -> float:
    """By convolution of whole slices, as the textbook has it."""
    planes = np.broadcast_to(kernel.plane, (len(slices), *kernel.plane.shape[1:])).astype(float)
    taps = np.broadcast_to(kernel.along_z, (len(slices), 7))
    white: dict[int, np.ndarray] = {}
    for z, one, plane, shares in zip(slices, w * s, planes, taps, strict=True):
        seen = fftconvolve(one, plane)
        for offset, share in enumerate(shares, -3):
            white[z + offset] = white.get(z + offset, 0) + share * seen
    return math.sqrt(sum((one**2).sum() for one in white.values()))


def test_white_noise_averages_down() -> None:
    inside = np.zeros((2, 40, 40), bool)
    inside[:, 5:15, 5:15] = True
    std = region_std(inside, np.full(inside.shape, 2.0), (3, 4), WHITE)
    assert std == pytest.approx(2 * math.sqrt(0.5) / math.sqrt(200), rel=1e-3)


@pytest.mark.parametrize("slices", [(4, 5, 6), (1, 4, 9)])
def test_it_is_what_the_samples_do(slices: tuple[int, ...]) -> None:
    """The same region of many sampled fields, slices of different kernels, adjacent or apart."""
    rng = np.random.default_rng(0)
    inside = rng.random((3, 24, 24)) < 0.4
    s = rng.uniform(1, 3, inside.shape).astype(np.float32)
    kernel = Kernel.stack([SMOOTH, WHITE, SMOOTH])
    std = region_std(inside, s, slices, kernel)
    means = []
    for k in range(120):
        r = NoiseField(7, [(k, z) for z in slices], (24, 24)).coloured(0, kernel)[:, 0].numpy()
        means.append((s * r)[inside].mean())
    assert np.std(means) == pytest.approx(std, rel=0.15)  # two standard errors of 120 draws


def test_cut_to_its_box_a_sum_varies_as_in_whole_slices() -> None:
    """Overlapping regions in slices of two kernels, one of them empty in between."""
    rng = np.random.default_rng(1)
    a, b = np.zeros((2, 6, 90, 80), bool)
    a[1, 20:31, 12:25], a[3, 22:40, 20:31] = True, True
    b[2:4, 24:37, 18:29] = True
    s = rng.uniform(1, 3, a.shape).astype(np.float32)
    kernel = Kernel.stack([SMOOTH, WHITE, SMOOTH])
    difference = Functional.difference(a, b)
    assert difference.slices == (1, 2, 3) and difference.box == (slice(20, 40), slice(12, 31))
    cut = s[1:4][:, *difference.box]
    weights = a / a.sum() - b / b.sum()
    expected = whole_plane_std(weights[1:4], s[1:4], (1, 2, 3), kernel)
    assert closed_form_std(difference.weights, cut, (1, 2, 3), kernel) == pytest.approx(
        expected, rel=1e-6
    )
    assert difference.of(cut) == pytest.approx(s[a].mean() - s[b].mean(), rel=1e-5)
    assert difference.voxels == pytest.approx(1 / (weights**2).sum(), rel=1e-5)
    assert Functional.mean(a).voxels == pytest.approx(a.sum(), rel=1e-5)


def test_slices_apart_share_less() -> None:
    inside = np.ones((2, 20, 20), bool)
    s = np.ones(inside.shape, np.float32)
    near, far = (region_std(inside, s, z, SMOOTH) for z in ((4, 5), (4, 20)))
    alone = region_std(inside[:1], s[:1], (4,), SMOOTH)
    assert far == pytest.approx(alone / math.sqrt(2), rel=1e-6)
    assert near == pytest.approx(alone * math.sqrt((1 + 0.35) / 2), rel=1e-2)


def test_what_two_parts_share_cancels_in_their_difference() -> None:
    """Halves of one smooth field are more alike than fields of their own would be."""
    a = np.zeros((1, 40, 40), bool)
    b = a.copy()
    a[0, 10:14, 10:14], b[0, 10:14, 14:18] = True, True
    s = np.ones(a.shape, np.float32)
    spread = Functional.difference(a, b)
    std = closed_form_std(spread.weights, s[:, *spread.box], (0,), SMOOTH)
    assert std < 0.9 * math.hypot(region_std(a, s, (0,), SMOOTH), region_std(b, s, (0,), SMOOTH))


def test_the_fused_variance_lies_between_both() -> None:
    values = np.array([1.0, 2.0, 4.0])
    seen = np.var(values, ddof=1)
    found = fused_spread(2.0, 10.0, values)
    assert found == (pytest.approx(math.sqrt((10 * 4 + 2 * seen) / 12)), 12.0)
    assert fused_spread(2.0, math.inf, values) == Spread(2.0, math.inf)
    for few in (values[:1], values[:0]):
        assert fused_spread(2.0, 10.0, few) == Spread(2.0, 10.0)
    trusted, unknown = fused_spread(2.0, 1e12, values), fused_spread(2.0, 1e-9, values)
    assert trusted.std == pytest.approx(2.0)
    assert (unknown.std, unknown.dof) == (pytest.approx(math.sqrt(seen)), pytest.approx(2))
    many = np.random.default_rng(0).normal(0, 3, 200_000)
    assert fused_spread(2.0, 10.0, many).std == pytest.approx(np.std(many, ddof=1), rel=1e-3)


@pytest.mark.parametrize("samples", [0, 2, 4, 8])
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_of_the_model_cover_what_they_state(samples: int, level: float) -> None:
    """Variances from the prior, error and samples from each: coverage and probabilities."""
    rng, dof, n = np.random.default_rng(samples), 6.0, 40_000
    variance = 2.0 * dof / rng.chisquare(dof, n)
    error = rng.normal(0, np.sqrt(variance))
    values = rng.normal(0, np.sqrt(variance)[:, None], (n, samples))
    found = fused_spread(np.full(n, math.sqrt(2.0)), dof, values)
    half = found.half_width(level)
    assert np.mean(np.abs(error) <= half) == pytest.approx(level, abs=0.008)
    above = student.sf(1.0 / found.std, found.dof)
    assert np.mean(error > 1.0) == pytest.approx(np.mean(above), abs=0.006)


@pytest.mark.parametrize("samples", [2, 4, 8])
def test_an_interval_about_the_mean_of_the_samples_allows_for_it(samples: int) -> None:
    """Truth and samples from one Gaussian: about the true mean Student's t, else by √(1 + 1/n)."""
    rng = np.random.default_rng(3)
    draws, truth = rng.standard_normal((4000, samples)), rng.standard_normal(4000)
    found = sampled_spread(draws, about_their_mean=True)
    missed = np.abs(truth - draws.mean(axis=1)) > found.half_width(0.9)
    assert found.std == pytest.approx(draws.std(axis=1, ddof=1) * math.sqrt(1 + 1 / samples))
    assert missed.mean() == pytest.approx(0.1, abs=0.015)


def test_probabilities_of_a_spread_are_those_of_its_interval() -> None:
    spread = Spread(0.7, 5.0)
    assert spread.above(spread.half_width(0.9)) == pytest.approx(0.05)
    assert spread.above(-spread.half_width(0.9)) == pytest.approx(0.95)
    assert spread.above(0.0) == 0.5
    assert (Spread(0.0, 5.0).above(-1.0), Spread(0.0, 5.0).above(0.0)) == (1.0, 0.0)


def test_bytes_hold_a_sample_to_half_a_step() -> None:
    rng = np.random.default_rng(2)
    centre, unit = rng.uniform(50, 90, (2, 64, 64)).astype(np.float32)
    sample = (centre + unit * rng.uniform(-7.9, 7.9, unit.shape)).astype(np.float32)
    back = centre + STEP * unit * as_bytes(sample, centre, unit)
    assert np.abs((back - sample) / unit).max() <= STEP / 2 + 1e-4
    assert ((back - sample) / unit).std() == pytest.approx(STEP / math.sqrt(12), rel=0.05)
    far = as_bytes(centre + 20 * unit, centre, unit)
    assert (far == 127).all() and (as_bytes(centre - 20 * unit, centre, unit) == -127).all()
    assert not as_bytes(centre, centre, 0 * unit).any()
    assert not as_bytes(np.full_like(centre, np.nan), centre, unit).any()
