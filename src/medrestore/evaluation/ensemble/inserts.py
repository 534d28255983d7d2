"""Inserts of known size and contrast: rods through all slices, and lesions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Insert", "contrast_of", "drawn"]

Kind = Literal["rod", "lesion"]

FINE = 5
"""Points along each axis of a voxel over which an insert is averaged."""
BLUR_PX = 0.5
"""Standard deviation of the in-plane point spread that inserts get, pixels."""


@dataclass(frozen=True)
class Insert:
    """A rod (cylinder along z through all slices) or a lesion (sphere), added to what is there.

    Parameters
    ----------
    kind : "rod" or "lesion"
        Its shape.
    centre : (int, int, int)
        Voxel (z, y, x) whose centre is the insert's.
    diameter_mm : float
        Of its circular section.
    contrast : float
        What it adds inside, in the scan's unit.
    """

    kind: Kind
    centre: tuple[int, int, int]
    diameter_mm: float
    contrast: float

    def facts(self) -> dict[str, Any]:
        """For ``truth.json``."""
        return asdict(self) | {"centre": list(self.centre)}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Insert:
        """From `facts`."""
        z, y, x = (int(n) for n in facts["centre"])
        size, contrast = float(facts["diameter_mm"]), float(facts["contrast"])
        return cls(facts["kind"], (z, y, x), size, contrast)


def drawn(
    inserts: Iterable[Insert],
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.float32]:
    """What the inserts add to a scan, shape (z, y, x).

    Voxels are averages over 5 × 5 × 5 points; the slices are then softened by a Gaussian of half a
    pixel, as a scanner's are.
    """
    image = np.zeros(shape, dtype=np.float32)
    for insert in inserts:
        box = _box(insert, shape, spacing_mm)
        image[box] += np.float32(insert.contrast) * _cover(insert, box, spacing_mm)
    softened: NDArray[np.float32] = ndimage.gaussian_filter(image, (0, BLUR_PX, BLUR_PX))
    return softened


def contrast_of(insert: Insert, unit: str) -> str:
    """``10 mm, +20 HU`` in words."""
    return f"{insert.diameter_mm:g} mm, {insert.contrast:+.4g} {unit}"


def _box(
    insert: Insert, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> tuple[slice, slice, slice]:
    """Voxels an insert can reach."""
    reach = [int(np.ceil(insert.diameter_mm / 2 / step)) + 1 for step in spacing_mm]
    spans = [
        slice(max(c - r, 0), min(c + r + 1, n))
        for c, r, n in zip(insert.centre, reach, shape, strict=True)
    ]
    return (slice(0, shape[0]) if insert.kind == "rod" else spans[0], spans[1], spans[2])


def _cover(
    insert: Insert, box: tuple[slice, slice, slice], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Share of each voxel that lies inside."""
    offsets = (np.arange(FINE) + 0.5) / FINE - 0.5
    z, y, x = (
        ((np.arange(span.start, span.stop)[:, None] + offsets - c) * step).ravel()
        for span, c, step in zip(box, insert.centre, spacing_mm, strict=True)
    )
    square = y[:, None] ** 2 + x[None] ** 2
    radius2 = (insert.diameter_mm / 2) ** 2
    rows, columns = len(y) // FINE, len(x) // FINE

    def mean(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
        blocks = inside.reshape(rows, FINE, columns, FINE)
        return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)

    if insert.kind == "rod":
        return mean(square <= radius2)[None]
    planes = [mean(square + height**2 <= radius2) for height in z]
    averaged: NDArray[np.float32] = np.stack(planes).reshape(-1, FINE, rows, columns).mean(axis=1)
    return averaged
