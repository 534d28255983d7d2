"""Std maps and probabilities as DICOM Parametric Maps: written and read back, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.errors import InputError
from medrestore.io.staging import staged_folder

if TYPE_CHECKING:
    import os

    from medrestore.volume import Volume

__all__ = ["read_map", "write_map"]


def write_map(
    volume: Volume, folder: str | os.PathLike[str], *, description: str, overwrite: bool = False
) -> Path:
    """Write a map as a DICOM Parametric Map (PS3.3 A.75): float32, with its unit.

    Parameters
    ----------
    volume : Volume
        Standard deviation, or a probability (unit ``"1"``), on the grid of its DICOM source, whose
        files must still be there.
    folder : path
        The folder to make, with one file, or one per time point; never one that holds anything
        but a former result.
    description : str
        Added to the Series Description: what the map shows.
    overwrite : bool
        Replace a former map.

    Returns
    -------
    Path
        The folder; it appears only when it is whole.

    Raises
    ------
    OutputError
        If the volume is not from DICOM or has no place in the patient, its source is gone, or the
        folder cannot be written.
    """
    from medrestore.io.dicom import is_derived
    from medrestore.io.dicom.parametric import save_map

    target = Path(folder)
    with staged_folder(target, overwrite, is_derived) as staged:
        save_map(volume, staged, description)
    return target


def read_map(path: str | os.PathLike[str]) -> Volume:
    """Read a DICOM Parametric Map of 32-bit floating point, such as `write_map` makes.

    Parameters
    ----------
    path : path
        A file, or a folder with one file for each time point and nothing else.

    Raises
    ------
    InputError
        If there is no such map, or its planes make no volume.
    """
    from medrestore.io.dicom.parametric_read import load_maps

    if not Path(path).exists():
        raise InputError(f"{path} does not exist; check the path")
    return load_maps(Path(path))
