"""Strata of noise, factors and their record, on people made of exact quantiles."""

import numpy as np
import pytest
from scipy.stats import norm

from medrestore.core.intervals import LEVELS, gaussian_factor
from medrestore.errors import InputError
from medrestore.evaluation.intervals import Scores, fit_intervals, guarantee, merged, table

Z = np.abs(norm.ppf((np.arange(4000) + 0.5) / 4000)).astype(np.float32)


def person(scale: float, sigma: float) -> Scores:
    return Scores(scale * Z, np.full(Z.size, sigma, np.float32))


def test_factors_of_gaussian_people_are_gaussian_in_each_stratum() -> None:
    people = [merged([person(1.0, 0.01), person(1.5, 0.05)]) for _ in range(3)]
    intervals, counts = fit_intervals(people)
    assert counts == (3, 3) and intervals.people == 3
    assert intervals.relative_sigma == pytest.approx((0.01, 0.05), rel=1e-5)
    for level in LEVELS:
        wanted = gaussian_factor(level)
        assert intervals.factor(level, 0.01) == pytest.approx(wanted, abs=4e-3)
        assert intervals.factor(level, 0.05) == pytest.approx(1.5 * wanted, abs=6e-3)


def test_noise_levels_that_not_everybody_has_are_merged() -> None:
    intervals, counts = fit_intervals([person(1.0, 0.01), person(1.0, 0.05), person(1.0, 0.1)])
    assert counts == (3,)
    assert intervals.relative_sigma == pytest.approx(((0.01 * 0.05 * 0.1) ** (1 / 3),), rel=1e-5)


def test_a_stratum_at_the_top_with_few_people_joins_the_one_below() -> None:
    people = [merged([person(1.0, 0.01), person(1.0, 0.05)]) for _ in range(2)]
    _, counts = fit_intervals([merged([people[0], person(1.0, 0.2)]), people[1]])
    assert counts == (2, 2)


def test_ten_people_control_ninety_percent_and_the_record_says_so() -> None:
    """(0.1·11 − 1)/10 = 1 % of misses is what the bound leaves."""
    intervals, counts = fit_intervals([person(1.0, 0.02)] * 10)
    assert intervals.factor(0.9, 0.02) == pytest.approx(norm.ppf(0.995), abs=0.02)
    facts = table({"predictor": (intervals, counts)}, guarantee(min(counts)), "these")
    assert facts["people_by_noise"] == [10]
    assert facts["how"].startswith("conformal risk control up to 90%, n = 10; above that empirical")
    assert facts["factors"]["predictor"][0] == sorted(facts["factors"]["predictor"][0])


def test_what_few_people_allow_to_say() -> None:
    assert guarantee(4) == "empirical, n = 4, no finite-sample guarantee"
    assert guarantee(20) == "conformal risk control, n = 20"


def test_nobody_with_enough_voxels() -> None:
    with pytest.raises(InputError, match="nothing to calibrate on"):
        fit_intervals([person(1.0, 0.02).at(np.arange(Z.size) < 50)])
