"""A scene: anatomy, rods and lesions whose values are known everywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from medrestore.evaluation.ensemble.inserts import Insert, drawn
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["HALVES", "Half", "Lesions", "Region", "Scene"]

Half = Literal["present", "absent"]
HALVES: tuple[Half, Half] = ("present", "absent")


@dataclass(frozen=True)
class Region:
    """A square for the noise power spectrum: its first pixel (y, x) and its side in pixels."""

    row: int
    column: int
    side: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Its pixels (y, x)."""
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
    """What an ensemble shows: in one half with the inserts, in the other without.

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
        """What the inserts add, shape (z, y, x)."""
        geometry = self.background.geometry
        return drawn(self.inserts, geometry.shape, geometry.spacing_mm)

    def drawn(self, insert: Insert) -> NDArray[np.float32]:
        """What one insert adds to its square, in all slices."""
        depth, *_ = self.background.geometry.shape
        rows, columns = self.square(insert)
        shape = depth, rows.stop - rows.start, columns.stop - columns.start
        middle = replace(insert, centre=(insert.centre[0], shape[1] // 2, shape[2] // 2))
        return drawn([middle], shape, self.background.geometry.spacing_mm)

    def clean(self, half: Half) -> Volume:
        """The scene without noise."""
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
        """The pixels (y, x) that are looked at about an insert."""
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
