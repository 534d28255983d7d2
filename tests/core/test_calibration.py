"""Conformal risk control, and that factors grow with the level."""

import numpy as np
import pytest

from medrestore.core.intervals import (
    LEVELS,
    Intervals,
    controllable,
    controlled_factor,
    empirical_factor,
)


@pytest.mark.parametrize(
    ("people", "level", "allowed"),
    [(9, 0.9, False), (10, 0.9, True), (19, 0.95, False), (20, 0.95, True), (9, 0.5, False)],
)
def test_who_may_promise_what(people: int, level: float, allowed: bool) -> None:
    assert controllable(people, level) is allowed


def test_control_by_hand() -> None:
    """Twelve people with one voxel each, errors 1…12, at 80 %: n/(n+1)·R̂ + 1/(n+1) ≤ 0.2 allows
    R̂ ≤ (0.2·13 − 1)/12 = 0.133: one miss of twelve, so λ = 11. Empirically two misses: λ = 10."""
    people = [np.array([float(i)]) for i in range(1, 13)]
    assert controlled_factor(people, 0.8) == 11
    assert empirical_factor(people, 1 - 0.8) == 10


def test_too_few_people_are_empirical() -> None:
    people = [np.arange(1.0, 101) * scale for scale in (1, 2, 3)]
    for level in (0.9, 0.95):
        assert controlled_factor(people, level) == empirical_factor(people, 1 - level)


def test_the_expected_risk_of_a_new_person_is_controlled() -> None:
    """Exchangeable people whose scale varies: mean miss rate of the next one at most α.

    Errors of person i are uniform on (0, s_i), so the miss rate at λ is (1 − λ/s_i)₊ exactly.
    """
    rng = np.random.default_rng(0)
    grid = (np.arange(400) + 0.5) / 400
    risks = {"controlled": [], "empirical": []}
    for _ in range(400):
        scales = rng.lognormal(0, 0.5, 13)
        people = [scale * grid for scale in scales[:12]]
        for name, factor in (
            ("controlled", controlled_factor(people, 0.9)),
            ("empirical", empirical_factor(people, 1 - 0.9)),
        ):
            risks[name].append(max(0.0, 1 - factor / scales[12]))
    error = np.std(risks["controlled"]) / np.sqrt(400)
    assert np.mean(risks["controlled"]) <= 0.1 + 2 * error
    assert np.mean(risks["empirical"]) > 0.1 + 2 * error  # what the correction is for


def test_factors_never_fall_as_the_level_grows() -> None:
    """Also for a row that crosses itself."""
    intervals = Intervals((0.1,), ((1.0, 1.3, 1.2, 1.6),), 4)
    growing = [float(intervals.factor(p, 0.1)) for p in np.linspace(0.05, 0.99, 60)]
    assert growing == sorted(growing)
    at = [float(intervals.factor(p, 0.1)) for p in LEVELS]
    assert at == pytest.approx([1.0, 1.3, 1.3, 1.6])
