"""Methods, a sampler and a number of steps: network evaluations they take, and their names.

Every method evaluates the network once at t = π/2 and a fixed number of times for each further
angle. Of a method that takes r̂ for the mean of r, all samples share the result at π/2, where z
carries no information. Nothing here needs torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.samplers import SAMPLERS, makes_samples
from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ESTIMATED",
    "MIRROR_IMAGES",
    "evaluations",
    "nearest",
    "passes",
    "shares_start",
    "steps_within",
    "without_network",
]

ESTIMATED = "the interval is the model's own estimate; its coverage was never measured"
"""Meaning of an interval where no calibrated method stands in: a Gaussian's, of the model's std."""


MIRROR_IMAGES = 4
"""Evaluations of the predictor where it sees a scan's mirror images too (`core.mirroring`)."""


def evaluations(sampler: str, steps: int) -> int:
    """Network evaluations that one sample takes, a shared first one included.

    Raises
    ------
    SettingsError
        If the sampler is unknown or takes no step.
    """
    if sampler not in SAMPLERS:
        raise SettingsError(f"sampler is one of {', '.join(SAMPLERS)}, got {sampler!r}")
    if steps < 1:
        raise SettingsError(f"a sampler takes at least one step, got {steps}")
    return 1 + (steps - 1) * SAMPLERS[sampler].per_angle


def steps_within(sampler: str, budget: int) -> int:
    """The most steps that a sampler can take in ``budget`` evaluations, at least 1."""
    return 1 + max(0, budget - evaluations(sampler, 1)) // SAMPLERS[sampler].per_angle


def without_network(sampler: str, steps: int) -> bool:
    """True if samples are Gaussian noise about μ: one step of a method that takes r̂ for a mean."""
    return not makes_samples(sampler) and evaluations(sampler, steps) == 1


def shares_start(sampler: str, steps: int) -> bool:
    """True if all samples use one evaluation at π/2."""
    return not makes_samples(sampler) and not without_network(sampler, steps)


def passes(sampler: str, steps: int, samples: int, guidance: float = 1.0) -> int:
    """Network evaluations of a slice, or window of slices, that ``samples`` samples take.

    With classifier-free ``guidance`` each prediction takes two, with and without its condition,
    unless its weight leaves one of them out (`core.guidance`).
    """
    if not samples or without_network(sampler, steps):
        return 0
    shared = int(shares_start(sampler, steps))
    predictions = shared + samples * (evaluations(sampler, steps) - shared)
    return predictions if guidance in (0, 1) else 2 * predictions


def nearest(methods: Iterable[str], method: str) -> str | None:
    """The method itself, else the one of its sampler with the nearest number of steps, or None.

    Methods are ``"sampler:steps"``. Of two that are as near, the one with fewer steps.
    """
    sampler, _, steps = method.partition(":")
    of_sampler = [key for key in methods if key == method or key.startswith(f"{sampler}:")]
    if method in of_sampler:
        return method
    if not steps or not of_sampler:
        return None

    def distance(key: str) -> tuple[int, int]:
        count = int(key.partition(":")[2])
        return abs(count - int(steps)), count

    return min(of_sampler, key=distance)
