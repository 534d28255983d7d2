"""The variance of a voxel: what was known of it, and how samples spread, weighed."""

import math

import numpy as np
import pytest

from medrestore.core.fusion import WIDTH_PX, Trust, fused, pooled, relative_spread
from medrestore.core.posterior import Knowledge, Maps, PredictionStatistics, SampleStatistics
from medrestore.core.spectrum import Spectrum, independent_voxels, kernel_of

SIDE = 96


def statistics(kind, samples: np.ndarray):
    made = kind(np.zeros((kind.PLANES, 1, *samples.shape[1:]), np.float32))
    for k, r in enumerate(samples):
        made.add(k, r[None], r[None])
    return made


def knowledge(prior_dof: float, voxels: float = 1.0, side: int = SIDE) -> Knowledge:
    return Knowledge(np.ones((side, side), bool), prior_dof, voxels, lambda plane: plane)


def flat(side: int = SIDE) -> Maps:
    ones = np.ones((side, side), np.float32)
    return Maps(0 * ones, 2 * ones, 2 * ones)


def test_the_expected_variance_is_that_of_the_conjugate_prior() -> None:
    """Variances from the prior, spreads from the variances: fused is the mean given the spread."""
    rng, prior_dof, dof, n = np.random.default_rng(0), 12.0, 7.0, 400_000
    truth = prior_dof / rng.chisquare(prior_dof, n)  # scaled inverse χ² around 1
    spread = truth * rng.chisquare(dof, n) / dof
    both = prior_dof + dof
    mean = fused(1.0, prior_dof, spread, dof) * both / (both - 2)  # of scaled inverse χ²
    for low, high in ((0.0, 0.7), (0.7, 1.2), (1.2, 9.0)):
        chosen = (spread >= low) & (spread < high)
        assert mean[chosen].mean() == pytest.approx(truth[chosen].mean(), rel=0.02)


def test_limits() -> None:
    spread = np.array([0.5, 2.0])
    assert fused(1.0, math.inf, spread, 9.0) == pytest.approx([1.0, 1.0])
    assert fused(1.0, 5.0, spread, 0.0) == pytest.approx([1.0, 1.0])
    assert fused(1.0, 0.0, spread, 9.0) == pytest.approx(spread)
    assert fused(1.0, 5.0, spread, 1e9) == pytest.approx(spread)


def test_trust_is_interpolated_in_noise() -> None:
    trust = Trust((0.01, 0.1), (100.0, math.inf))
    assert trust.at(0.001) == pytest.approx(100) and trust.at(0.01) == pytest.approx(100)
    assert np.isinf(trust.at(0.5))
    assert trust.at(math.sqrt(0.001)) == pytest.approx(200)  # half way: half the 1/ν₀
    assert np.isinf(Trust().at(0.03))


@pytest.mark.parametrize("density", [(1.0,) * 8, (4.0, 4.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.2)])
def test_neighbours_count_as_what_they_are(density: tuple[float, ...]) -> None:
    """The pooled variance of few samples varies as χ² with that many degrees of freedom does."""
    spectrum, rng, samples = Spectrum(1.0, density), np.random.default_rng(0), 3
    kernel = np.fft.fft2(kernel_of(spectrum).plane[0], (256, 256))
    fields = rng.normal(size=(8, samples, 256, 256))
    fields = np.fft.ifft2(np.fft.fft2(fields) * kernel).real.astype(np.float32)
    found = [pooled(one.var(axis=0, ddof=1), np.ones((256, 256), bool))[0] for one in fields]
    inner = np.stack(found)[:, 16:-16, 16:-16]
    dof = (samples - 1) * independent_voxels(spectrum, WIDTH_PX)
    assert inner.var() / inner.mean() ** 2 == pytest.approx(2 / dof, rel=0.12)


def test_independent_voxels_of_white_noise() -> None:
    assert independent_voxels(Spectrum.white(), WIDTH_PX) == pytest.approx(
        4 * math.pi * 4, rel=0.02
    )


def test_only_where_samples_spread_more_than_elsewhere_counts() -> None:
    rng = np.random.default_rng(0)
    variance = rng.random((SIDE, SIDE)).astype(np.float32)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[20:70, 20:70] = True
    one, share = relative_spread(variance, inside)
    other, _ = relative_spread(7 * variance, inside)
    assert one == pytest.approx(other, rel=1e-5)
    assert one[inside].mean() == pytest.approx(1, abs=0.02)
    assert share[45, 45] == pytest.approx(1) and share[0, 0] == 0


def test_samples_that_tell_nothing_leave_the_predicted_spread_as_it_is() -> None:
    samples = np.random.default_rng(0).normal(size=(4, SIDE, SIDE)).astype(np.float32)
    made = statistics(PredictionStatistics, samples)
    for drawn, prior_dof in ((4, math.inf), (1, 9.0)):
        assert np.array_equal(made.maps(0, drawn, flat(), knowledge(prior_dof)).std, flat().std)


def test_a_place_where_samples_disagree_is_less_sure() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(8, SIDE, SIDE)).astype(np.float32)
    samples[:, 40:60, 40:60] *= 3
    std = statistics(PredictionStatistics, samples).maps(0, 8, flat(), knowledge(50.0, 50.0)).std
    assert std[45:55, 45:55].mean() > 2 * std[:20, :20].mean()
    speckle = statistics(PredictionStatistics, samples).maps(0, 8, flat(), knowledge(0.0, 50.0)).std
    assert std[:20, :20].std() < 0.3 * std[:20, :20].mean()
    assert speckle[:20, :20].mean() == pytest.approx(std[:20, :20].mean(), rel=0.2)


def test_of_samples_alone_neighbours_steady_the_map() -> None:
    """With ν₀ = 0 a voxel's own spread counts alone; with neighbours the relative error falls."""
    samples = np.random.default_rng(0).normal(size=(8, SIDE, SIDE)).astype(np.float32)
    made = statistics(SampleStatistics, samples)
    alone = made.maps(0, 8, flat(), knowledge(0.0)).std
    steadied = made.maps(0, 8, flat(), knowledge(20.0)).std
    wanted = 2 * math.sqrt(1 + 1 / 8)
    assert np.sqrt((alone**2).mean()) == pytest.approx(wanted, rel=0.01)
    assert np.sqrt((steadied**2).mean()) == pytest.approx(wanted, rel=0.02)
    assert steadied.std() < 0.4 * alone.std()
