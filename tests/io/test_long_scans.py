"""Scans too long for memory are read and written a few slices at a time: the same values."""

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

import medrestore as mr
from medrestore import disk_arrays
from medrestore.errors import UnreadableError
from medrestore.io.nifti_voxels import ReleasingFile
from medrestore.volume import Geometry, Volume

nib = nibabel
SHAPE = (13, 10, 8)


@pytest.fixture
def few_slices(monkeypatch):
    """Turns on reading and writing three slices at a time."""
    return lambda: monkeypatch.setattr(disk_arrays, "IN_MEMORY_BYTES", 3 * 4 * SHAPE[1] * SHAPE[2])


def stored(path: Path, dtype: str, slope: float, inter: float, times: int = 1) -> Path:
    rng = np.random.default_rng(1)
    shape = SHAPE[::-1] + ((times,) if times > 1 else ())
    data = rng.integers(0, 3000, shape).astype(dtype)
    image = nib.Nifti1Image(data, np.diag([1.0, 1, 2, 1]))
    image.header.set_slope_inter(1, 0)
    nib.save(image, path)
    if (slope, inter) != (1, 0):  # as scanners write it: nibabel would rescale the data
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rb") as file:
            raw = bytearray(file.read())
        raw[112:120] = np.array([slope, inter], "<f4").tobytes()
        with opened(path, "wb") as file:
            file.write(bytes(raw))
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("dtype", "slope", "inter"),
    [
        ("<i2", 1, 0),
        ("<i2", 1.7, -1024.3),
        (">i2", 0.1, 0),
        ("<f4", 1, 0),
        ("<f8", 1, 0),
        ("u1", 3, 1),
    ],
)
def test_nifti_is_read_as_in_one_piece(tmp_path, few_slices, suffix, dtype, slope, inter) -> None:
    path = stored(tmp_path / f"scan{suffix}", dtype, slope, inter)
    whole = mr.read(path, "MR").array.copy()
    few_slices()
    parts = mr.read(path, "MR").array
    assert parts.dtype == np.float32
    np.testing.assert_array_equal(parts, whole)


def test_time_points_of_nifti(tmp_path, few_slices) -> None:
    path = stored(tmp_path / "scan.nii.gz", "<i2", 2, 5, times=4)
    whole = mr.read(path, "MR").array.copy()
    few_slices()
    np.testing.assert_array_equal(mr.read(path, "MR").array, whole)
    assert whole.shape == (4, *SHAPE)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_file_that_ends_too_early(tmp_path, few_slices, suffix) -> None:
    path = stored(tmp_path / f"scan{suffix}", "<i2", 2, 0)
    path.write_bytes(path.read_bytes()[:-300])
    few_slices()
    with pytest.raises(UnreadableError, match="truncated"):
        mr.read(path, "MR")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".zarr"])
@pytest.mark.parametrize("times", [(), (2,)])
def test_files_are_written_as_in_one_piece(tmp_path, few_slices, suffix, times) -> None:
    array = np.random.default_rng(2).normal(0, 50, (*times, *SHAPE)).astype(np.float32)
    geometry = Geometry(SHAPE, np.diag([2.0, 1, 1, 1]))
    mr.write(Volume(array, geometry, "MR"), tmp_path / f"whole{suffix}")
    few_slices()
    mapped = disk_arrays.zeros(array.shape)
    mapped[:] = array
    mr.write(Volume(mapped, geometry, "MR"), tmp_path / f"parts{suffix}")
    if suffix == ".nii":
        assert (tmp_path / "parts.nii").read_bytes() == (tmp_path / "whole.nii").read_bytes()
    np.testing.assert_array_equal(mr.read(tmp_path / f"parts{suffix}").array, array)


def test_memory_is_given_back_while_writing(few_slices, monkeypatch, tmp_path) -> None:
    few_slices()
    released: list[int] = []
    monkeypatch.setattr(disk_arrays, "release", lambda *arrays: released.append(len(arrays)))
    plane = bytes(4 * SHAPE[1] * SHAPE[2])
    with (tmp_path / "file").open("wb") as inner:
        file = ReleasingFile(inner, np.zeros(1))
        for _ in range(13):
            file.write(plane)
        assert file.tell() == 13 * len(plane)
    assert len(released) == 3
