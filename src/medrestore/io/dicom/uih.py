"""United Imaging's grids: the slices of a volume as tiles of one picture, each with its position.

Tiles run row by row from the top left, ceil(√n) to a row and only as many rows as are needed. The
private sequence (0065,1051) holds one item per slice with its own Image Position (Patient); the
position of the whole picture is not used. Tags: https://github.com/rordenlab/dcm2niix, UIH.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError
from medrestore.io.dicom.classic import classic_frames
from medrestore.io.dicom.stated import some_numbers
from medrestore.io.dicom.values import whole_number

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame

__all__ = ["grid_frames", "is_grid"]

TILE_COUNT = (0x0065, 0x1050)
TILES = (0x0065, 0x1051)


def is_grid(header: Any) -> bool:
    """Whether the number of slices in the picture is announced."""
    return TILE_COUNT in header


def grid_frames(header: Any, path: Path) -> list[Frame]:
    """One plane per tile.

    Raises
    ------
    InputError
        If the header does not say where each tile lies, or the picture cannot be cut evenly.
    """
    whole = classic_frames(header, path)[0]
    items = header[TILES].value or () if TILES in header else ()
    faults: list[str] = []
    places = [some_numbers(item, "ImagePositionPatient", 3, faults) for item in items]
    if faults:
        return [replace(whole, fault="; ".join(filter(None, (whole.fault, *faults))))]
    count = whole_number(header[TILE_COUNT].value)
    across = max(1, math.ceil(math.sqrt(max(count, 1))))
    down = max(1, math.ceil(count / across))
    rows, columns = whole.shape[0] // down, whole.shape[1] // across
    even = (rows * down, columns * across) == whole.shape
    if count < 1 or len(places) != count or None in places or not whole.orientation or not even:
        raise InputError(
            f"{path} is a UIH grid of {count} slices in {whole.shape[0]}×{whole.shape[1]} pixels "
            f"whose header places {len(places) - places.count(None)} of them; export it as one "
            "file per slice"
        )
    return [
        replace(
            whole,
            shape=(rows, columns),
            position=place,
            number=(whole.number[0], k),
            tile=(k // across * rows, k % across * columns),
        )
        for k, place in enumerate(places)
    ]
