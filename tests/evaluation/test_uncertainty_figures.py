"""Figures of an uncertainty, on results whose errors are exact quantiles of a Gaussian."""

import numpy as np
import pytest
import scoringrules
from made_cases import SHAPE, gaussian_errors, mr_reference, result, volume
from scipy.stats import norm

import medrestore as mr
from medrestore.core.intervals import LEVELS, gaussian_factor
from medrestore.models.model import find_card

REFERENCE = mr_reference()
NOISY = volume((REFERENCE + 50 * gaussian_errors(1)).astype(np.float32))
STD = np.where(np.arange(SHAPE[2]) < 25, 10.0, 30.0) * np.ones(SHAPE)
ERROR = STD * gaussian_errors(3)


def judged(told: float, factor: float = 1.6449, **settings: object) -> mr.Report:
    """A result whose std is ``told`` times the true one."""
    made = result(
        (REFERENCE + ERROR).astype(np.float32), (told * STD).astype(np.float32), factor, **settings
    )
    return mr.evaluate(volume(REFERENCE), NOISY, made)


@pytest.mark.parametrize("told", [1.0, 0.5, 1.5])
def test_coverage_is_that_of_a_gaussian(told: float) -> None:
    found = judged(told, factor=1.2).uncertainty
    assert found is not None
    for level in found.levels:
        factor = 1.2 if level.kind == "result" else gaussian_factor(level.nominal)
        assert level.covered == pytest.approx(2 * norm.cdf(told * factor) - 1, abs=2e-3)
        assert level.width == pytest.approx(2 * factor * told * STD.mean(), rel=1e-4)
    for nominal, covered in found.reliability:
        assert covered == pytest.approx(
            2 * norm.cdf(told * norm.ppf(0.5 + nominal / 2)) - 1, abs=2e-3
        )


def test_an_honest_gaussian_has_ideal_figures() -> None:
    found = judged(1.0).uncertainty
    assert found is not None
    assert found.std_ratio == pytest.approx(1, abs=0.02)
    assert found.ence < 0.04
    assert found.pit == pytest.approx([0.1] * 10, abs=2e-3)
    assert found.crps == pytest.approx(STD.mean() / np.sqrt(np.pi), rel=0.01)


def test_a_std_half_as_large_has_half_the_ratio_and_twice_the_error() -> None:
    honest, bold = judged(1.0).uncertainty, judged(0.5).uncertainty
    assert honest is not None and bold is not None
    assert bold.std_ratio == pytest.approx(honest.std_ratio / 2, rel=1e-5)
    assert bold.ence == pytest.approx(1, abs=0.06)
    assert bold.pit[0] == pytest.approx(norm.cdf(0.5 * norm.ppf(0.1)), abs=2e-3)


def test_crps_is_that_of_scoringrules() -> None:
    for told in (0.5, 1.0, 2.0):
        found = judged(told).uncertainty
        assert found is not None
        restored = (REFERENCE + ERROR).astype(np.float32).astype(float)
        wanted = scoringrules.crps_normal(REFERENCE.astype(float), restored, told * STD).mean()
        assert found.crps == pytest.approx(wanted, rel=1e-6)


def test_ause_is_the_sum_that_defines_it() -> None:
    found = judged(1.0).uncertainty
    assert found is not None
    error = np.abs(ERROR.ravel())
    by_std, by_error = np.argsort(-STD, axis=None, kind="stable"), np.argsort(-error)
    gaps = []
    for percent in range(100):
        left = error.size * percent // 100
        gaps.append(
            np.sqrt((error[by_std[left:]] ** 2).mean())
            - np.sqrt((error[by_error[left:]] ** 2).mean())
        )
    wanted = np.mean(gaps) / np.sqrt((error**2).mean())
    assert found.ause == pytest.approx(wanted, abs=0.01)  # ties of two stds may fall either way


def test_strata_say_what_the_interval_covers() -> None:
    report = judged(1.0)
    for one in report.strata:
        assert one.covered == pytest.approx(0.9, abs=0.02)
        assert one.std_ratio == pytest.approx(1, abs=0.05)


@pytest.mark.usefixtures("tiny_models")
def test_other_levels_take_the_factors_of_the_card() -> None:
    card = find_card("mr_tiny", "MR")
    made = result((REFERENCE + ERROR).astype(np.float32), STD.astype(np.float32), 1.6)
    made = _with_model(made, card.name, card.sha256)
    found = mr.evaluate(volume(REFERENCE), NOISY, made).uncertainty
    assert found is not None
    factors = dict(zip(LEVELS, (0.7, 1.3, 1.6, 2.0), strict=True))
    ours = {one.nominal: one for one in found.levels if one.kind != "gaussian"}
    assert [one.kind for one in ours.values()] == [
        "calibrated",
        "calibrated",
        "result",
        "calibrated",
    ]
    for level, factor in factors.items():
        assert ours[level].covered == pytest.approx(2 * norm.cdf(factor) - 1, abs=2e-3)
    assert not _with_model_levels(made, card.name, "another")


def test_a_sample_is_not_the_image_that_the_std_speaks_of() -> None:
    report = judged(1.0, estimate="sample", samples=2)
    assert report.uncertainty is None
    assert "this is sample" in report.notes[0]


def _with_model(made: mr.Result, name: str, sha256: str) -> mr.Result:
    from dataclasses import replace

    settings = replace(made.plan.settings, model=name)
    return replace(
        made, plan=replace(made.plan, settings=settings, model=name, model_sha256=sha256)
    )


def _with_model_levels(made: mr.Result, name: str, sha256: str) -> list[str]:
    found = mr.evaluate(volume(REFERENCE), NOISY, _with_model(made, name, sha256)).uncertainty
    assert found is not None
    return [one.kind for one in found.levels if one.kind == "calibrated"]
