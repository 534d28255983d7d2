"""The distribution behind intervals, and the error of a difference, against closed forms."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from medrestore.core.exceedance import Calibrated, covariance_with_mean, difference_std
from medrestore.core.intervals import LEVELS, Intervals, gaussian_factor
from medrestore.core.spectrum import RADIUS, Kernel, Spectrum, kernel_of

CALIBRATED = Intervals((0.01, 0.1), ((0.65, 1.25, 1.62, 1.95), (0.7, 1.4, 1.8, 2.3)), people=4)
ONE = np.ones((1, 1), np.float32)


@pytest.mark.parametrize("value", [-40.0, -1.0, 0.0, 3.0, 5.0, 8.5, 30.0])
def test_gaussian_factors_give_the_normal_distribution(value: float) -> None:
    mu, std = np.full((2, 3), 5, np.float32), np.full((2, 3), 2, np.float32)
    known = Calibrated(Intervals.gaussian(), 0.05)
    above, below = known.above(value, mu, std), known.below(value, mu, std)
    np.testing.assert_allclose(above, norm.sf(value, 5, 2), rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(below, norm.cdf(value, 5, 2), rtol=1e-5, atol=1e-30)
    assert above.dtype == np.float32


@pytest.mark.parametrize("level", [0.1, 0.5, 0.68, 0.8, 0.87, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("dof", [math.inf, 3.0])
def test_bounds_of_an_interval_are_exceeded_as_its_level_says(level: float, dof: float) -> None:
    sigma = np.array([[0.001, 0.01, 0.03, 0.1, 0.5]])
    known = Calibrated(CALIBRATED, sigma, dof)
    factor = CALIBRATED.factor(level, sigma, dof)
    mu, std = np.zeros_like(factor), np.ones_like(factor)
    tolerance = 1e-6 if math.isinf(dof) or level in LEVELS else 2e-3
    for column, half in enumerate(factor[0]):
        upper = known.above(float(half), mu, std)[0, column]
        lower = known.above(float(-half), mu, std)[0, column]
        assert upper == pytest.approx((1 - level) / 2, abs=tolerance)
        assert lower == pytest.approx((1 + level) / 2, abs=tolerance)


def test_few_samples_give_the_tails_of_student() -> None:
    known = Calibrated(Intervals.gaussian(), 1.0, dof=3.0)
    for value in (0.3, 1.0, 2.0, 4.0):
        found = known.above(value, 0 * ONE, ONE)[0, 0]
        assert found == pytest.approx(student.sf(value, 3), abs=4e-3)


def test_probability_falls_as_the_value_grows_and_all_voxels_have_their_own_factor() -> None:
    sigma = np.geomspace(0.005, 0.2, 7)[None]
    known = Calibrated(CALIBRATED, sigma)
    mu = np.zeros((1, 7), np.float32)
    found = [known.above(v, mu, mu + 1) for v in np.linspace(-6, 6, 481)]
    assert (np.diff(found, axis=0) <= 0).all()
    assert (np.diff(known.above(1.5, mu, mu + 1)) >= 0).all()  # factors grow with the noise
    singles = [Calibrated(CALIBRATED, s).above(1.5, 0 * ONE, ONE)[0, 0] for s in sigma[0]]
    np.testing.assert_allclose(known.above(1.5, mu, mu + 1)[0], singles, rtol=1e-6)


def test_above_and_below_are_one() -> None:
    known = Calibrated(CALIBRATED, 0.03)
    mu, std = np.random.default_rng(0).uniform(1, 3, (2, 4, 5)).astype(np.float32)
    np.testing.assert_allclose(known.above(2, mu, std) + known.below(2, mu, std), 1, atol=1e-6)


def test_known_voxels_exceed_by_their_value_and_unknown_ones_say_nothing() -> None:
    known = Calibrated(CALIBRATED, 0.03)
    mu = np.array([[1, 2, 3, np.nan, 2]], np.float32)
    std = np.array([[0, 0, 0, 0, np.nan]], np.float32)
    np.testing.assert_array_equal(known.above(2, mu, std), [[0, 0, 1, np.nan, np.nan]])
    np.testing.assert_array_equal(known.below(2, mu, std), [[1, 0, 0, np.nan, np.nan]])


def test_magnitudes_exceed_whatever_is_negative() -> None:
    known = Calibrated(CALIBRATED, 0.03)
    mu, std = np.array([[0.1, np.nan]], np.float32), np.array([[1, np.nan]], np.float32)
    np.testing.assert_array_equal(known.above(-0.5, mu, std, lowest=0), [[1, np.nan]])
    np.testing.assert_array_equal(known.below(-0.5, mu, std, lowest=0), [[0, np.nan]])
    assert known.above(0, mu, std, lowest=0)[0, 0] == known.above(0, mu, std)[0, 0]
    assert known.above(-0.5, mu, std)[0, 0] < 1


def test_equal_factors_leave_a_step_and_no_more() -> None:
    known = Calibrated(Intervals((1.0,), ((1.0, 1.0, 1.0, 1.0),)), 1.0)
    just_below, above = (known.above(v, 0 * ONE, ONE)[0, 0] for v in (0.999, 1.001))
    assert just_below == pytest.approx(0.25, abs=1e-3)
    assert above == pytest.approx(0.025, abs=1e-3)


def dense(kernel: Kernel, slices: int, side: int) -> np.ndarray:
    """Covariance of all voxels of unit errors, from the kernel's autocorrelation."""
    plane, taps = kernel.plane[0].astype(float), kernel.along_z[0].astype(float)
    size = 2 * len(plane)
    auto = np.fft.ifft2(np.abs(np.fft.fft2(plane, (size, size))) ** 2).real
    along = np.correlate(taps, taps, "full")
    z, y, x = np.indices((slices, side, side)).reshape(3, -1)
    dz = z[:, None] - z[None]
    shared = np.where(abs(dz) < len(taps), along[np.clip(dz + len(taps) - 1, 0, len(along) - 1)], 0)
    found = shared * auto[(y[:, None] - y[None]) % size, (x[:, None] - x[None]) % size]
    return found / found[0, 0]


