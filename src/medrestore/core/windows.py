"""Overlapping stretches of an axis, on a grid that depends on the axis alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Windows", "starts", "taper", "tiles"]


def starts(length: int, window: int, stride: int) -> list[int]:
    """First index of each window along an axis: every ``stride``, the last one flush.

    Raises
    ------
    SettingsError
        If the stride is not between 1 and the window.
    """
    if not 1 <= stride <= window:
        raise SettingsError(
            f"windows of {window} with a stride of {stride} leave gaps or stand still; "
            f"use a stride in 1…{window}"
        )
    if length <= window:
        return [0]
    return [*range(0, length - window, stride), length - window]


def tiles(plane: tuple[int, int], window: int, stride: int) -> int:
    """How many square windows cover a plane (y, x)."""
    return len(starts(plane[0], window, stride)) * len(starts(plane[1], window, stride))


def taper(window: int) -> Tensor:
    """Raised cosine over a window, positive up to its ends; 1 for a window of one."""
    return torch.hann_window(window + 2, periodic=False)[1:-1]


@dataclass(frozen=True)
class Windows:
    """The stretches of consecutive slices that a network reads at once.

    Which slices share a window depends on the whole scan's number of slices only, so a slab or a
    preview sees the windows that the whole run sees. A slice model reads windows of one.

    Parameters
    ----------
    length : int
        Slices of the scan.
    window, stride : int
        Slices of a window, and the step between windows.
    """

    length: int
    window: int = 1
    stride: int = 1

    def covering(self, slices: Iterable[int]) -> list[int]:
        """First slices of the windows that contain any of ``slices``."""
        wanted = set(slices)
        first = starts(self.length, self.window, self.stride)
        return [a for a in first if not wanted.isdisjoint(range(a, a + self.window))]

    def inside(self, first: int) -> list[int]:
        """Slices of the window at ``first``; beyond the scan's end the last one repeats."""
        return [min(z, self.length - 1) for z in range(first, first + self.window)]

    def reach(self, slices: Iterable[int], times: int) -> tuple[int, ...]:
        """All slices that ``times`` evaluations, each on the windows of the last, depend on."""
        wanted = set(slices)
        for _ in range(times if self.window > 1 else 0):
            wanted = {z for first in self.covering(wanted) for z in self.inside(first)}
        return tuple(sorted(wanted))
