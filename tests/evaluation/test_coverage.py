"""Figures of uncertainty against closed forms and hand-written answers."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from medrestore.core.intervals import LEVELS, gaussian_factor
from medrestore.evaluation.coverage import ause, crps, ence, pit_histogram
from medrestore.evaluation.strata import by_gradient, by_tissue

# Quantiles of a Gaussian: its distribution without Monte Carlo noise.
Z = norm.ppf((np.arange(100_000) + 0.5) / 100_000)


@pytest.mark.parametrize("level", LEVELS)
def test_a_gaussian_is_covered_as_its_quantiles_say(level: float) -> None:
    hits = np.abs(2 * Z) <= gaussian_factor(level) * 2
    assert hits.mean() == pytest.approx(level, abs=2e-5)
    assert (np.abs(2 * Z) <= gaussian_factor(level)).mean() == pytest.approx(
        2 * norm.cdf(gaussian_factor(level) / 2) - 1, abs=2e-5
    )


@pytest.mark.parametrize("truth", [-1.0, 0.3, 4.0])
def test_crps_is_the_integral_that_defines_it(truth: float) -> None:
    mean, std = 0.5, 1.7
    left = quad(lambda x: norm.cdf(x, mean, std) ** 2, -30, truth)[0]
    right = quad(lambda x: (1 - norm.cdf(x, mean, std)) ** 2, truth, 30)[0]
    assert crps(np.array([truth]), mean, std)[0] == pytest.approx(left + right, rel=1e-7)


def test_expected_crps_of_an_honest_gaussian_is_its_std_over_root_pi() -> None:
    assert crps(3 * Z, 0.0, 3.0).mean() == pytest.approx(3 / np.sqrt(np.pi), rel=1e-4)


def test_ence_of_a_std_that_is_a_fifth_too_small() -> None:
    std = np.repeat([1.0, 2.0, 5.0], Z.size)
    error = std * np.tile(Z, 3)
    assert ence(error, std, 3) == pytest.approx(0, abs=1e-3)
    assert ence(1.2 * error, std, 3) == pytest.approx(0.2, abs=1e-3)


def test_ause_by_hand() -> None:
    """Errors 2 and 1: the right ranking leaves nothing; the wrong one has (0 + 2 − 1)/2 / √2.5."""
    error = np.array([2.0, 1.0])
    assert ause(error, np.array([5.0, 3.0]), steps=2) == 0
    assert ause(error, np.array([3.0, 5.0]), steps=2) == pytest.approx(0.5 / np.sqrt(2.5))


def test_pit_is_flat_for_an_honest_gaussian_and_not_for_a_shifted_one() -> None:
    assert pit_histogram(Z, 0 * Z, 1 + 0 * Z) == pytest.approx(0.1, abs=1e-4)
    wanted = np.diff(norm.cdf(norm.ppf(np.linspace(0, 1, 11)) - 1))
    assert pit_histogram(Z + 1, 0 * Z, 1 + 0 * Z) == pytest.approx(wanted, abs=1e-4)


def test_tissues_are_windows_of_ct_and_terciles_of_mr() -> None:
    hu = np.array([[[-1000, -700, -100, -30, 40, 170, 500]]], float)
    inside = np.ones(hu.shape, bool)
    found = by_tissue(hu, inside, "CT")
    assert {name: hu[mask].tolist() for name, mask in found.items()} == {
        "lung": [-700],
        "fat": [-100, -30],
        "soft": [40],
        "bone": [500],
    }
    mr = by_tissue(np.arange(10.0)[None, None], np.arange(10)[None, None] > 0, "MR")
    assert [mask.sum() for mask in mr.values()] == [3, 3, 3]
    assert not mr["dark"][0, 0, 0]


def test_gradient_terciles_of_a_cubic_are_thirds_of_the_line() -> None:
    image = np.tile(np.arange(9.0) ** 3, (1, 6, 1))
    strata = by_gradient(image, np.ones(image.shape, bool))
    assert [np.flatnonzero(mask[0, 0]).tolist() for mask in strata.values()] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
    ]
