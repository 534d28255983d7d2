"""One image plane of a DICOM file: all that grouping, geometry and decoding need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Frame"]


@dataclass(frozen=True)
class Frame:
    """One plane: a classic file has one, an enhanced or mosaic file many.

    Parameters
    ----------
    path : Path
        The file.
    index : int
        Which frame of the file's pixel data, counted from 0.
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
        Modality transformation of this plane (0028,1053), (0028,1052).
    inverted : bool
        MONOCHROME1 whose stored values run against the signal (not CT: HU are defined).
    padding : int or None
        Stored value that means "no data"; such voxels become NaN.
    number : int
        Instance Number (0020,0013), then the frame number.
    contrast : tuple
        What makes another volume at the same place: image type, echo, stack.
    moment : tuple
        What makes another time point: temporal position, b-value and direction, trigger.
    order : tuple of int
        Place of the volume in time, or among b-values: dimension indices, temporal position.
    acquisition : tuple
        What may tell repeats apart where ``moment`` does not: acquisition number, time.
    tile : tuple of int or None
        First row and column of the plane inside a Siemens or UIH mosaic.
    series, instance : str
        UIDs; never shown.
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
    inverted: bool = False
    padding: int | None = None
    number: tuple[int, int] = (0, 0)
    contrast: tuple[object, ...] = ()
    moment: tuple[object, ...] = ()
    order: tuple[int, ...] = ()
    acquisition: tuple[object, ...] = ()
    tile: tuple[int, int] | None = None
    series: str = field(default="", repr=False)
    instance: str = field(default="", repr=False)

    @property
    def placed(self) -> bool:
        """Whether the plane's place in the patient is given."""
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
