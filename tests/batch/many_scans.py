"""Archives of generated scans, some of them broken in every way that archives are; no patients."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from PIL import Image

from scans import AFFINE, ct_array, mr_array, write_ct, write_nifti

SHAPE = (3, 40, 48)


def write_archive(root: Path, scans: int, broken: int) -> list[str]:
    """Write ``scans`` CT scans, ``broken`` of them broken; names of those, under ``root``.

    One whole scan in 20 is a DICOM series and one an NRRD file; the others are NIfTI.
    """
    for number in range(scans - broken):
        array = ct_array(SHAPE, noise=15.0) + number % 7  # tells neighbours apart
        folder = root / f"site{number % 3}" / f"week{number % 11:02d}"
        if number % 20 == 7:
            write_ct(folder / f"series{number:03d}", array)
        elif number % 20 == 13:
            _nrrd(folder / f"scan{number:03d}.nrrd", array)
        else:
            write_nifti(folder / f"scan{number:03d}.nii.gz", array)
    names = []
    for number, (name, write) in enumerate(list(BREAKS.items())[:broken]):
        place = root / f"site{number % 3}" / "week05" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        write(place)
        names.append(place.relative_to(root).as_posix())
    return names


def _nrrd(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(array.astype(np.float32)), str(path))


def _truncated(path: Path) -> None:
    whole = write_nifti(path, ct_array(SHAPE)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _nan(path: Path) -> None:
    write_nifti(path, np.full(SHAPE, np.nan))


def _wrong_suffix(path: Path) -> None:
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(path, format="PNG")


def _screenshot(path: Path) -> None:
    """A 2-D picture in colours."""
    colours = np.zeros((48, 40, 1), dtype=[(name, np.uint8) for name in "RGB"])
    nib.save(nib.Nifti1Image(colours, AFFINE), path)


def _huge(path: Path) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((32000, 32000, 32000))
    header.set_data_dtype(np.float32)
    header["magic"], header["vox_offset"] = b"n+1", 352
    path.write_bytes(gzip.compress(header.binaryblock + bytes(4096)))


def _locked(path: Path) -> None:
    """A file that nobody may read; for root, who may read all, a link that leads nowhere."""
    if os.geteuid():
        write_nifti(path, ct_array(SHAPE)).chmod(0)
    else:
        path.symlink_to("moved away")


BREAKS: dict[str, Callable[[Path], object]] = {
    "cut.nii.gz": _truncated,
    "gap": lambda path: write_ct(path, ct_array((5, *SHAPE[1:])), skip=(2,)),
    "nan.nii.gz": _nan,
    "unknown.nii.gz": lambda path: write_nifti(path, mr_array(SHAPE)),  # CT or MR?
    "empty.nii.gz": lambda path: path.write_bytes(b""),
    "text.nii": lambda path: path.write_text("to be scanned again"),
    "picture.nii.gz": _wrong_suffix,
    "screenshot.nii.gz": _screenshot,
    "huge.nii.gz": _huge,
    "locked.nii": _locked,
}
