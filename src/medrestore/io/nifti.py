"""NIfTI-1 and NIfTI-2, plain or gzipped, in one file or as a pair of header and voxels.

On disk the axes run (x, y, z, t); here they run (t, z, y, x): a transposition, never a resampling.
"""

from __future__ import annotations

import zlib
from math import prod
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np

from medrestore.errors import InputError, OutputError, UnreadableError, UnsuitableError
from medrestore.io.limits import DEFLATE_BEST_RATIO, check_promise, check_shape
from medrestore.io.modality import is_label_map, settle_modality, unit_of
from medrestore.io.nifti_header import (
    disk_affine,
    geometry_of,
    open_stored,
    scaled,
    unit_mm,
    with_thickness,
)
from medrestore.io.nifti_voxels import ReleasingFile, read_voxels, stored_planes
from medrestore.io.packed import is_packed
from medrestore.io.scan import Scan
from medrestore.volume import Geometry, Source, Volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.io.nifti_header import Stored

__all__ = ["describe", "load", "save"]

nib: Any = nibabel
"""Typed in parts only."""
TIME_INTENTS = (0, 2001)
"""NIFTI_INTENT_NONE and _TIME_SERIES: with others a fifth axis holds vectors or the like."""
LABEL_INTENT = 1002
DAMAGE = (
    nib.filebasedimages.ImageFileError,
    nib.spatialimages.HeaderDataError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
)


def describe(path: Path) -> Scan:
    """A file's scan from its header; raises what `load` raises for a bad header.

    Raises
    ------
    UnsuitableError
        If the file holds a label map.
    """
    stored = _open(path)
    shape, times, remarks = _grid(stored, path)
    geometry, warnings = geometry_of(stored.header, shape, path)
    if _is_label_map(stored, shape, times):
        raise UnsuitableError(f"{path} is a label map (few whole numbers in regions), no scan")
    return Scan(
        path=path,
        format="nifti",
        modality=None,
        shape=shape,
        spacing_mm=geometry.spacing_mm,
        orientation=geometry.axis_codes,
        time_points=times,
        files=stored.files,
        warnings=(*remarks, *warnings),
        name=stem(path),
    )


def load(path: Path, modality: str | None = None) -> Volume:
    """Read a file.

    Intensities are ``scl_slope * stored + scl_inter`` in float32; NaN stays NaN. The affine
    follows nibabel's rule: sform if its code is above 0, else qform, else none is known.

    Raises
    ------
    UnreadableError
        If the file is not NIfTI, is damaged or truncated, or promises more than fits in memory.
    InputError
        If it holds colours, complex numbers, vectors, or no voxels.
    """
    stored = _open(path)
    shape, times, remarks = _grid(stored, path)
    geometry, doubts = geometry_of(stored.header, shape, path)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32: infinite, NaN
            array, oddities = read_voxels(stored, shape, times)
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} is truncated or damaged: its voxels cannot be read; copy it again"
        ) from error
    array = array[0] if times == 1 else array
    settled = settle_modality(array, requested=modality)
    source = Source("nifti", stem(path), stored.files, stored.header)
    warnings = (*remarks, *doubts, *oddities)
    return Volume(array, geometry, settled, unit_of(settled), source, warnings)


def save(volume: Volume, path: Path) -> None:
    """Write float32 voxels to ``path``, which the caller has staged.

    A volume on the grid of a NIfTI source keeps that file's header: both affines and their codes,
    units, voxel sizes, description, intent and display range. Others get sform and qform with
    code 1 (scanner), or code 0 where the geometry is not known.
    """
    data = volume.array.T  # (x, y, z[, t])
    header = volume.source.header if volume.source.format == "nifti" else None
    if header is not None and _describes(header, volume):
        data = data.reshape(_stored_shape(header, data), order="F")
        image = _image(data, header.get_best_affine(), header.copy())
    else:
        image = _image(data, disk_affine(volume.geometry), None)
        _state_affine(image, volume.geometry)
    try:
        with nib.openers.ImageOpener(path, "wb") as file:  # closed by us: nibabel forgets on errors
            holder = nib.fileholders.FileHolder(str(path), ReleasingFile(file, volume.array))
            image.to_file_map({"image": holder})
    except nib.spatialimages.HeaderDataError as error:
        raise OutputError(f"{path.name} cannot be written as NIfTI: {error}") from error


