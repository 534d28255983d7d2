"""Paired statistics over cases against scipy and against counting by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import scipy.stats
from made_cases import ct_reference, mr_reference, volume
from statsmodels.stats.multitest import multipletests

import medrestore as mr
from medrestore.evaluation.over_cases import compare, summarise
from medrestore.evaluation.statistics import holm

ERRORS = (20.0, -23.0, 17.0, -31.0, 26.0)


@pytest.fixture(scope="module")
def reports() -> list[mr.Report]:
    """Cases with offsets for errors: noisy 40, 41, …, restored `ERRORS`."""
    truth = mr_reference()
    return [
        mr.evaluate(volume(truth), volume(truth + 40 + i), volume(truth + error), f"case {i}")
        for i, error in enumerate(ERRORS)
    ]


def test_the_mean_is_that_of_the_differences_in_percent_of_the_scale(
    reports: list[mr.Report],
) -> None:
    found = {one.figure: one for one in compare(reports)}
    assert list(found) == ["PSNR", "SSIM", "RMSE", "absolute bias"]
    scale = reports[0].of("noisy").window.data_range
    wanted = 100 * np.mean([abs(e) - 40 - i for i, e in enumerate(ERRORS)]) / scale
    assert found["RMSE"].mean == pytest.approx(wanted, rel=1e-5)
    assert found["absolute bias"].mean == pytest.approx(wanted, rel=1e-5)
    assert (found["RMSE"].unit, found["RMSE"].cases) == ("% of scale", 5)
    gains = [20 * np.log10((40 + i) / abs(e)) for i, e in enumerate(ERRORS)]
    assert found["PSNR"].mean == pytest.approx(np.mean(gains), rel=1e-5)


def test_the_interval_is_the_percentile_bootstrap_of_scipy(reports: list[mr.Report]) -> None:
    gains = [20 * np.log10((40 + i) / abs(e)) for i, e in enumerate(ERRORS)]
    wanted = scipy.stats.bootstrap(
        (gains,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    found = compare(reports, seed=3)[0]
    assert (found.lower, found.upper) == pytest.approx((wanted.low, wanted.high), abs=0.06)
    assert compare(reports, seed=3) == compare(reports, seed=3) != compare(reports, seed=4)


def test_p_is_the_share_of_sign_changes_that_are_as_extreme(reports: list[mr.Report]) -> None:
    rmses = [(r.of("noisy").rmse, r.of("restored").rmse) for r in reports]
    ranks = scipy.stats.rankdata([abs(b - a) for a, b in rmses])
    signs = np.sign([b - a for a, b in rmses])
    centre = ranks.sum() / 2
    seen = abs(ranks[signs > 0].sum() - centre)
    sums = [abs(ranks[np.array(s) > 0].sum() - centre) for s in product((-1, 1), repeat=5)]
    wanted = np.mean(np.array(sums) >= seen - 1e-9)
    assert compare(reports)[2].p == pytest.approx(wanted)
    assert wanted == 2 / 2**5


def test_one_case_has_no_statistics(reports: list[mr.Report]) -> None:
    assert compare(reports[:1]) == ()
    assert compare(reports[:2])[0].cases == 2


def test_equal_images_differ_by_nothing(reports: list[mr.Report]) -> None:
    truth = mr_reference()
    same = mr.evaluate(volume(truth), volume(truth + 5), volume(truth + 5))
    for one in compare([same, replace(same, case="other", person="other")]):
        assert (one.mean, one.lower, one.upper, one.p) == (0, 0, 0, 1)


def test_a_window_counts_the_cases_that_have_it() -> None:
    truth = ct_reference()
    soft = np.where(truth < -500, -80, truth).astype(np.float32)  # no lung in the second case
    cases = [
        mr.evaluate(volume(t, "CT"), volume(t + 30, "CT"), volume(t + 10, "CT"), f"case {i}")
        for i, t in enumerate((truth, soft, truth))
    ]
    cases[1] = replace(
        cases[1], fidelity=tuple(one for one in cases[1].fidelity if one.window.name != "lung")
    )
    found = {(one.window, one.figure): one for one in compare(cases)}
    assert found["lung", "RMSE"].cases == 2 and found["abdomen", "RMSE"].cases == 3
    assert found["lung", "RMSE"].mean == pytest.approx(-20, rel=1e-5)
    assert found["lung", "RMSE"].unit == "HU"


def test_ct_and_mr_are_not_mixed(reports: list[mr.Report]) -> None:
    truth = ct_reference()
    other = mr.evaluate(volume(truth, "CT"), volume(truth + 30, "CT"), volume(truth + 10, "CT"))
    with pytest.raises(mr.InputError, match="CT and MR cases are compared apart"):
        compare([reports[0], other])


def test_cases_have_names_of_their_own(reports: list[mr.Report]) -> None:
    with pytest.raises(mr.InputError, match="2 cases are called case 0"):
        compare([reports[0], reports[0]])


@pytest.fixture(scope="module")
def several() -> list[mr.Report]:
    """Six cases of four people, restored by two methods with offsets for errors."""
    truth, found = mr_reference(), []
    for i, (person, a, b) in enumerate(SCANS):
        images = {"first": volume(truth + a), "second": volume(truth + b)}
        found.append(mr.evaluate(volume(truth), volume(truth + 40), images, f"case {i}", person))
    return found


SCANS = (
    ("ann", 10.0, 12.0),
    ("ann", 14.0, 20.0),
    ("bob", 9.0, 8.0),
    ("cat", 20.0, 31.0),
    ("cat", 22.0, 25.0),
    ("dan", 5.0, 16.0),
)


def test_methods_are_compared_with_noisy_and_with_each_other(several: list[mr.Report]) -> None:
    found = compare(several)
    pairs = dict.fromkeys((one.method, one.against) for one in found)
    assert list(pairs) == [("first", "noisy"), ("second", "noisy"), ("first", "second")]
    scale = several[0].of("noisy").window.data_range / 100
    (rmse,) = [one for one in found if (one.against, one.figure) == ("second", "RMSE")]
    wanted = np.mean([(-2 - 6) / 2, 1, (-11 - 3) / 2, -11])  # people, not cases
    assert rmse.mean == pytest.approx(wanted / scale, rel=1e-4)
    assert (rmse.cases, rmse.people) == (6, 4)
    differences = np.array([-4, 1, -7, -11.0])
    assert rmse.p == pytest.approx(scipy.stats.wilcoxon(differences).pvalue)


def test_p_values_are_adjusted_for_all_tests(several: list[mr.Report]) -> None:
    found = compare(several)
    wanted = multipletests([one.p for one in found], method="holm")[1]
    assert [one.p_holm for one in found] == pytest.approx(list(wanted))
    assert all(one.p_holm >= one.p for one in found)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_means_are_over_people(several: list[mr.Report]) -> None:
    found = {(one.method, one.figure): one for one in summarise(several, seed=2)}
    scale = several[0].of("noisy").window.data_range / 100
    people = np.array([12, 9, 21, 5]) / scale
    mean = found["first", "RMSE"]
    assert mean.mean == pytest.approx(people.mean(), rel=1e-4)
    assert (mean.cases, mean.people, mean.unit) == (6, 4, "% of scale")
    drawn = scipy.stats.bootstrap(
        (people,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert (mean.lower, mean.upper) == pytest.approx((drawn.low, drawn.high), abs=0.1)
    assert found["noisy", "RMSE"].mean == pytest.approx(40 / scale, rel=1e-4)
    assert ("first", "CRPS") not in found


def test_one_person_has_means_without_an_interval(several: list[mr.Report]) -> None:
    one = summarise(several[:2])[0]
    assert (one.people, one.cases) == (1, 2)
    assert np.isfinite(one.mean) and np.isnan(one.lower) and np.isnan(one.upper)
    assert compare(several[:2]) == ()


def test_cases_share_their_methods(several: list[mr.Report], reports: list[mr.Report]) -> None:
    with pytest.raises(mr.InputError, match="the same methods in one order"):
        compare([several[0], replace(reports[1], case="x")])
