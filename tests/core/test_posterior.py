"""Moments, total standard deviation, intervals and their factors."""

from statistics import NormalDist

import numpy as np
import pytest

from medrestore.core.intervals import LEVELS, Intervals, empirical_factor, gaussian_factor
from medrestore.core.posterior import Moments, interval
from medrestore.errors import SettingsError


def blank(shape: tuple[int, ...]) -> Moments:
    return Moments(np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def test_running_moments_are_numpys() -> None:
    samples = np.random.default_rng(0).normal(5, 2, (9, 3, 4)).astype(np.float32)
    moments = blank((3, 4))
    for one in samples:
        moments.add(one)
    assert moments.mean == pytest.approx(samples.mean(axis=0), rel=1e-5)
    assert moments.variance == pytest.approx(samples.var(axis=0, ddof=1), rel=1e-4)


def test_one_sample_has_no_variance() -> None:
    moments = blank((2, 2))
    moments.add(np.ones((2, 2), np.float32))
    assert not moments.variance.any()


def test_intervals_are_cut_at_zero_for_magnitudes() -> None:
    mu, std = np.array([1.0, 10.0], np.float32), np.array([2.0, 2.0], np.float32)
    lower, upper = interval(mu, std, 1.0, 0.0)
    assert lower.tolist() == [0.0, 8.0]
    assert upper.tolist() == [3.0, 12.0]


def test_gaussian_factors() -> None:
    assert gaussian_factor(0.9) == pytest.approx(1.6449, abs=1e-4)
    with pytest.raises(SettingsError, match=r"between 0 and 1, got 1"):
        gaussian_factor(1.0)


def test_uncalibrated_intervals_are_gaussian_at_any_level() -> None:
    for level in (0.3, 0.68, 0.9, 0.99):
        wanted = NormalDist().inv_cdf(0.5 + level / 2)
        assert Intervals.gaussian().factor(level, 0.05) == pytest.approx(wanted, rel=1e-5)


def test_factors_are_interpolated_in_level_and_noise_and_monotone() -> None:
    intervals = Intervals((0.01, 0.1), ((0.7, 1.3, 1.7, 2.0), (0.8, 1.5, 2.0, 2.5)), 4)
    assert intervals.factor(0.9, 0.01) == pytest.approx(1.7, rel=1e-5)
    assert intervals.factor(0.9, 1.0) == pytest.approx(2.0, rel=1e-5)
    assert 1.7 < intervals.factor(0.9, 0.03) < 2.0
    growing = [float(intervals.factor(level, 0.03)) for level in np.linspace(0.05, 0.99, 40)]
    assert growing == sorted(growing)


def test_each_person_counts_the_same() -> None:
    """Many voxels of a calm person must not outvote few of another: levels are per person."""
    rng = np.random.default_rng(1)
    calm, wild = rng.normal(0, 1, 200_000), rng.normal(0, 3, 2_000)
    factors = [empirical_factor([calm, wild], 1 - level) for level in LEVELS]
    for level, factor in zip(LEVELS, factors, strict=True):
        misses = [(np.abs(one) > factor).mean() for one in (calm, wild)]
        assert np.mean(misses) == pytest.approx(1 - level, abs=0.004)
