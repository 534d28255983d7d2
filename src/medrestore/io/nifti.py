"""NIfTI-1 and NIfTI-2, plain or gzipped, in one file or as a pair of header and voxels.

On disk the axes run (x, y, z, t); here they run (t, z, y, x): a transposition, never a resampling.
"""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np

from medrestore.errors import InputError, OutputError, UnreadableError
from medrestore.io.limits import (
    DEFLATE_BEST_RATIO,
    check_millimetres,
    check_promise,
    check_shape,
    check_spacing,
)
from medrestore.io.modality import settle_modality, unit_of
from medrestore.io.nifti_header import vet
from medrestore.io.nifti_voxels import ReleasingFile, read_voxels
from medrestore.io.packed import is_packed
from medrestore.io.scan import Scan
from medrestore.volume import Geometry, Source, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.volume import Modality

__all__ = ["describe", "load", "save"]

nib: Any = nibabel
"""Typed in parts only."""
UNITS_MM = {"unknown": 1.0, "mm": 1.0, "micron": 1e-3, "meter": 1e3}
DAMAGE = (
    nib.filebasedimages.ImageFileError,
    nib.spatialimages.HeaderDataError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
)


def describe(path: Path) -> Scan:
    """A file's scan from its header; raises what `load` raises for a bad header."""
    image = _open(path)
    shape, times = _grid(image, path)
    geometry, warnings = _geometry(image.header, shape, path)
    return Scan(
        path=path,
        format="nifti",
        modality=None,
        shape=shape,
        spacing_mm=geometry.spacing_mm,
        orientation=geometry.axis_codes,
        time_points=times,
        files=_files(image),
        warnings=warnings,
        name=stem(path),
    )


def load(path: Path, modality: Modality | None = None) -> Volume:
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
    image = _open(path)
    shape, times = _grid(image, path)
    geometry, warnings = _geometry(image.header, shape, path)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32: infinite, NaN
            array = read_voxels(image, shape, times)
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} is truncated or damaged: its voxels cannot be read; copy it again"
        ) from error
    array = array[0] if times == 1 else array
    settled = settle_modality(array, asked=modality)
    source = Source("nifti", stem(path), _files(image), image.header.copy())
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
        image = _image(data, _disk_affine(volume.geometry), None)
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


def _open(path: Path) -> Any:
    """The image with its voxels still on disk; Any: nibabel has no types."""
    try:
        vet(path)
        image = nib.load(path)
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} is not a readable NIfTI file: it is damaged, truncated or something else "
            "under that name"
        ) from error
    if not isinstance(image, nib.Nifti1Pair):
        raise UnreadableError(f"{path} is {type(image).__name__}, not NIfTI; convert it to NIfTI")
    gone = next((file for file in _files(image) if not file.exists()), None)
    if gone is not None:
        raise UnreadableError(
            f"{path} holds a header alone; put {gone.name}, the file with its voxels, beside it"
        )
    return image


def _files(image: Any) -> tuple[Path, ...]:
    """The image's file; header and voxels of a pair."""
    parts = (image.file_map.get(part) for part in ("header", "image"))
    return tuple(Path(part.filename) for part in parts if part is not None)


def _grid(image: Any, path: Path) -> tuple[tuple[int, int, int], int]:
    """Shape (z, y, x) and number of time points; refuses what is not a scalar image."""
    disk = [int(n) for n in image.shape]
    dtype = image.header.get_data_dtype()
    if dtype.fields is not None:
        raise InputError(f"{path} holds colours (RGB); medrestore restores scalar CT and MR scans")
    if dtype.kind == "c":
        raise InputError(f"{path} holds complex numbers; save the magnitude and read that")
    while len(disk) > 3 and disk[-1] == 1:
        disk.pop()
    if len(disk) > 4:
        raise InputError(
            f"{path} has {len(disk)} axes {tuple(disk)}; medrestore reads (x, y, z) or (x, y, z, t)"
        )
    check_shape(str(path), disk)
    disk += [1] * (3 - len(disk))
    voxels = Path(image.file_map["image"].filename)
    ratio = DEFLATE_BEST_RATIO if is_packed(voxels) else 1
    check_promise(str(voxels), prod(disk) * dtype.itemsize, voxels.stat().st_size, ratio)
    x, y, z = disk[:3]
    return (z, y, x), disk[3] if len(disk) == 4 else 1


