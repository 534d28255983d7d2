"""Planes of DICOM files, and stacks of them: all that grouping, geometry and decoding need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.io.dicom.acquisition_matrix import AcquisitionMatrix
    from medrestore.volume import Component

__all__ = ["Frame", "Stack"]

SAME_DIRECTION = 1e-3
"""Direction cosines that differ by less are one orientation (0.06°)."""


@dataclass(frozen=True)
class Frame:
    """One plane: a classic file has one, an enhanced or mosaic file many.

    Parameters
    ----------
    path : Path
        The file.
    index : int
        Index of the frame in the file's pixel data.
    shape : tuple of int
        Rows and columns of the plane.
    modality : str
        Modality (0008,0060), empty where the file does not say.
    spacing : tuple of float or None
        Between rows and between columns, mm: Pixel Spacing (0028,0030).
    position : tuple of float or None
        Centre of the first voxel, **LPS** mm: Image Position (Patient) (0020,0032).
    orientation : tuple of float or None
        Direction cosines along a row, then along a column, **LPS**: (0020,0037).
    thickness : float or None
        Spacing Between Slices, else Slice Thickness, mm; used for a single slice only.
    slope, intercept : float
        Modality transformation of this plane (0028,1053), (0028,1052); 1 and 0 where not stated.
    unstated : tuple of str
        Keywords of those that are absent or empty.
    lookup : str
        Unit that a Modality LUT Sequence (0028,3000) gives, e.g. ``"HU"``; empty without one.
    inverted : bool
        MONOCHROME1 whose stored values run against the signal (not CT: HU are defined).
    upside_down : bool
        Rows stored from last to first although the position is that of the first; see `mr_signal`.
    padding : int or None
        Stored value that means "no data"; such voxels become NaN.
    number : int
        Instance Number (0020,0013), then the frame number.
    contrast : tuple
        Values that make another volume at one position: image type, echo, stack, polarity.
    component : str or None
        Component of the MR signal; None for CT and where nothing says.
    matrix : AcquisitionMatrix or None
        Steps of encoding of an MR plane; None for CT and where nothing says.
    reconstruction : tuple of str
        Reconstruction of a CT plane: kernel, voltage, thickness, original or derived. Planes
        of one volume may differ in all but the kernel; volumes that overlap are told apart by it.
    moment : tuple
        Values that make another time point: temporal position, trigger, b-value, direction.
    order : tuple of int
        Index of the volume in time, or among b-values: dimension indices, temporal position.
    acquisition : tuple
        Distinguishes repeats where ``moment`` does not: acquisition number, time.
    tile : tuple of int or None
        First row and column of the plane inside a Siemens or UIH mosaic.
    fault : str
        Position or scaling that cannot be read, for a message; the series is refused.
    lost : str
        Reason that the file cannot be read although its series is known; all else is empty.
    series, instance, study, space : str
        UIDs, ``space`` that of the frame of reference; never shown.
    label : tuple of str
        Series Number and Series Description; never shown.
    """

    path: Path
    index: int
    shape: tuple[int, int]
    modality: str = ""
    spacing: tuple[float, float] | None = None
    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None
    thickness: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    unstated: tuple[str, ...] = ()
    lookup: str = ""
    inverted: bool = False
    upside_down: bool = False
    padding: int | None = None
    number: tuple[int, int] = (0, 0)
    contrast: tuple[object, ...] = ()
    component: Component | None = None
    matrix: AcquisitionMatrix | None = None
    reconstruction: tuple[str, ...] = ()
    moment: tuple[object, ...] = ()
    order: tuple[int, ...] = ()
    acquisition: tuple[object, ...] = ()
    tile: tuple[int, int] | None = None
    fault: str = ""
    lost: str = ""
    series: str = field(default="", repr=False)
    instance: str = field(default="", repr=False)
    study: str = field(default="", repr=False)
    space: str = field(default="", repr=False)
    label: tuple[str, ...] = field(default=(), repr=False)

    @property
    def placed(self) -> bool:
        """True if the plane's position in the patient is given."""
        return None not in (self.spacing, self.position, self.orientation)

    @property
    def normal(self) -> NDArray[np.float64]:
        """Row direction × column direction, unit length, LPS; zeros where not placed."""
        if self.orientation is None:
            return np.zeros(3)
        cross = np.cross(self.orientation[:3], self.orientation[3:])
        return np.asarray(cross / (np.linalg.norm(cross) or 1.0), dtype=np.float64)

    @property
    def depth(self) -> float:
        """Distance of the plane from the origin along its normal, mm."""
        return 0.0 if self.position is None else float(np.dot(self.position, self.normal))

    def is_parallel(self, other: Frame) -> bool:
        """True if two planes have one orientation and voxel size, or neither a position."""
        if not (self.placed and other.placed):
            return self.placed == other.placed
        return bool(
            np.allclose(self.orientation, other.orientation, rtol=0, atol=SAME_DIRECTION)  # type: ignore[arg-type]
            and np.allclose(self.spacing, other.spacing, rtol=1e-3, atol=0)  # type: ignore[arg-type]
        )


@dataclass(frozen=True)
class Stack:
    """The planes of one volume, ``frames[t][z]``, sorted along the slice normal.

    Parameters
    ----------
    frames : tuple of tuple of Frame
        Time points, each with its slices.
    copies : tuple of Path
        Files left out because they hold planes of this stack once more.
    lost : tuple of Path
        Files of the same series that cannot be read.
    label : str
        Attribute that distinguishes it from other volumes of its series, if any.
    """

    frames: tuple[tuple[Frame, ...], ...]
    copies: tuple[Path, ...] = field(default=(), compare=False)
    lost: tuple[Path, ...] = field(default=(), compare=False)
    label: str = field(default="", compare=False)

    @property
    def first(self) -> Frame:
        """The lowest plane of the first time point."""
        return self.frames[0][0]

    @property
    def planes(self) -> tuple[Frame, ...]:
        """All planes, in order of time and slice."""
        return tuple(frame for planes in self.frames for frame in planes)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, each once, in order of time and slice."""
        return tuple(dict.fromkeys(frame.path for frame in self.planes))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Voxels along ``(t, z, y, x)``."""
        return (len(self.frames), len(self.frames[0]), *self.first.shape)

    def time_point(self, t: int) -> Stack:
        """The planes of one time point."""
        return Stack((self.frames[t],))

    def slices(self, chosen: Sequence[int]) -> Stack:
        """Some of the planes, of every time point."""
        return Stack(tuple(tuple(planes[z] for z in chosen) for planes in self.frames))
