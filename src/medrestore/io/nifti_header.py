"""NIfTI headers: vetted before nibabel, which believes them, opened, and turned into a grid.

Files are opened by what they hold, whatever their name says of packing.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import nibabel
import numpy as np

from medrestore.errors import UnreadableError
from medrestore.io.limits import DEFLATE_BEST_RATIO, check_millimetres, check_spacing
from medrestore.io.packed import MAGIC as MAGIC_OF_GZIP
from medrestore.io.packed import is_packed, opened
from medrestore.volume import Geometry

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

__all__ = [
    "Stored",
    "disk_affine",
    "geometry_of",
    "open_stored",
    "scaled",
    "unit_mm",
    "with_thickness",
]

nib: Any = nibabel
"""Typed in parts only."""
LARGEST_OFFSET = 64 * 2**20
"""Bytes before the voxels of a gzipped file: extensions of this size are none."""
LAYOUTS = {348: ("h", 40, "f", 108, 344), 540: ("q", 16, "q", 168, 4)}
"""By sizeof_hdr: type and offset of dim[0], then of vox_offset; offset of magic."""
MAGIC = {348: (b"n+1", b"ni1"), 540: (b"n+2", b"ni2")}


def _vet(path: Path) -> tuple[int, bool]:
    """Refuse offsets and extensions that lie beyond the file.

    Returns
    -------
    size : int
        Bytes of the header: 348 (NIfTI-1) or 540.
    single : bool
        True if the voxels follow in the same file.

    Raises
    ------
    UnreadableError
        If ``vox_offset`` is no place in the file, an extension longer than what is before it, or
        the file packed twice.
    EOFError, OSError, ValueError, zlib.error
        If the header cannot be read, or is none of NIfTI's.
    """
    size = path.stat().st_size
    with opened(path) as file:
        head = file.read(4)
        if head[:2] == MAGIC_OF_GZIP and is_packed(path):
            raise UnreadableError(f"{path} is packed with gzip twice; unpack it once (gunzip)")
        order = next((o for o in "<>" if len(head) == 4 and _size(o, head) in LAYOUTS), None)
        if order is None:
            raise ValueError("sizeof_hdr is neither 348 nor 540")
        size_of_header = _size(order, head)
        dim, axes_at, kind, at, magic_at = LAYOUTS[size_of_header]
        head += file.read(size_of_header + 4 - len(head))
        if len(head) < size_of_header:
            raise EOFError("the header is cut off")
        if head[magic_at : magic_at + 3] not in MAGIC[size_of_header]:
            raise ValueError("magic and sizeof_hdr are not of the same version")
        (axes,) = struct.unpack_from(order + dim, head, axes_at)
        if not 0 <= axes <= 7:  # nibabel would take the header for one of the other byte order
            raise ValueError(f"the header has {axes} axes")
        (offset,) = struct.unpack_from(order + kind, head, at)
        single = head[magic_at : magic_at + 2] == b"n+"
        room = min(size * DEFLATE_BEST_RATIO, LARGEST_OFFSET) if is_packed(path) else size
        room = room if single else LARGEST_OFFSET  # voxels in a file of their own
        if not math.isfinite(offset) or not 0 <= offset <= max(room, len(head) + 4):
            raise UnreadableError(
                f"{path} is damaged or truncated: its header says that its voxels start at byte "
                f"{offset:.6g}, the file has {size} bytes; copy it again"
            )
        if head[size_of_header:][:1] not in (b"", b"\0"):  # extensions are announced
            if single and offset < len(head):  # nibabel would look for them in the voxels
                raise ValueError("extensions, but voxels from the header's end on")
            _vet_extensions(path, file, order, len(head), int(offset) if single else size)
        return size_of_header, single


def _size(order: str, head: bytes) -> int:
    return int(struct.unpack_from(f"{order}i", head)[0])


def _vet_extensions(path: Path, file: BinaryIO, order: str, at: int, end: int) -> None:
    while at + 16 <= end and len(head := file.read(8)) == 8:
        size = _size(order, head)
        if not 8 < size <= end - at:
            raise UnreadableError(
                f"{path} is damaged: its header extension at byte {at} claims {size} bytes of the "
                f"{end - at} before its voxels; copy it again, or convert it without extensions"
            )
        file.seek(at + size)
        at += size


HEADERS = {
    (348, True): nib.Nifti1Image.header_class,
    (348, False): nib.Nifti1Pair.header_class,
    (540, True): nib.Nifti2Image.header_class,
    (540, False): nib.Nifti2Pair.header_class,
}
"""By sizeof_hdr and whether the voxels follow in the same file."""


class Stored(NamedTuple):
    """A header as it is on disk, and its file, or those of header and voxels."""

    header: Any
    files: tuple[Path, ...]

    @property
    def voxels(self) -> Path:
        """The file with the voxels."""
        return self.files[-1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored numbers."""
        stored: np.dtype[Any] = self.header.get_data_dtype()
        return stored

    @property
    def offset(self) -> int:
        """Offset of the voxels, bytes."""
        return int(self.header.get_data_offset())

    @property
    def scaling(self) -> tuple[float, float]:
        """Slope and intercept."""
        slope, intercept = self.header.get_slope_inter()
        return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept


def open_stored(path: Path) -> Stored:
    """Read a header; raises as `_vet`, HeaderDataError, or UnreadableError without voxels."""
    size, single = _vet(path)
    with opened(path) as file:
        header = HEADERS[size, single].from_fileobj(file)
    if single:
        return Stored(header, (path,))
    name = path.name
    for suffix in (".gz", ".nii", ".hdr"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    beside = [path.with_name(name + suffix) for suffix in (".img", ".IMG", ".img.gz")]
    voxels = next((file for file in beside if file.is_file()), None)
    if voxels is None:
        raise UnreadableError(
            f"{path} holds a header alone; put {beside[0].name}, the file with its voxels, beside "
            "it"
        )
    return Stored(header, (path, voxels))


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
    """Warning where the sform's voxels are not of the size that pixdim gives."""
    if int(header["sform_code"]) <= 0:
        return None
    stated = np.abs(np.asarray(header["pixdim"][1:4], np.float64)) * scale
    used = np.linalg.norm(affine[:3, :3], axis=0)
    axes = np.asarray(header["dim"][1:4]) > 1
    given = axes & (stated > 0) & np.isfinite(stated) & (used > 0)
    if np.all(np.abs(used[given] - stated[given]) <= SCALE_TOLERANCE * used[given]):
        return None
    texts = ("×".join(f"{size:.4g}" for size in sizes[given]) for sizes in (used, stated))
    return "the sform gives voxels of {} mm, pixdim says {} mm; the sform is used".format(*texts)


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