def _geometry(
    header: Any, shape: tuple[int, int, int], path: Path
) -> tuple[Geometry, tuple[str, ...]]:
    """Geometry in RAS mm, and what is doubtful about it."""
    warnings = []
    scale = _unit_mm(header)
    try:
        affine = _scaled(header.get_best_affine(), scale)
    except nib.spatialimages.HeaderDataError as error:
        raise UnreadableError(
            f"{path} is damaged: its qform is no rotation ({error}); set a valid one"
        ) from error
    check_millimetres(str(path), affine[:3].ravel())
    known = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    if not known:
        warnings.append(
            "position and orientation are not given (sform and qform codes are 0): left and "
            "right cannot be told apart"
        )
    if int(header["sform_code"]) > 0 and int(header["qform_code"]) > 0:
        apart = _disagreement_mm(header, shape, scale)
        if apart > 0.1 * min(np.linalg.norm(affine[:3, :3], axis=0)):
            warnings.append(f"sform and qform disagree by up to {apart:.1f} mm; sform is used")
    affine, thin = _with_thickness(affine, shape)
    check_spacing(str(path), np.linalg.norm(affine[:3, :3], axis=0))
    if thin:
        warnings.append("the slice thickness is not given: 1 mm is assumed")
    return Geometry(shape, affine[:, [2, 1, 0, 3]], known), tuple(warnings)


def _disagreement_mm(header: Any, shape: tuple[int, int, int], scale: float) -> float:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape[::-1]])).reshape(3, -1)
    corners = np.vstack([corners, np.ones(corners.shape[1])])
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            apart = (header.get_sform() - header.get_qform()) @ corners
            farthest = float(np.linalg.norm(apart[:3], axis=0).max()) * scale
    except nib.spatialimages.HeaderDataError:  # a quaternion that is no rotation
        return float("inf")
    return farthest if np.isfinite(farthest) else float("inf")


def _with_thickness(
    affine: NDArray[np.float64], shape: tuple[int, int, int]
) -> tuple[NDArray[np.float64], bool]:
    """Complete a single slice's affine that has no third axis with its normal, 1 mm long."""
    if shape[0] != 1 or np.linalg.norm(affine[:3, 2]) > 1e-9:
        return affine, False
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    completed = affine.copy()
    completed[:3, 2] = normal / (np.linalg.norm(normal) or 1.0)
    return completed, True


def _unit_mm(header: Any) -> float:
    """Millimetres per spatial unit of the header; unknown units are taken as mm."""
    try:
        return UNITS_MM[header.get_xyzt_units()[0]]
    except KeyError:
        return 1.0


def _scaled(affine: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    scaled = np.array(affine, dtype=np.float64)
    scaled[:3] *= scale
    return scaled


def _disk_affine(geometry: Geometry) -> NDArray[np.float64]:
    """Affine for (x, y, z) indices."""
    return np.asarray(geometry.affine[:, [2, 1, 0, 3]])


def _describes(header: Any, volume: Volume) -> bool:
    """Whether a source header still fits the volume's grid."""
    affine, _ = _with_thickness(
        _scaled(header.get_best_affine(), _unit_mm(header)), volume.geometry.shape
    )
    x, y, z = ([int(n) for n in header.get_data_shape()] + [1, 1])[:3]
    grid = Geometry((z, y, x), affine[:, [2, 1, 0, 3]])
    return grid.same_grid(volume.geometry)


def _stored_shape(header: Any, data: NDArray[Any]) -> tuple[int, ...]:
    """The source's own number of axes (a trailing axis of 1, a lone slice) where it holds ``data``.

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
    affine = _disk_affine(geometry)
    image.header.set_xyzt_units("mm", "sec" if len(image.shape) == 4 else None)
    code = 1 if geometry.known else 0
    image.set_sform(affine, code)
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    sheared = np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4
    image.set_qform(affine, 0 if sheared else code)
