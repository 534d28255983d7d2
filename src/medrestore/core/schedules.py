"""Schedules: the angles at which a sampler evaluates, from π/2 (pure noise) to 0 (the residual).

A network trained at all angles serves every schedule. A schedule is a noise level as a function of
the time τ that is left, from 1 to 0; ᾱ = cos² t, and noise over signal is σ = tan t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SCHEDULES", "Schedule", "angles"]

BETA_MIN, BETA_MAX = 0.1, 20.0
"""β of DDPM's linear schedule times its 1000 steps (Ho et al. 2020, arXiv:2006.11239, §4)."""

SIGMOID_RANGE = 3.0
"""Start −3, end 3, temperature 1 (Chen 2023, arXiv:2301.10972, algorithm 1)."""

RHO = 7.0
SIGMA_MIN, SIGMA_MAX = 0.05, 20.0
"""ρ of Karras et al. 2022 (arXiv:2206.00364, eq. 5). Their bounds of 0.002 and 80 suit pixels; of a
residual with unit variance, 5 % of signal (σ = 20) tells next to nothing, and 5 % of noise leaves
next to nothing to decide."""


@dataclass(frozen=True)
class Schedule:
    """Angle as a function of the time left, 1 to 0.

    Parameters
    ----------
    name : str
        In settings and records.
    reference : str
        Key of the work that it is from (`citations.references`).
    angle : callable
        Time left → angle, π/2 or near it at 1.
    ends_at_zero : bool
        True if the angle at time 0 is 0; else that is the last one before it.
    """

    name: str
    reference: str
    angle: Callable[[float], float]
    ends_at_zero: bool = True


def _cosine(left: float) -> float:
    """Equal steps in the angle: ᾱ = cos²(πτ/2) (Nichol & Dhariwal 2021, arXiv:2102.09672)."""
    return math.pi / 2 * left


def _linear(left: float) -> float:
    """β linear in τ: log ᾱ = −β_min τ − (β_max − β_min) τ²/2."""
    log_signal = -BETA_MIN * left - 0.5 * (BETA_MAX - BETA_MIN) * left**2
    return math.acos(math.exp(0.5 * log_signal))


def _sigmoid(left: float) -> float:
    """ᾱ falls along a logistic curve, rescaled to run from 1 to 0."""
    end = _logistic(SIGMOID_RANGE)
    signal = end - _logistic((2 * left - 1) * SIGMOID_RANGE)
    return math.acos(math.sqrt(signal / (end - _logistic(-SIGMOID_RANGE))))


def _karras(left: float) -> float:
    """σ^{1/ρ} falls linearly from ``SIGMA_MAX`` to ``SIGMA_MIN``."""
    low, high = SIGMA_MIN ** (1 / RHO), SIGMA_MAX ** (1 / RHO)
    return math.atan((low + left * (high - low)) ** RHO)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


SCHEDULES: dict[str, Schedule] = {
    one.name: one
    for one in (
        Schedule("cosine", "nichol2021", _cosine),
        Schedule("linear", "ho2020", _linear),
        Schedule("sigmoid", "chen2023", _sigmoid),
        Schedule("karras", "karras2022", _karras, ends_at_zero=False),
    )
}
"""By the name that a user gives; settings, command line and citations read them here."""


def angles(steps: int, schedule: str = "cosine") -> list[float]:
    """``steps + 1`` angles from π/2 to 0; of ``"cosine"``, equally spaced.

    The first is π/2 under every schedule, where z carries no information and all samples share one
    evaluation. Karras levels end at ``SIGMA_MIN``, one step before 0; the others reach 0 evenly.

    Raises
    ------
    SettingsError
        If ``steps`` is below 1 or the schedule is unknown.
    """
    if steps < 1:
        raise SettingsError(f"a sampler takes at least one step, got {steps}")
    if schedule not in SCHEDULES:
        raise SettingsError(f"schedule is one of {', '.join(SCHEDULES)}, got {schedule!r}")
    one = SCHEDULES[schedule]
    last = steps if one.ends_at_zero else steps - 1
    between = [one.angle(1 - i / last) for i in range(1, steps)]
    return [math.pi / 2, *between, 0.0]
