"""Building blocks of the phantoms: a canvas in millimetres, implicit shapes, noise, vessel trees.

Every shape is a signed distance in mm, positive inside, so that the same anatomy can be sampled
on any grid. Millimetres count from the centre of the grid along (z, y, x): up to the patient's
head, back to the spine, and to the patient's left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.floating[Any]]

__all__ = ["Canvas", "Phantom", "Segment", "SmoothNoise", "branch", "union"]

_LATTICE = 48
_FINEST_SLICE_MM = 1.6


@dataclass(frozen=True, eq=False)
class Phantom:
    """Made anatomy.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x)
        Noise-free intensities: HU, or arbitrary units for MR.
    labels : ndarray of uint8, shape (z, y, x)
        Tissue at each voxel's centre.
    names : dict of str to int
        Label of each tissue; lesions are ``"lesion"``.
    """

    array: NDArray[np.float32]
    labels: NDArray[np.uint8]
    names: dict[str, int]


class SmoothNoise:
    """A smooth random function of position: cubic B-splines on a periodic random lattice.

    Zero mean, unit variance; ``scale_mm`` is the lattice's spacing, about half the period of the
    structures it draws.
    """

    def __init__(self, rng: np.random.Generator, scale_mm: float | tuple[float, float, float]):
        self._values = rng.standard_normal((_LATTICE,) * 3, dtype=np.float32)
        self._scale = np.broadcast_to(np.asarray(scale_mm, dtype=np.float64), 3)
        # Mean square of B-spline weights is 151/315 along each axis.
        self._values /= np.float32((151 / 315) ** 1.5)

    def on_grid(self, *axes_mm: NDArray[np.float32]) -> Field:
        """Values at the grid of three coordinate vectors (z, y, x)."""
        values = self._values
        for axis, positions in enumerate(axes_mm):
            weights = _spline_weights(positions.ravel() / self._scale[axis])
            values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
        return np.asarray(values, dtype=np.float32)

    def at(self, z: Field, y: Field, x: Field) -> Field:
        """Values at any points, arrays of one shape."""
        points = [p / s for p, s in zip((z, y, x), self._scale, strict=True)]
        return np.asarray(
            ndimage.map_coordinates(
                self._values, points, order=3, mode="grid-wrap", prefilter=False
            ),
            dtype=np.float32,
        )


def _spline_weights(positions: NDArray[Any]) -> NDArray[np.float32]:
    """Cubic B-spline weights of a periodic lattice, shape (positions, lattice)."""
    gap = np.abs((positions[:, None] - np.arange(_LATTICE) + _LATTICE / 2) % _LATTICE)
    gap = np.abs(gap - _LATTICE / 2)
    near = 2 / 3 - gap**2 + gap**3 / 2
    far = np.maximum(2 - gap, 0) ** 3 / 6
    return np.asarray(np.where(gap < 1, near, far), dtype=np.float32)


class Canvas:
    """A fine grid to paint anatomy on, then averaged to the requested grid.

    Thick slices are painted as several thin ones and averaged, as a scanner does.

    Parameters
    ----------
    shape : (z, y, x)
        Voxels of the result.
    spacing_mm : (z, y, x)
        Their size.
    background : float
        Intensity outside everything.

    Raises
    ------
    SettingsError
        If a size is not positive.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        background: float,
    ) -> None:
        if len(shape) != 3 or len(spacing_mm) != 3 or min(shape) < 1 or min(spacing_mm) <= 0:
            raise SettingsError(
                f"a phantom needs three positive sizes, got shape {shape} and spacing {spacing_mm}"
            )
        self._thin = max(1, int(np.ceil(spacing_mm[0] / _FINEST_SLICE_MM)))
        fine = (shape[0] * self._thin, shape[1], shape[2])
        spacing = (spacing_mm[0] / self._thin, spacing_mm[1], spacing_mm[2])
        z, y, x = (
            ((np.arange(n) - (n - 1) / 2) * s).astype(np.float32)
            for n, s in zip(fine, spacing, strict=True)
        )
        self.axes = (z, y, x)
        self.z, self.y, self.x = z[:, None, None], y[None, :, None], x[None, None, :]
        self.edge_mm = float(max(spacing[1:]))
        self.image = np.full(fine, background, dtype=np.float32)
        self._labels = np.zeros(fine, dtype=np.uint8)
        self.names: dict[str, int] = {"outside": 0}

    @cached_property
    def points(self) -> tuple[Field, Field, Field]:
        """Coordinates (z, y, x) of every voxel of the fine grid, mm."""
        z, y, x = np.broadcast_arrays(self.z, self.y, self.x)
        return z, y, x

    def noise(
        self, rng: np.random.Generator, scale_mm: float | tuple[float, float, float]
    ) -> Field:
        """A new smooth random field on the whole canvas."""
        return SmoothNoise(rng, scale_mm).on_grid(*self.axes)

    def paint(self, name: str, distance: Field, value: Field | float) -> None:
        """Lay a tissue over what is there; its edge is one pixel wide."""
        cover = np.clip(0.5 + distance / self.edge_mm, 0, 1)
        self.image += cover * (value - self.image)
        label = self.names.setdefault(name, len(self.names))
        self._labels[np.broadcast_to(cover > 0.5, self._labels.shape)] = label

    def ellipsoid(
        self, centre: tuple[float, float, float], radii: tuple[float, float, float]
    ) -> Field:
        """Approximate distance inside an ellipsoid, exact at its surface to first order."""
        offsets = [a - c for a, c in zip((self.z, self.y, self.x), centre, strict=True)]
        unit = sum((o / r) ** 2 for o, r in zip(offsets, radii, strict=True))
        slope = sum((o / r**2) ** 2 for o, r in zip(offsets, radii, strict=True))
        norm = np.sqrt(np.maximum(unit, 1e-6))
        return np.asarray(norm * (1 - norm) / np.sqrt(np.maximum(slope, 1e-8)), dtype=np.float32)

    def tubes(self, segments: list[Segment]) -> Field:
        """Distance inside the nearest of many tapered tubes; −20 mm where none is near."""
        distance = np.full(self.image.shape, -20.0, dtype=np.float32)
        for start, end, radius in segments:
            reach = radius + 4
            box = self._box(np.minimum(start, end) - reach, np.maximum(start, end) + reach)
            if box is None:
                continue
            z, y, x = self.z[box[0]], self.y[:, box[1]], self.x[..., box[2]]
            along = end - start
            length2 = float(along @ along) or 1.0
            offset = (z - start[0], y - start[1], x - start[2])
            t = sum(o * a for o, a in zip(offset, along, strict=True)) / length2
            t = np.clip(t, 0, 1)
            gap = sum((o - t * a) ** 2 for o, a in zip(offset, along, strict=True))
            np.maximum(distance[box], radius - np.sqrt(gap), out=distance[box])
        return distance

    def _box(self, low: NDArray[Any], high: NDArray[Any]) -> tuple[slice, slice, slice] | None:
        spans = []
        for axis, a, b in zip(self.axes, low, high, strict=True):
            first, last = int(np.searchsorted(axis, a)), int(np.searchsorted(axis, b, "right"))
            if first >= last:
                return None
            spans.append(slice(first, last))
        return spans[0], spans[1], spans[2]

    def finish(self) -> Phantom:
        """Average thin slices, soften by a point spread of about one pixel, take centre labels."""
        depth = len(self.image) // self._thin
        array = self.image.reshape(depth, self._thin, *self.image.shape[1:]).mean(axis=1)
        array = ndimage.gaussian_filter(array, (0, 0.45, 0.45), mode="nearest")
        labels = self._labels[self._thin // 2 :: self._thin].copy()
        return Phantom(array.astype(np.float32), labels, dict(self.names))


Segment = tuple["NDArray[np.float64]", "NDArray[np.float64]", float]


def union(*distances: Field) -> Field:
    """Distance inside any of several shapes."""
    result = distances[0]
    for distance in distances[1:]:
        result = np.maximum(result, distance)
    return result


def branch(
    rng: np.random.Generator,
    start: tuple[float, float, float],
    towards: tuple[float, float, float],
    length: float,
    radius: float,
    depth: int,
) -> list[Segment]:
    """A vessel tree: each branch runs in two bent pieces, then splits in two thinner ones.

    The sum of the cubes of the radii is conserved at each split (Murray's law).
    """
    position = np.array(start, dtype=np.float64)
    direction = np.array(towards, dtype=np.float64)
    segments: list[Segment] = []
    for _ in range(2):
        direction = direction / np.linalg.norm(direction) + rng.normal(0, 0.12, 3)
        end = position + direction / np.linalg.norm(direction) * length / 2
        segments.append((position, end, radius))
        position = end
    if depth > 0:
        share = rng.uniform(0.35, 0.65)
        turn = np.cross(direction, rng.standard_normal(3))
        turn /= np.linalg.norm(turn)
        for sign, part in ((1, share), (-1, 1 - share)):
            heading = direction + sign * turn * rng.uniform(0.45, 0.9)
            segments += branch(
                rng,
                (position[0], position[1], position[2]),
                (heading[0], heading[1], heading[2]),
                length * rng.uniform(0.72, 0.95),
                radius * part ** (1 / 3),
                depth - 1,
            )
    return segments
