"""Acquired slices turned as radiologists see them, with the patient's directions at the edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.volume import Geometry

__all__ = ["SliceView", "view_of"]

OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))


@dataclass(frozen=True)
class SliceView:
    """Orientation of a scan's slices on the screen.

    Parameters
    ----------
    transposed : bool
        True if array columns run down the screen.
    flips : tuple of bool
        True where the array runs against the screen: down, and to the right.
    spacing_mm : tuple of float
        Pixel size down and to the right.
    letters : str
        Patient directions at the left, right, top and bottom edge; empty where they are unknown.
    """

    transposed: bool
    flips: tuple[bool, bool]
    spacing_mm: tuple[float, float]
    letters: str

    def turned(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return a plane (y, x) as it is shown."""
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)
        return (plane.T if self.transposed else plane)[steps]


def view_of(geometry: Geometry) -> SliceView:
    """Return the view closest to (inferior or posterior down, left on the right)."""
    order, flips = geometry.display_axes()
    (down, down_flip), (right, right_flip) = [
        (axis, flip) for axis, flip in zip(order, flips, strict=True) if axis != 0
    ]
    letters = ""
    if geometry.known:
        below, beside = (geometry.axis_codes[axis] for axis in (down, right))
        below = OPPOSITE[below] if down_flip else below
        beside = OPPOSITE[beside] if right_flip else beside
        letters = OPPOSITE[beside] + beside + OPPOSITE[below] + below
    spacing = geometry.spacing_mm
    return SliceView(down == 2, (down_flip, right_flip), (spacing[down], spacing[right]), letters)