def stem(path: Path) -> str:
    """File name without ``.nii``, ``.nii.gz`` or the suffixes of a pair."""
    name = path.name
    for suffix in (".gz", ".nii", ".hdr", ".img"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return name or "scan"


def _open(path: Path) -> Stored:
    """The header, with the voxels still on disk."""
    try:
        stored = open_stored(path)
        _ = stored.scaling
        return stored
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} is not a readable NIfTI file: it is damaged, truncated or something else "
            "under that name"
        ) from error


def _is_label_map(stored: Stored, shape: tuple[int, int, int], times: int) -> bool:
    """True if header or voxels say so; of most scans the first slice says that it is none.

    Voxels that cannot be read are no label map: whoever needs them says what is wrong.
    """
    if int(stored.header["intent_code"]) == LABEL_INTENT:
        return True
    if stored.scaling != (1.0, 0.0):
        return False
    try:
        return is_label_map(stored_planes(stored, shape[0] * times, shape[1:]))
    except DAMAGE:
        return False


def _grid(stored: Stored, path: Path) -> tuple[tuple[int, int, int], int, tuple[str, ...]]:
    """Shape (z, y, x), number of time points, remarks; refuses what is not a scalar image."""
    disk = [int(n) for n in stored.header.get_data_shape()]
    dtype = stored.dtype
    remarks: tuple[str, ...] = ()
    if dtype.fields is not None:
        raise InputError(f"{path} holds colours (RGB); medrestore restores scalar CT and MR scans")
    if dtype.kind == "c":
        raise InputError(f"{path} holds complex numbers; save the magnitude and read that")
    while len(disk) > 3 and disk[-1] == 1:
        disk.pop()
    if len(disk) == 5 and disk[3] == 1 and int(stored.header["intent_code"]) in TIME_INTENTS:
        remarks = (
            f"its {disk[4]} volumes lie along the fifth axis; they are taken for a time series",
        )
        del disk[3]
    if len(disk) > 4:
        raise InputError(
            f"{path} has {len(disk)} axes {tuple(disk)}; medrestore reads (x, y, z) or (x, y, z, t)"
        )
    check_shape(str(path), disk)
    disk += [1] * (3 - len(disk))
    ratio = DEFLATE_BEST_RATIO if is_packed(stored.voxels) else 1
    size = stored.voxels.stat().st_size
    check_promise(str(stored.voxels), prod(disk) * dtype.itemsize, size, ratio)
    x, y, z = disk[:3]
    return (z, y, x), disk[3] if len(disk) == 4 else 1, remarks


def _describes(header: Any, volume: Volume) -> bool:
    """True if a source header still fits the volume's grid."""
    affine, _ = with_thickness(
        scaled(header.get_best_affine(), unit_mm(header)), volume.geometry.shape
    )
    x, y, z = ([int(n) for n in header.get_data_shape()] + [1, 1])[:3]
    grid = Geometry((z, y, x), affine[:, [2, 1, 0, 3]])
    return grid.same_grid(volume.geometry)


def _stored_shape(header: Any, data: NDArray[Any]) -> tuple[int, ...]:
    """Shape with the source's number of axes (a last axis of 1, one slice) if it holds ``data``.

    An array of another number of time points (one picked of many) keeps its own shape.
    """
    stored = tuple(int(n) for n in header.get_data_shape())
    return stored if prod(stored) == data.size else data.shape


def _image(data: NDArray[Any], affine: NDArray[np.float64], header: Any) -> Any:
    is_2 = isinstance(header, nib.Nifti2Header) or max(data.shape) > np.iinfo(np.int16).max
    image = (nib.Nifti2Image if is_2 else nib.Nifti1Image)(data, affine, header)
    image.set_data_dtype(np.float32)
    image.header.set_slope_inter(1, 0)
    return image


def _state_affine(image: Any, geometry: Geometry) -> None:
    """Scanner coordinates in sform, and in qform where it can hold them: it knows no shear."""
    affine = disk_affine(geometry)
    image.header.set_xyzt_units("mm", "sec" if len(image.shape) == 4 else None)
    code = 1 if geometry.known else 0
    image.set_sform(affine, code)
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    sheared = np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4
    image.set_qform(affine, 0 if sheared else code)
