"""The display window of a layer: level and width, read, set and followed. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrestore.errors import MedrestoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Window", "Windowing"]

PIXELS_PER_DOUBLING = 150
"""Drag of this length doubles the width, or moves the level by half of it."""
NO_SCAN = "Open a CT or MR scan first; then choose it under Scan."


@dataclass(frozen=True)
class Window:
    """From black to white: the middle and the distance, in the layer's intensities."""

    level: float
    width: float

    @classmethod
    def between(cls, limits: Sequence[float]) -> Window:
        """The window from ``limits[0]``, black, to ``limits[1]``, white."""
        low, high = (float(v) for v in limits)
        return cls((low + high) / 2, high - low)

    @property
    def limits(self) -> tuple[float, float]:
        """Black and white."""
        return self.level - self.width / 2, self.level + self.width / 2

    def dragged(self, right: float, down: float) -> Window:
        """The window after a drag, in pixels: right widens it, down raises the level (darker)."""
        width = self.width * 2.0 ** (right / PIXELS_PER_DOUBLING)
        return Window(self.level + down * self.width / (2 * PIXELS_PER_DOUBLING), width)

    def close_to(self, other: Window) -> bool:
        """Whether nobody could tell the two apart."""
        near = 1e-4 * max(abs(self.width), abs(other.width))
        return abs(self.level - other.level) <= near and abs(self.width - other.width) <= near


class Windowing:
    """The window of one layer at a time.

    Parameters
    ----------
    changed : callable
        Called when the layer or its window changes, whoever changed it.
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self._changed = changed
        self._layer: Any = None

    @property
    def layer(self) -> Any:
        """The layer, or None."""
        return self._layer

    def follow(self, layer: Any) -> None:
        """Turn to another layer; None for none."""
        if self._layer is not None:
            self._layer.events.contrast_limits.disconnect(self._told)
        self._layer = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._told)
        self._changed()

    @property
    def window(self) -> Window | None:
        """The window on display, or None without a layer."""
        return None if self._layer is None else Window.between(self._layer.contrast_limits)

    def set(self, window: Window) -> None:
        """Show the layer through a window, and those that napari links to it.

        Raises
        ------
        MedrestoreError
            If there is no layer, or the window has no width.
        """
        if self._layer is None:
            raise MedrestoreError(NO_SCAN)
        low, high = window.limits
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise MedrestoreError(
                f"a window of level {window.level:g} and width {window.width:g} shows nothing; "
                "choose a width above 0"
            )
        self._layer.contrast_limits = (low, high)

    def _told(self, event: Any = None) -> None:
        self._changed()

    def close(self) -> None:
        """Let go of the layer."""
        self._changed = _nobody
        self.follow(None)


def _nobody() -> None:
    pass
