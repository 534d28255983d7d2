"""Paired statistics over cases against scipy and against counting by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import scipy.stats
from made_cases import ct_reference, mr_reference, volume

import medrestore as mr
from medrestore.evaluation.over_cases import compare

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
    for one in compare([same, same]):
        assert (one.mean, one.lower, one.upper, one.p) == (0, 0, 0, 1)


def test_a_window_counts_the_cases_that_have_it() -> None:
    truth = ct_reference()
    soft = np.where(truth < -500, -80, truth).astype(np.float32)  # no lung in the second case
    cases = [
        mr.evaluate(volume(t, "CT"), volume(t + 30, "CT"), volume(t + 10, "CT"))
        for t in (truth, soft, truth)
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
