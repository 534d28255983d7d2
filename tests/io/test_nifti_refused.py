"""NIfTI files that cannot be used: one clear line each."""

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nifti_files import save

from medrestore import io
from medrestore.errors import InputError, UnreadableError


@pytest.mark.parametrize(
    ("dtype", "words"),
    [(np.complex64, "complex"), ([("R", "u1"), ("G", "u1"), ("B", "u1")], "colours")],
)
def test_colours_and_complex_numbers_are_refused(tmp_path: Path, dtype: Any, words: str) -> None:
    path = save(tmp_path / "scan.nii.gz", np.zeros((5, 4, 3), dtype))
    with pytest.raises(InputError, match=words) as caught:
        io.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_vectors_are_refused(tmp_path: Path) -> None:
    vectors = np.zeros((5, 4, 3, 1, 3), np.float32)
    path = save(tmp_path / "scan.nii", vectors, intent_code=1007)
    with pytest.raises(InputError, match="5 axes"):
        io.read(path)


def test_text_under_a_nifti_name(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii.gz"
    path.write_text("these are not voxels")
    with pytest.raises(UnreadableError, match="not a readable NIfTI") as caught:
        io.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_truncated_files(tmp_path: Path, suffix: str, kept: float) -> None:
    data = np.random.default_rng(0).normal(size=(30, 30, 30)).astype(np.float32)
    whole = save(tmp_path / f"whole{suffix}", data).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(UnreadableError, match=r"truncated|not a readable"):
        io.read(path)


def test_absurd_sizes_are_refused_before_allocation(tmp_path: Path) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((30000, 30000, 30000))
    header["magic"] = b"n+1\0"
    header["vox_offset"] = 352
    for name, data in (("a.nii", header.binaryblock), ("b.nii.gz", gzip.compress(b""))):
        path = tmp_path / name
        path.write_bytes(data if name == "a.nii" else gzip.compress(header.binaryblock + bytes(4)))
        with pytest.raises(UnreadableError, match="memory"):
            io.read(path)
    header.set_data_shape((300, 300, 300))  # fits in memory, not in this file
    path.write_bytes(gzip.compress(header.binaryblock + bytes(1000)))
    with pytest.raises(UnreadableError, match="truncated"):
        io.read(path)


def test_no_voxels(tmp_path: Path) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((5, 4, 3))
    header["dim"][3] = 0
    header["magic"], header["vox_offset"] = b"n+1\0", 352
    (tmp_path / "scan.nii").write_bytes(header.binaryblock + bytes(4))
    with pytest.raises(InputError, match="no voxels"):
        io.read(tmp_path / "scan.nii")
