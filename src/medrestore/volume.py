"""The noun that crosses every border: an array of intensities and where it lies in the patient.

Convention, stated here once: arrays are indexed ``(z, y, x)``, 4-D ones ``(t, z, y, x)``;
``Geometry.affine`` takes a voxel index ``(z, y, x, 1)`` in that order to patient millimetres
``(R, A, S, 1)``: right, anterior and superior are positive, as in NIfTI. DICOM and ITK (L, P, S)
are converted where files are read and written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from medrestore.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["UNITS", "Component", "Geometry", "Source", "Volume"]

UNITS = {"CT": "HU", "MR": "a.u."}
"""Unit of each modality that scans are read as, by name; `modalities.register` adds to it."""
Component = Literal["magnitude", "phase", "real", "imaginary", "field map", "parameter map"]
"""Component of the MR signal that a scan's values are, or were computed from."""

UNEVEN_SHARE = 0.2
"""Of a step: how far apart grids of one scan and of a part of it may lie."""
OBLIQUE_DEGREES = 0.1
"""Slices turned or tilted by more than this are called oblique."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Position of the voxels of a scan.

    Parameters
    ----------
    shape : tuple of int
        Voxels along ``(z, y, x)``; never the time axis.
    affine : ndarray, shape (4, 4)
        Voxel index ``(z, y, x, 1)`` to patient ``(R, A, S, 1)`` in millimetres.
    known : bool
        False where the file says nothing about position or orientation.
    slice_positions_mm : tuple of float, optional
        Distance of each slice along the slice normal, where slices are unevenly spaced and the
        caller chose ``gaps="keep"``; ``affine`` then holds the median step.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    known: bool = True
    slice_positions_mm: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise InputError(f"the geometry needs a finite 4×4 affine, got shape {affine.shape}")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise InputError("the scan's axes do not span space: its affine is singular")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along ``(z, y, x)``, mm."""
        z, y, x = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @property
    def axis_codes(self) -> str:
        """The patient direction each array axis runs towards, e.g. ``"SPL"`` for ``(z, y, x)``."""
        permutation, flips = self._closest()
        return "".join(
            "RAS"[p] if f > 0 else "LPI"[p] for p, f in zip(permutation, flips, strict=True)
        )

    @property
    def oblique_degrees(self) -> float:
        """Largest angle between an array axis and the patient axis closest to it, degrees."""
        directions = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        permutation, _ = self._closest()
        cosines = [abs(directions[p, axis]) for axis, p in enumerate(permutation)]
        return float(np.degrees(np.arccos(np.clip(min(cosines), 0, 1))))

    @property
    def is_oblique(self) -> bool:
        """True if the slices are turned or tilted by more than 0.1°."""
        return self.oblique_degrees > OBLIQUE_DEGREES

    def world(self, index: NDArray[np.floating[Any]] | tuple[float, ...]) -> NDArray[np.float64]:
        """Patient position (R, A, S) in mm of voxel index ``(z, y, x)``, shape (..., 3)."""
        points = np.asarray(index, dtype=np.float64)
        return np.asarray(points @ self.affine[:3, :3].T + self.affine[:3, 3])

    def same_grid(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """True if two grids have equal shape and every voxel within ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        return bool(np.abs(self.world(corners) - other.world(corners)).max() <= tolerance_mm)

    def fits(self, other: Geometry) -> bool:
        """True if two grids are one but for uneven steps: every slice within a fifth of a step.

        Slices of a scan that is read as even may lie up to a tenth of a step off its grid, and off
        the grid of a part of it as much.
        """
        return self.same_grid(other, max(1e-3, UNEVEN_SHARE * self.spacing_mm[0]))

    def slices(self, chosen: tuple[int, ...]) -> Geometry:
        """The grid of some neighbouring, or evenly spaced, slices."""
        affine, positions, first = self.affine.copy(), self.slice_positions_mm, chosen[0]
        if positions is None:
            begin, step = float(first), float(chosen[1] - first if len(chosen) > 1 else 1)
        else:  # the affine has the median step: of these slices another one
            distances = np.array(positions)
            median, kept = np.median(np.diff(distances)), distances[list(chosen)]
            begin = float((kept[0] - distances[0]) / median)
            step = float(np.median(np.diff(kept)) / median) if len(chosen) > 1 else 1.0
            positions = tuple(float(d) for d in kept - kept[0]) if len(chosen) > 1 else None
        affine[:3, 3] += affine[:3, 0] * begin
        affine[:3, 0] *= step
        return Geometry((len(chosen), *self.shape[1:]), affine, self.known, positions)

    def _closest(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """For each array axis the closest patient axis (0 R, 1 A, 2 S) and its sign."""
        directions = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        weights = np.abs(directions)
        best: tuple[int, int, int] = (0, 1, 2)
        score = -1.0
        for candidate in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
            total = float(sum(weights[p, axis] for axis, p in enumerate(candidate)))
            if total > score + 1e-9:
                best, score = candidate, total
        signs = [1 if directions[p, axis] >= 0 else -1 for axis, p in enumerate(best)]
        return best, (signs[0], signs[1], signs[2])

    def display_axes(self) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """Array axes and flips that bring the scan closest to (inferior, posterior, left).

        Returns
        -------
        order : tuple of int
            ``numpy.transpose`` argument: array axis shown first, second and third.
        flip : tuple of bool
            Whether each of these (after the transposition) runs backwards.
        """
        permutation, signs = self._closest()
        order = tuple(permutation.index(p) for p in (2, 1, 0))  # S, A, R
        flip = tuple(signs[axis] > 0 for axis in order)  # I, P and L are the negative directions
        return (order[0], order[1], order[2]), (flip[0], flip[1], flip[2])

    def transposed(self, order: tuple[int, int, int], flip: tuple[bool, bool, bool]) -> Geometry:
        """The geometry of ``array.transpose(order)`` flipped along the axes marked in ``flip``."""
        affine = self.affine.copy()
        affine[:, :3] = affine[:, list(order)]
        shape = tuple(self.shape[axis] for axis in order)
        for axis, flipped in enumerate(flip):
            if flipped:
                affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
                affine[:3, axis] *= -1
        return Geometry((shape[0], shape[1], shape[2]), affine, self.known)


@dataclass(frozen=True, eq=False)
class Source:
    """Origin of a volume, with what its writer needs to put a result on the same grid.

    Parameters
    ----------
    format : str
        ``"nifti"``, ``"dicom"``, ``"itk"``, ``"zarr"`` or ``"array"``.
    name : str
        Stem for file names and layer names; never a patient's name or a UID. What separates
        folders is replaced, so that no layer's name leads out of the folder a result goes to.
    paths : tuple of Path
        The files read, in slice order for DICOM.
    header : object, optional
        What the format's own writer put aside for itself; one that differs between time points
        has a method ``time_point(t)``, one that differs between slices ``slices(chosen)``.
    component : str or None
        What of the MR signal the values are, where the file says; None for CT.
    hu_offset : float
        What was added to the file's numbers to make them HU (`io.read`).
    acquired : (int, int) or None
        Rows and columns of k-space that MR was acquired with, where the file says; the scanner may
        have filled in others.
    """

    format: str = "array"
    name: str = "scan"
    paths: tuple[Path, ...] = field(default=(), repr=False)
    header: Any = field(default=None, repr=False)
    component: Component | None = None
    hu_offset: float = 0.0
    acquired: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        name = re.sub(r"[/\\\x00-\x1f]+", "_", self.name).strip() or "scan"
        object.__setattr__(self, "name", name)


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan: intensities, geometry, modality, unit and origin.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x) or (t, z, y, x)
        Physical intensities: HU for CT, arbitrary units for MR.
    geometry : Geometry
        Grid of the last three axes.
    modality : str, optional
        Name: ``"CT"``, ``"MR"``, or another that is registered (`modalities`).
        None where the file does not say; denoising then asks for it.
    unit : str
        ``"HU"`` for CT, ``"a.u."`` for MR.
    source : Source
        Origin, for writing results beside it.
    warnings : tuple of str
        What the reader noticed and the user should know.

    Raises
    ------
    InputError
        If the array has the wrong number of axes or does not fit the geometry.
    """

    array: NDArray[np.float32]
    geometry: Geometry
    modality: str | None = None
    unit: str = "a.u."
    source: Source = field(default_factory=Source)
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line: name, modality, grid, spacing, orientation; never the voxels."""
        grid = "×".join(str(n) for n in self.array.shape)
        spacing = "×".join(f"{s:.3g}" for s in self.geometry.spacing_mm)
        return (
            f"Volume({self.source.name}: {self.modality or '?'} {grid}, {spacing} mm, "
            f"{self.geometry.axis_codes}, {self.unit})"
        )

    def __post_init__(self) -> None:
        array = np.asarray(self.array, dtype=np.float32)
        if array.ndim not in (3, 4):
            raise InputError(
                f"a scan has axes (z, y, x) or (t, z, y, x), got an array of shape {array.shape}"
            )
        if array.shape[-3:] != self.geometry.shape:
            raise InputError(
                f"the array's grid {array.shape[-3:]} does not fit the geometry's "
                f"{self.geometry.shape}"
            )
        object.__setattr__(self, "array", array)

    @property
    def component(self) -> Component | None:
        """Component of the MR signal; None for CT and where no file says."""
        return self.source.component

    @property
    def is_4d(self) -> bool:
        """True if the scan has a time axis."""
        return self.array.ndim == 4

    def with_array(self, array: NDArray[Any], **changes: Any) -> Volume:
        """The same scan with other intensities: geometry, modality and source stay."""
        return replace(self, array=np.asarray(array, dtype=np.float32), **changes)

    def slices(self, chosen: tuple[int, ...]) -> Volume:
        """The same scan with some neighbouring, or evenly spaced, slices only."""
        pick = getattr(self.source.header, "slices", None)
        source = self.source if pick is None else replace(self.source, header=pick(chosen))
        array = self.array[..., list(chosen), :, :]
        return replace(self, array=array, geometry=self.geometry.slices(chosen), source=source)

    def time_point(self, t: int) -> Volume:
        """One 3-D volume of a 4-D scan; a 3-D scan has only ``t = 0``."""
        frames = self.array if self.is_4d else self.array[None]
        if not 0 <= t < len(frames):
            raise InputError(
                f"volume {t} does not exist: the scan has {len(frames)}, counted from 0"
            )
        pick = getattr(self.source.header, "time_point", None)
        if self.is_4d and pick is not None:
            return self.with_array(frames[t], source=replace(self.source, header=pick(t)))
        return self.with_array(frames[t])
