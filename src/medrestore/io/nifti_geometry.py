"""Where the voxels of a NIfTI file lie: sform, qform, units, and what is doubtful about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np

from medrestore.errors import UnreadableError
from medrestore.io.limits import check_millimetres, check_spacing
from medrestore.volume import Geometry

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["disk_affine", "geometry_of", "scaled", "unit_mm", "with_thickness"]

nib: Any = nibabel
"""Typed in parts only."""
UNITS_MM = {"unknown": 1.0, "mm": 1.0, "micron": 1e-3, "meter": 1e3}
SCALE_TOLERANCE = 0.01
"""Sizes of voxels that differ by less are rounded."""


def geometry_of(
    header: Any, shape: tuple[int, int, int], path: Path
) -> tuple[Geometry, tuple[str, ...]]:
    """Geometry in RAS mm, and what is doubtful about it."""
    warnings = []
    scale = unit_mm(header)
    try:
        affine = scaled(header.get_best_affine(), scale)
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
    if (scales := _scale_contradiction(header, affine, scale)) is not None:
        warnings.append(scales)
    elif int(header["sform_code"]) > 0 and int(header["qform_code"]) > 0:
        apart = _disagreement_mm(header, shape, scale)
        if apart > 0.1 * min(np.linalg.norm(affine[:3, :3], axis=0)):
            warnings.append(f"sform and qform disagree by up to {apart:.1f} mm; sform is used")
    affine, thin = with_thickness(affine, shape)
    check_spacing(str(path), np.linalg.norm(affine[:3, :3], axis=0))
    if thin:
        warnings.append("the slice thickness is not given: 1 mm is assumed")
    return Geometry(shape, affine[:, [2, 1, 0, 3]], known), tuple(warnings)


def _scale_contradiction(header: Any, affine: NDArray[np.float64], scale: float) -> str | None:
    """What to say where the sform's voxels are not of the size that pixdim gives."""
    if int(header["sform_code"]) <= 0:
        return None
    stated = np.abs(np.asarray(header["pixdim"][1:4], np.float64)) * scale
    used = np.linalg.norm(affine[:3, :3], axis=0)
    axes = np.asarray(header["dim"][1:4]) > 1
    given = axes & (stated > 0) & np.isfinite(stated) & (used > 0)
    if np.all(np.abs(used[given] - stated[given]) <= SCALE_TOLERANCE * used[given]):
        return None
    sizes = ("×".join(f"{size:.4g}" for size in one[given]) for one in (used, stated))
    return "the sform gives voxels of {} mm, pixdim says {} mm; the sform is used".format(*sizes)


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


def with_thickness(
    affine: NDArray[np.float64], shape: tuple[int, int, int]
) -> tuple[NDArray[np.float64], bool]:
    """Complete a single slice's affine that has no third axis with its normal, 1 mm long."""
    if shape[0] != 1 or np.linalg.norm(affine[:3, 2]) > 1e-9:
        return affine, False
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    completed = affine.copy()
    completed[:3, 2] = normal / (np.linalg.norm(normal) or 1.0)
    return completed, True


def unit_mm(header: Any) -> float:
    """Millimetres per spatial unit of the header; unknown units are taken as mm."""
    try:
        return UNITS_MM[header.get_xyzt_units()[0]]
    except KeyError:
        return 1.0


def scaled(affine: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """An affine in other units."""
    scaled = np.array(affine, dtype=np.float64)
    scaled[:3] *= scale
    return scaled


def disk_affine(geometry: Geometry) -> NDArray[np.float64]:
    """Affine for (x, y, z) indices."""
    return np.asarray(geometry.affine[:, [2, 1, 0, 3]])
