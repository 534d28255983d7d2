"""Reading and writing scans: NIfTI, DICOM, NRRD, MetaImage and Zarr.

The formats do not know each other (`formats.FORMATS`); this module looks at a path and picks one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.errors import InputError, OutputError
from medrestore.io.formats import FORMATS, is_store, listed, suffix_of, writer_of
from medrestore.io.maps import read_map, write_map
from medrestore.io.modality import check_modality, shifted
from medrestore.io.scan import Progress, Scan, Scans
from medrestore.io.search import only_scan, scan_of_file, search, single_slice_warning
from medrestore.io.staging import staged_file, staged_folder

if TYPE_CHECKING:
    import os

    from medrestore.io.dicom.frame import Stack
    from medrestore.io.dicom.grid import Gaps
    from medrestore.volume import Volume

__all__ = [
    "Progress",
    "Scan",
    "Scans",
    "find",
    "read",
    "read_map",
    "write",
    "write_map",
    "write_series",
]


def read(
    path: str | os.PathLike[str] | Scan,
    modality: str | None = None,
    gaps: Gaps = "error",
    hu_offset: float = 0.0,
) -> Volume:
    """Read a scan.

    Parameters
    ----------
    path : path or Scan
        A file, a folder with exactly one volume, or what `find` returned.
    modality : "CT" or "MR", optional
        What the scan is. Without it: the DICOM tag, else CT if the values show it (air near −1000
        and a range as HU have it), else the volume's modality is None.
    gaps : {"error", "keep"}
        What to do where DICOM slices are missing or uneven: refuse, or keep each slice's position.
    hu_offset : float
        Added to every voxel of a CT: the rescale intercept (commonly −1024) that its file lost.

    Returns
    -------
    Volume
        Float32 intensities (HU or a.u.) with geometry; 4-D scans are ``(t, z, y, x)``.

    Raises
    ------
    InputError
        If there is no scan, more than one, or one that cannot be used; its subclasses say why.
    """
    if gaps not in ("error", "keep"):
        raise InputError(f"gaps is {gaps!r}; give 'error' or 'keep'")
    asked = check_modality(modality)
    if hu_offset and asked is None:
        asked = "CT"
    if isinstance(path, Scan):
        return shifted(_load(path, None, asked, gaps), hu_offset)
    place = _existing(Path(path))
    is_scan = not place.is_dir() or is_store(place)
    scan, stack = (scan_of_file(place), None) if is_scan else only_scan(place, asked)
    volume = _load(scan, stack, asked, gaps)
    if is_scan:
        warnings = (*volume.warnings, *single_slice_warning(volume, place))
        volume = replace(volume, warnings=warnings)
    return shifted(volume, hu_offset)


def find(path: str | os.PathLike[str], progress: Progress | None = None) -> Scans:
    """Every volume under a folder, or in a file.

    Headers are read; of voxels no more than tells a scan from a label map, which is left out, and
    copies from others.

    Parameters
    ----------
    path : path
        A folder, searched with all its sub-folders, or a file.
    progress : Progress, optional
        Told about every file looked at.

    Returns
    -------
    Scans
        In order of their paths; its ``skipped`` names every other file and why it was left out.
        Hidden files and folders are passed over; linked folders are followed, each once.

    Raises
    ------
    InputError
        If the path does not exist.
    """
    found = search(_existing(Path(path)), None, progress)
    scans = (scan for scan, _ in found.volumes)
    return Scans(scans, found.skipped, found.left_out, found.refused)


def write(volume: Volume, path: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Write a volume in the format that the suffix names; a DICOM scan also as a folder.

    Parameters
    ----------
    volume : Volume
        Written as float32 on its own grid; one read from NIfTI keeps that file's header.
    path : path
        Ends in a suffix of a format: ``.nii.gz``, ``.nii``, ``.nrrd``, ``.mha``, ``.mhd``,
        ``.zarr`` (a folder of compressed chunks, for large results); without a suffix a folder for
        a derived DICOM series, if the volume was read from DICOM. Missing folders are made.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        What was written; it appears under this name only when it is whole.

    Raises
    ------
    OutputError
        If the suffix is unknown, the file exists, or the place cannot be written.
    """
    target = Path(path)
    form = writer_of(suffix_of(target))
    dicom = volume.source.format == "dicom"
    if form is None and dicom and not target.suffix:
        return write_series(volume, target, description="medrestore", overwrite=overwrite)
    if form is None:
        known = [suffix for one in FORMATS.values() for suffix in one.writable]
        raise OutputError(
            f"{target} names no format that can be written; end it in {listed(known)}"
            + (", or in no suffix for a DICOM folder" if dicom else "")
        )
    if form.store:
        staging = staged_folder(target, overwrite, form.replaceable)
    else:
        staging = staged_file(target, overwrite)
    with staging as staged:
        form.save(volume, staged)
    return target


def write_series(
    volume: Volume, folder: str | os.PathLike[str], *, description: str, overwrite: bool = False
) -> Path:
    """Write a volume that was read from DICOM as a derived series, one file per slice.

    Parameters
    ----------
    volume : Volume
        On the grid of its DICOM source, whose files must still be there.
    folder : path
        The folder to make; never one that holds anything but a former derived series.
    description : str
        Added to the Series Description, and the Derivation Description: what was done.
    overwrite : bool
        Whether a former derived series may be replaced.

    Returns
    -------
    Path
        The folder; it appears only when it is whole.

    Raises
    ------
    OutputError
        If the volume is not from DICOM, its source is gone, or the folder cannot be written.
    """
    from medrestore.io import dicom

    target = Path(folder)
    with staged_folder(target, overwrite, dicom.is_derived) as staged:
        dicom.save_series(volume, staged, description)
    return target


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    return path


def _load(scan: Scan, stack: Stack | None, modality: str | None, gaps: Gaps) -> Volume:
    form = FORMATS[scan.format]
    if not form.series:
        return form.load(scan.path, modality)
    from medrestore.io import dicom

    if stack is None:
        stack = dicom.open_stack(scan.files, scan.part, modality)
        stack = replace(stack, copies=scan.copies, lost=scan.lost)
    name = dicom.stem(scan.path) if scan.part is None else scan.name
    return dicom.load(stack, name, modality, gaps)