def test_covariance_with_a_mean_is_that_of_the_spectrum() -> None:
    spectrum = Spectrum(0.8, (4.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.6, 0.3), (0.4, 0.1, 0.0))
    kernel, (slices, side) = kernel_of(spectrum), (5, 12)
    rng = np.random.default_rng(0)
    std = rng.uniform(1, 3, (slices, side, side)).astype(np.float32)
    inside = np.zeros(std.shape, bool)
    inside[1:3, 2:6, 3:9] = True
    found = covariance_with_mean(
        inside / np.float32(inside.sum()), std, tuple(range(10, 10 + slices)), kernel
    )
    errors = dense(kernel, slices, side) * np.outer(std, std)
    expected = errors @ (inside.ravel() / inside.sum())
    np.testing.assert_allclose(found.ravel(), expected, rtol=2e-4, atol=1e-5)


def test_a_single_voxel_as_reference_differs_from_itself_by_nothing() -> None:
    std = np.full((3, 70, 70), 2, np.float32)
    std[0, 0, 0] = np.nan
    inside = np.zeros(std.shape, bool)
    inside[1, 30, 30] = True
    side = 2 * RADIUS + 1
    white = Kernel(np.zeros((1, side, side), np.float32), np.zeros((1, 7), np.float32))
    white.plane[0, RADIUS, RADIUS] = white.along_z[0, 3] = 1
    covariance = covariance_with_mean(inside / np.float32(inside.sum()), std, (0, 1, 2), white)
    assert covariance[1, 30, 30] == pytest.approx(4, rel=1e-5)
    assert np.abs(covariance).sum() == pytest.approx(4, rel=1e-3)
    difference = difference_std(std, 2.0, covariance)
    assert difference[1, 30, 30] < 0.05
    assert difference[2, 5, 5] == pytest.approx(np.sqrt(8), rel=1e-5)
    assert np.isnan(difference[0, 0, 0])


def test_a_known_voxel_differs_as_its_reference_does() -> None:
    assert difference_std(0 * ONE, 1.5, 0.0)[0, 0] == pytest.approx(1.5)


def test_the_factor_of_a_level_has_its_gaussian_score() -> None:
    known = Calibrated(CALIBRATED, 0.01)
    for level, factor in zip(LEVELS, CALIBRATED.factors[0], strict=True):
        score = known.gaussian(np.array([factor]))[0]
        assert score == pytest.approx(gaussian_factor(level), rel=1e-5)
