"""Packed files: what they hold decides, not their names, and their checksums are believed."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import medrestore as mr
from medrestore import disk_arrays
from medrestore.errors import UnreadableError
from medrestore.io.packed import Unpacked

SHAPE = (12, 20, 16)
ARRAY = np.random.default_rng(0).integers(0, 900, SHAPE).astype(np.int16)
RAW = nib.Nifti1Image(ARRAY.T, np.diag([2.0, 2, 3, 1])).to_bytes()
HALF = len(RAW) // 2


@pytest.fixture(params=["at once", "a few slices at a time"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Reads an MR scan, in one piece and as a long scan is read."""
    if request.param != "at once":
        monkeypatch.setattr(disk_arrays, "IN_MEMORY_BYTES", 3 * 4 * SHAPE[1] * SHAPE[2])
    return lambda path: mr.read(path, "MR")


def flipped(data: bytes, at: int, bit: int = 0x40) -> bytes:
    changed = bytearray(data)
    changed[at] ^= bit
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("good.nii.gz", gzip.compress(RAW)),
        ("plain.nii.gz", RAW),
        ("packed.nii", gzip.compress(RAW)),
        ("members.nii.gz", gzip.compress(RAW[:HALF]) + gzip.compress(RAW[HALF:])),
        ("empty_member.nii.gz", gzip.compress(RAW) + gzip.compress(b"")),
        ("zeros.nii.gz", gzip.compress(RAW) + bytes(512)),
        ("zeros_between.nii.gz", gzip.compress(RAW[:HALF]) + bytes(9) + gzip.compress(RAW[HALF:])),
    ],
)
def test_what_a_file_holds_is_read(read: Callable, tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    volume = read(tmp_path / name)
    np.testing.assert_array_equal(volume.array, ARRAY)
    assert volume.warnings == ()
    (scan,) = mr.find(tmp_path)
    assert (scan.shape, scan.spacing_mm) == (SHAPE, (3.0, 2.0, 2.0))
    assert mr.write(volume, tmp_path / "again.nii").stat().st_size > 4 * ARRAY.size


@pytest.mark.parametrize(
    "data",
    [
        flipped(gzip.compress(RAW, 0), HALF),  # stored blocks: one voxel, and nothing else, changes
        flipped(gzip.compress(RAW), -8, 1),
        flipped(gzip.compress(RAW), -1, 1),
        gzip.compress(RAW)[:-8],
        gzip.compress(RAW)[:-1],
        gzip.compress(RAW[:HALF]) + flipped(gzip.compress(RAW[HALF:]), -8, 1),
    ],
    ids=["a voxel", "checksum", "length", "no trailer", "half a trailer", "second member"],
)
def test_a_damaged_packed_scan_is_refused(read: Callable, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(data)
    with pytest.raises(UnreadableError, match=r"scan\.nii\.gz is truncated or damaged"):
        read(tmp_path / "scan.nii.gz")


def test_junk_behind_the_scan_is_reported(read: Callable, tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(RAW) + b"junkjunk")
    volume = read(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(volume.array, ARRAY)
    assert len(volume.warnings) == 1 and "not gzip" in volume.warnings[0]


def test_a_file_that_is_packed_twice_says_so(tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(gzip.compress(RAW)))
    with pytest.raises(UnreadableError, match="packed with gzip twice; unpack it once"):
        mr.read(tmp_path / "scan.nii.gz")
    ((_, reason),) = mr.find(tmp_path).skipped
    assert "packed with gzip twice" in reason


def test_a_pair_may_be_packed_by_halves(tmp_path: Path) -> None:
    nib.Nifti1Pair(ARRAY.T, np.eye(4)).to_filename(tmp_path / "pair.img")
    packed = gzip.compress((tmp_path / "pair.img").read_bytes())
    (tmp_path / "pair.img").write_bytes(packed)
    np.testing.assert_array_equal(mr.read(tmp_path / "pair.hdr", "MR").array, ARRAY)
    (tmp_path / "pair.img").write_bytes(flipped(packed, -8, 1))
    with pytest.raises(UnreadableError, match="damaged"):
        mr.read(tmp_path / "pair.hdr", "MR")


def test_each_voxel_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(RAW))
    unpacked = []
    readinto = Unpacked.readinto

    def counted(self: Unpacked, buffer: memoryview) -> int:
        unpacked.append(readinto(self, buffer))
        return unpacked[-1]

    monkeypatch.setattr(Unpacked, "readinto", counted)
    mr.read(tmp_path / "scan.nii.gz", "MR")
    assert sum(unpacked) == len(RAW)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd"])
def test_damage_in_other_packed_formats_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(path), True)
    np.testing.assert_array_equal(mr.read(path, "MR").array, ARRAY)
    voxels = tmp_path / "scan.zraw" if suffix == ".mhd" else path
    at = -8 if suffix == ".nrrd" else -1  # gzip's checksum, then a length; zlib's checksum
    voxels.write_bytes(flipped(voxels.read_bytes(), at, 1))
    with pytest.raises(UnreadableError, match="truncated or damaged"):
        mr.read(path, "MR")


def test_unpacked_tells_a_cut_from_an_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(b"abc" * 1000))
    with Unpacked(path) as file:
        assert file.read() == b"abc" * 1000 and not file.junk
    path.write_bytes(path.read_bytes()[:-9])
    with Unpacked(path) as file, pytest.raises(EOFError):
        file.read()
    path.write_bytes(flipped(gzip.compress(b"abc" * 1000), -8, 1))
    with Unpacked(path) as file, pytest.raises(zlib.error):
        file.read()
