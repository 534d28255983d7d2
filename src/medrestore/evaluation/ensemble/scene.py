"""A scene: anatomy with inserts of known size and contrast, rods through all slices and lesions."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import ndimage

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["HALVES", "Half", "Insert", "Lesions", "Region", "Scene", "contrast_of", "drawn"]

Kind = Literal["rod", "lesion"]
Half = Literal["present", "absent"]
HALVES: tuple[Half, Half] = ("present", "absent")

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
        Intensity added inside, in the scan's unit.
    """

    kind: Kind
    centre: tuple[int, int, int]
    diameter_mm: float
    contrast: float

    def facts(self) -> dict[str, Any]:
        """Return plain values for ``truth.json``."""
        return asdict(self) | {"centre": list(self.centre)}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Insert:
        """Return the insert that `facts` describes."""
        z, y, x = (int(n) for n in facts["centre"])
        size, contrast = float(facts["diameter_mm"]), float(facts["contrast"])
        return cls(facts["kind"], (z, y, x), size, contrast)


def drawn(
    inserts: Iterable[Insert],
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Return what the inserts add to a scan, shape (z, y, x).

    Voxels are averages over 5 × 5 × 5 points; the slices are then softened by a Gaussian of half a
    pixel, as a scanner's are.
    """
    image = np.zeros(shape, dtype=np.float32)
    for insert in inserts:
        box = _box(insert, shape, spacing_mm)
        image[box] += np.float32(insert.contrast) * _cover(insert, box, spacing_mm)
    return np.asarray(ndimage.gaussian_filter(image, (0, BLUR_PX, BLUR_PX)))


def contrast_of(insert: Insert | Lesions, unit: str) -> str:
    """Return size and contrast in words, ``10 mm, +20 HU``."""
    return f"{insert.diameter_mm:g} mm, {insert.contrast:+.4g} {unit}"


@dataclass(frozen=True)
class Region:
    """A square for the noise power spectrum: its first pixel (y, x) and its side in pixels."""

    row: int
    column: int
    side: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Pixels (y, x) of the region."""
        return (
            slice(self.row, self.row + self.side),
            slice(self.column, self.column + self.side),
        )


@dataclass(frozen=True)
class Lesions:
    """Lesions of one size and contrast; they lie in one slice."""

    diameter_mm: float
    contrast: float
    members: tuple[Insert, ...]


@dataclass(frozen=True, eq=False)
class Scene:
    """Truth of an ensemble: in one half with the inserts, in the other without.

    Parameters
    ----------
    background : Volume
        Without inserts; anatomy and, of a person's scan, its own noise, the same in all
        realisations.
    inserts : tuple of Insert
        Rods and lesions; lesions are centred in the middle slice.
    regions : tuple of Region
        Squares of tissue without inserts.
    reach : tuple of (int, int)
        Half the side of the squares about rods and about lesions, pixels; 2·reach + 1 wide.
    modality : "CT" or "MR"
        Of the background.
    """

    background: Volume
    inserts: tuple[Insert, ...]
    regions: tuple[Region, ...]
    reach: tuple[int, int]
    modality: str

    @property
    def unit(self) -> str:
        """``"HU"``, or that of the MR scan."""
        return modality_named(self.modality).unit_in(self.background)

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Pixel size along (y, x)."""
        return self.background.geometry.spacing_mm[1:]

    @cached_property
    def added(self) -> NDArray[np.float32]:
        """Intensities that the inserts add, shape (z, y, x)."""
        geometry = self.background.geometry
        return drawn(self.inserts, geometry.shape, geometry.spacing_mm)

    def drawn(self, insert: Insert) -> NDArray[np.float32]:
        """Return what one insert adds to its square, in all slices."""
        depth, *_ = self.background.geometry.shape
        rows, columns = self.square(insert)
        shape = depth, rows.stop - rows.start, columns.stop - columns.start
        middle = replace(insert, centre=(insert.centre[0], shape[1] // 2, shape[2] // 2))
        return drawn([middle], shape, self.background.geometry.spacing_mm)

    def clean(self, half: Half) -> Volume:
        """Return the scene without noise."""
        array = self.background.array
        return self.background.with_array(array + self.added if half == "present" else array)

    @property
    def rods(self) -> tuple[Insert, ...]:
        """The rods, by contrast."""
        found = (one for one in self.inserts if one.kind == "rod")
        return tuple(sorted(found, key=lambda one: one.contrast))

    @property
    def lesions(self) -> tuple[Lesions, ...]:
        """The lesions by size and contrast."""
        groups: dict[tuple[float, float], list[Insert]] = {}
        for one in self.inserts:
            if one.kind == "lesion":
                groups.setdefault((one.diameter_mm, one.contrast), []).append(one)
        return tuple(Lesions(*key, tuple(groups[key])) for key in sorted(groups))

    @property
    def inner(self) -> slice:
        """Slices that are measured: not the outermost, whose neighbours are missing."""
        depth = self.background.geometry.shape[0]
        return slice(1, depth - 1) if depth >= 3 else slice(0, depth)

    def square(self, insert: Insert) -> tuple[slice, slice]:
        """Return the pixels (y, x) that are measured about an insert."""
        reach = self.reach[insert.kind == "lesion"]
        _, row, column = insert.centre
        return slice(row - reach, row + reach + 1), slice(column - reach, column + reach + 1)

    @property
    def sha256(self) -> str:
        """Hash of both noise-free halves: the same scene, the same digits."""
        found = hashlib.sha256(repr(self.background.array.shape).encode())
        for half in HALVES:
            found.update(np.ascontiguousarray(self.clean(half).array, dtype="<f4").tobytes())
        return found.hexdigest()


def _box(
    insert: Insert, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> tuple[slice, slice, slice]:
    """Return the voxels that an insert can reach."""
    reach = [int(np.ceil(insert.diameter_mm / 2 / step)) + 1 for step in spacing_mm]
    spans = [
        slice(max(c - r, 0), min(c + r + 1, n))
        for c, r, n in zip(insert.centre, reach, shape, strict=True)
    ]
    return (slice(0, shape[0]) if insert.kind == "rod" else spans[0], spans[1], spans[2])


def _cover(
    insert: Insert, box: tuple[slice, slice, slice], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Return the share of each voxel that lies inside."""
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
    return np.asarray(np.stack(planes).reshape(-1, FINE, rows, columns).mean(axis=1))
