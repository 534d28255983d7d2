"""NRRD and MetaImage through SimpleITK; ITK's LPS millimetres become RAS here."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK

from medrestore.errors import InputError, OutputError, UnreadableError, UnsuitableError
from medrestore.io.itk_header import check_packed, vet
from medrestore.io.limits import check_millimetres, check_shape, check_spacing
from medrestore.io.modality import is_label_map, settle_modality, unit_of
from medrestore.io.scan import Scan
from medrestore.volume import Geometry, Source, Volume

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["describe", "load", "save"]

sitk: Any = SimpleITK
"""Typed in parts, and those wrongly."""
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def describe(path: Path) -> Scan:
    """A file's scan from its header; raises what `load` raises for a bad header.

    Raises
    ------
    UnsuitableError
        If the file holds a label map.
    """
    header = _header(path)
    geometry, times, warnings = _geometry(header, path)
    if _is_label_map(header):
        raise UnsuitableError(f"{path} is a label map (few whole numbers in regions), no scan")
    return Scan(
        path=path,
        format="itk",
        modality=None,
        shape=geometry.shape,
        spacing_mm=geometry.spacing_mm,
        orientation=geometry.axis_codes,
        time_points=times,
        files=(path,),
        warnings=warnings,
        name=path.stem,
    )


def load(path: Path, modality: str | None = None) -> Volume:
    """Read a file of 2, 3 or 4 axes; time is the last of four on disk and the first here.

    Raises
    ------
    UnreadableError
        If the file is damaged, truncated, or promises more than fits in memory.
    InputError
        If it holds colours, vectors or complex numbers, or no voxels.
    """
    header = _header(path)
    geometry, times, warnings = _geometry(header, path)
    header.SetOutputPixelType(sitk.sitkFloat32)
    try:
        if header.GetImageIO() == "MetaImageIO":
            check_packed(path)
        array = sitk.GetArrayFromImage(header.Execute())
    except (RuntimeError, EOFError, zlib.error) as error:
        raise UnreadableError(
            f"{path} is truncated or damaged: its voxels cannot be read; copy it again"
        ) from error
    array = array.reshape((times, *geometry.shape))
    array = array[0] if times == 1 else array
    settled = settle_modality(array, requested=modality)
    source = Source("itk", path.stem, (path,))
    return Volume(array, geometry, settled, unit_of(settled), source, warnings)


def _is_label_map(header: Any) -> bool:
    """True if a segmentation's keys say so, or the voxels, where a byte holds one.

    Larger voxels are not looked at: ITK reads a whole file or nothing.
    """
    if any(key.startswith("Segment0_") for key in header.GetMetaDataKeys()):  # 3D Slicer's
        return True
    if header.GetPixelID() not in (sitk.sitkUInt8, sitk.sitkInt8):
        return False
    try:
        array = sitk.GetArrayFromImage(header.Execute())
    except RuntimeError:  # whoever needs the voxels says what is wrong
        return False
    return is_label_map(array[plane] for plane in np.ndindex(array.shape[:-2]))


def save(volume: Volume, path: Path) -> None:
    """Write float32 voxels and the exact affine to ``path``, which the caller has staged.

    Raises
    ------
    OutputError
        If the affine is sheared (a tilted gantry), which these formats cannot hold.
    """
    affine = volume.geometry.affine[:3, [2, 1, 0]]
    spacing = np.linalg.norm(affine, axis=0)
    direction = LPS_TO_RAS @ (affine / spacing)
    if np.abs(direction.T @ direction - np.eye(3)).max() > 1e-4:
        raise OutputError(
            f"{path.name}: the scan's slices are tilted against their stacking direction, which "
            "NRRD and MetaImage cannot hold; write NIfTI (.nii.gz) instead"
        )
    origin = LPS_TO_RAS @ volume.geometry.affine[:3, 3]
    times = volume.array if volume.is_4d else volume.array[None]
    images = [_image(array, spacing, direction, origin) for array in times]
    image = sitk.JoinSeries(images) if volume.is_4d else images[0]
    try:
        sitk.WriteImage(image, str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()  # lines before name sources of ITK
        raise OutputError(
            f"{path.name} cannot be written: {reason}; check the folder and the space left"
        ) from error
    if sum(file.stat().st_size for file in path.parent.iterdir()) < volume.array.nbytes:
        raise OutputError(f"{path.name} was not written whole; check the space left on the disk")


def _image(array: Any, spacing: Any, direction: Any, origin: Any) -> Any:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([float(s) for s in spacing])
    image.SetDirection([float(d) for d in direction.ravel()])
    image.SetOrigin([float(o) for o in origin])
    return image


def _header(path: Path) -> Any:
    reader = sitk.ImageFileReader()
    reader.SetImageIO(vet(path))
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise UnreadableError(
            f"{path} is not a readable NRRD or MetaImage file: it is damaged, truncated or "
            "something else under that name"
        ) from error
    return reader


def _geometry(reader: Any, path: Path) -> tuple[Geometry, int, tuple[str, ...]]:
    """Geometry in RAS mm, number of time points, and what is doubtful."""
    if reader.GetNumberOfComponents() > 1:
        raise InputError(
            f"{path} holds {reader.GetNumberOfComponents()} values per voxel (colours, vectors or "
            "a leading time axis); medrestore restores scalar CT and MR scans"
        )
    if "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()).lower():
        raise InputError(f"{path} holds complex numbers; save the magnitude and read that")
    axes = reader.GetDimension()
    if axes not in (2, 3, 4):
        raise InputError(f"{path} has {axes} axes; medrestore reads (x, y, z) or (x, y, z, t)")
    size = [int(n) for n in reader.GetSize()] + [1] * (3 - axes)
    check_shape(str(path), size)
    n = min(axes, 3)
    check_millimetres(str(path), (*reader.GetSpacing()[:n], *reader.GetOrigin()[:n]))
    check_millimetres(str(path), reader.GetDirection())
    check_spacing(str(path), reader.GetSpacing()[:n])
    affine = np.eye(4)
    spacing = np.array(reader.GetSpacing()[:n])
    affine[:n, :n] = np.array(reader.GetDirection()).reshape(axes, axes)[:n, :n] * spacing
    affine[:n, 3] = reader.GetOrigin()[:n]
    affine[:3] = LPS_TO_RAS @ affine[:3]
    known, warnings = _is_known(reader, path, axes)
    geometry = Geometry((size[2], size[1], size[0]), affine[:, [2, 1, 0, 3]], known)
    return geometry, size[3] if axes == 4 else 1, warnings


def _is_known(reader: Any, path: Path, axes: int) -> tuple[bool, tuple[str, ...]]:
    """NRRD may leave its space out, a picture has no patient axes; MetaImage states them."""
    nrrd = path.suffix.lower() in (".nrrd", ".nhdr")
    if axes == 2 or (nrrd and "NRRD_space" not in reader.GetMetaDataKeys()):
        reason = "a 2-D image" if axes == 2 else "no 'space' field"
        return False, (f"position and orientation are not given ({reason})",)
    return True, ()
