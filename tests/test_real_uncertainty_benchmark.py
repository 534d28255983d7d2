"""Scores against a noisy reference, where the truth is made and known."""

import numpy as np
import pytest
from benchmarks.real_uncertainty.magnitude import cdf_and_density
from benchmarks.real_uncertainty.scores import LEVELS, Compared, covered, ratio
from scipy import stats

SIGMA = 0.09
Z = {level: stats.norm.ppf(0.5 + level / 2) for level in LEVELS}


def test_without_a_spread_it_is_rice() -> None:
    y, x = np.linspace(0.01, 3, 200), np.repeat([0.0, 0.1, 0.4, 2.0], 50)
    cdf, density = cdf_and_density(y, x, np.zeros_like(x), SIGMA)
    rice = stats.rice(x / SIGMA, scale=SIGMA)
    assert cdf == pytest.approx(rice.cdf(y), abs=1e-6)
    assert density == pytest.approx(rice.pdf(y), rel=1e-6, abs=1e-6)


def made(told: float) -> Compared:
    """Restored voxels with errors of 0.02 to 0.06, the told std ``told`` times as large."""
    rng = np.random.default_rng(0)
    n = 400_000
    truth, std = rng.uniform(0.3, 1.0, n), rng.uniform(0.02, 0.06, n)
    first, second = (
        np.hypot(truth + SIGMA * rng.standard_normal(n), SIGMA * rng.standard_normal(n))
        for _ in range(2)
    )
    mean = truth + std * rng.standard_normal(n)
    return Compared(mean, told * std, second, SIGMA, first)


@pytest.mark.parametrize("told", [0.7, 1.0, 1.5])
def test_the_ratio_is_what_it_was_made(told: float) -> None:
    assert ratio(made(told)) == pytest.approx(told, rel=0.04)


def test_an_honest_interval_covers_what_it_says() -> None:
    one = made(1.0)
    for level in LEVELS:
        assert covered(one, level, Z[level] * one.std) == pytest.approx(level, abs=0.003)
    assert covered(one, 0.9, 0 * one.std) < 0.87
