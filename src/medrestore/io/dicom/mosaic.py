"""Slices of a volume as tiles of one large picture: Siemens mosaics and United Imaging's grids.

Tiles run row by row from the top left, ceil(√n) to a row. In a Siemens mosaic Image Position
(Patient) is that of the whole picture, as if it were one large slice with the tile's centre;
Siemens' private CSA header tells on which side of the first slice the others lie. dcm2niix and
nibabel do the same. A UIH grid has only as many rows as are needed; its private sequence
(0065,1051) holds one item per slice with its own Image Position (Patient), and the position of the
whole picture is not used. Tags: https://github.com/rordenlab/dcm2niix, UIH.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import InputError
from medrestore.io.dicom.diffusion import csa_values
from medrestore.io.dicom.images import classic_frames
from medrestore.io.dicom.values import stated_number, stated_numbers, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame

__all__ = ["grid_frames", "is_grid", "is_mosaic", "mosaic_frames"]

TILE_COUNT = (0x0019, 0x100A)


def is_mosaic(header: Any) -> bool:
    """True if Image Type (0008,0008) names a mosaic."""
    return "MOSAIC" in {str(word).upper() for word in header.get("ImageType") or ()}


def mosaic_frames(header: Any, path: Path) -> list[Frame]:
    """One plane per tile.

    Raises
    ------
    InputError
        If the header does not say how many tiles there are and where.
    """
    whole = classic_frames(header, path)[0]
    faults = [whole.fault] if whole.fault else []
    if stated_number(header, "SpacingBetweenSlices", faults) is None:
        stated_number(header, "SliceThickness", faults)
    if faults:
        return [replace(whole, fault="; ".join(faults))]
    csa = csa_values(header)
    count = _tile_count(header, csa)
    across = max(1, math.ceil(math.sqrt(count)))
    rows, columns = (n // across for n in whole.shape)
    step_mm = whole.thickness
    if count < 1 or not whole.placed or step_mm is None or min(rows, columns) < 1:
        raise InputError(
            f"{path} is a mosaic that does not tell the number, position or distance of its "
            "slices; convert it with dcm2niix"
        )
    first = _first_position(whole, rows, columns)
    step = _slice_normal(whole, csa) * step_mm
    positions = [tuple(float(v) for v in first + k * step) for k in range(count)]
    return _tiles(whole, (rows, columns), across, positions)


def _tiles(
    whole: Frame,
    shape: tuple[int, int],
    across: int,
    positions: Sequence[tuple[float, ...] | None],
) -> list[Frame]:
    """Planes of a picture with ``across`` tiles of a shape in each row."""
    return [
        replace(
            whole,
            shape=shape,
            position=position,
            number=(whole.number[0], k),
            tile=(k // across * shape[0], k % across * shape[1]),
        )
        for k, position in enumerate(positions)
    ]


def _first_position(whole: Frame, rows: int, columns: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Centre of the first voxel of the first tile, LPS mm."""
    assert whole.spacing and whole.position and whole.orientation
    row, column = np.array(whole.orientation[:3]), np.array(whole.orientation[3:])
    down = whole.spacing[0] * (whole.shape[0] - rows) / 2
    right = whole.spacing[1] * (whole.shape[1] - columns) / 2
    return np.asarray(whole.position + column * down + row * right)


def _slice_normal(whole: Frame, csa: dict[str, list[Any]]) -> Any:
    """Direction from the first tile to the last; row × column where the CSA header is gone."""
    normal = whole.normal
    stated = csa.get("SliceNormalVector", [])
    if len(stated) >= 3 and np.dot([float(v) for v in stated[:3]], normal) < 0:
        return -normal
    return normal


def _tile_count(header: Any, csa: dict[str, list[Any]]) -> int:
    element = header.get(TILE_COUNT)
    if element is not None and isinstance(element.value, int):
        return int(element.value)
    return int((csa.get("NumberOfImagesInMosaic") or ["0"])[0])


UIH_COUNT = (0x0065, 0x1050)
UIH_TILES = (0x0065, 0x1051)


def is_grid(header: Any) -> bool:
    """True if the number of slices in the picture is stated."""
    return UIH_COUNT in header


def grid_frames(header: Any, path: Path) -> list[Frame]:
    """One plane per tile.

    Raises
    ------
    InputError
        If the header does not say where each tile lies, or the picture cannot be cut evenly.
    """
    whole = classic_frames(header, path)[0]
    items = header[UIH_TILES].value or () if UIH_TILES in header else ()
    faults: list[str] = []
    positions = [stated_numbers(item, "ImagePositionPatient", 3, faults) for item in items]
    if faults:
        return [replace(whole, fault="; ".join(filter(None, (whole.fault, *faults))))]
    count = whole_number(header[UIH_COUNT].value)
    across = max(1, math.ceil(math.sqrt(max(count, 1))))
    down = max(1, math.ceil(count / across))
    rows, columns = whole.shape[0] // down, whole.shape[1] // across
    even = (rows * down, columns * across) == whole.shape
    known = len(positions) - positions.count(None)
    if count < 1 or not len(positions) == known == count or not whole.orientation or not even:
        raise InputError(
            f"{path} is a UIH grid of {count} slices in {whole.shape[0]}×{whole.shape[1]} pixels "
            f"whose header places {known} of them; export it as one file per slice"
        )
    return _tiles(whole, (rows, columns), across, positions)
