"""Schedules against what their sources define."""

import math

import numpy as np
import pytest

from medrestore.core.method import evaluations, steps_within
from medrestore.core.samplers import SAMPLERS
from medrestore.core.schedules import RHO, SCHEDULES, SIGMA_MAX, SIGMA_MIN, angles
from medrestore.errors import SettingsError


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_angles_fall_from_pure_noise_to_the_residual(schedule: str, steps: int) -> None:
    found = angles(steps, schedule)
    assert len(found) == steps + 1
    assert found[0] == math.pi / 2
    assert found[-1] == 0
    assert (np.diff(found) < 0).all()


def test_cosine_is_equally_spaced() -> None:
    assert angles(4) == pytest.approx([math.pi / 2, 3 * math.pi / 8, math.pi / 4, math.pi / 8, 0])


def test_linear_is_ddpm_respaced() -> None:
    """Ho et al.: β from 1e-4 to 0.02 in 1000 steps; every 100th of them, counted from the end."""
    signal = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    left = np.arange(900, 0, -100)  # after the first angle, which is π/2
    expected = np.arccos(np.sqrt(signal[left - 1]))
    np.testing.assert_allclose(angles(10, "linear")[1:-1], expected, atol=0.002)


def test_sigmoid_is_symmetric_about_equal_signal_and_noise() -> None:
    found = angles(8, "sigmoid")
    assert found[4] == pytest.approx(math.pi / 4)
    assert np.cos(found) ** 2 + np.cos(found[::-1]) ** 2 == pytest.approx(1)
    logistic = 1 / (1 + np.exp(-np.array([3.0, 1.5, -3.0])))
    expected = (logistic[0] - logistic[1]) / (logistic[0] - logistic[2])
    assert math.cos(found[2]) ** 2 == pytest.approx(expected)


def test_karras_levels_are_even_in_the_root_of_sigma() -> None:
    roots = np.tan(angles(6, "karras")[1:-1]) ** (1 / RHO)
    high, low = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
    np.testing.assert_allclose(roots, high + np.arange(1, 6) / 5 * (low - high))


def test_what_is_no_schedule_is_refused() -> None:
    with pytest.raises(SettingsError, match="at least one step"):
        angles(0)
    with pytest.raises(SettingsError, match="cosine, linear, sigmoid, karras"):
        angles(4, "square")


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("budget", [1, 2, 4, 8, 16, 50])
def test_a_budget_is_kept_and_used(sampler: str, budget: int) -> None:
    steps = steps_within(sampler, budget)
    assert evaluations(sampler, steps) <= budget < evaluations(sampler, steps + 1)


def test_evaluations_of_what_is_no_sampler() -> None:
    with pytest.raises(SettingsError, match="heun"):
        evaluations("euler", 4)
    with pytest.raises(SettingsError, match="at least one step"):
        evaluations("heun", 0)
