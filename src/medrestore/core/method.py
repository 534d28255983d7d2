"""Methods by name, ``"sampler:steps"``: which calibrated one stands in for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ESTIMATED", "nearest"]

ESTIMATED = "the interval is the model's own estimate; its coverage was never measured"
"""Meaning of an interval where no calibrated method stands in: a Gaussian's, of the model's std."""


def nearest(methods: Iterable[str], method: str) -> str | None:
    """The method itself, else the one of its sampler with the nearest number of steps, or None.

    Of two that are as near, the one with fewer steps.
    """
    sampler, _, steps = method.partition(":")
    own = [key for key in methods if key == method or key.startswith(f"{sampler}:")]
    if method in own:
        return method
    if not steps or not own:
        return None

    def distance(key: str) -> tuple[int, int]:
        count = int(key.partition(":")[2])
        return abs(count - int(steps)), count

    return min(own, key=distance)
