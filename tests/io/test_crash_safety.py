"""Whatever ends a write: the source is as it was, no half result has a result's name."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medrestore import io
from medrestore.errors import OutputError
from medrestore.io.staging import temporary_folder
from medrestore.volume import Geometry, Volume

HERE = Path(__file__).parent
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")


def volume(value: float = 1.0, side: int = 8) -> Volume:
    array = np.random.default_rng(0).normal(value, 1, (side,) * 3)
    return Volume(array, Geometry((side,) * 3, np.eye(4)), "MR")


def run(folder: Path, mode: str, kind: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(HERE / "killed_writes.py"), str(folder), mode, kind],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@posix
@pytest.mark.parametrize("kind", ["nifti", "nrrd", "mhd", "dicom"])
def test_killed_at_any_point(tmp_path: Path, kind: str) -> None:
    facts = run(tmp_path, "kill", kind)
    killed = [fact for fact in facts if fact["signal"]]
    assert len(killed) >= 10  # in the voxels, at every file made, synced and moved
    for fact in facts:
        whole = {"old", "nothing", "new"} if fact["existing"] else {"nothing", "new"}
        assert fact["state"] in whole, fact
        assert fact["listed"] == (fact["state"] != "nothing"), fact
        assert fact["source"], fact
        assert fact["after"] == "new", fact
        assert fact["left"] == [], fact
    assert {fact["state"] for fact in facts} >= {"old", "new", "nothing"}


@posix
@pytest.mark.parametrize("kind", ["nifti", "nrrd", "mhd", "dicom"])
def test_no_room_is_said_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    """A limit of file sizes, which a disk's end resembles and every machine has."""
    for fact in run(tmp_path, "full", kind):
        if "error" in fact:
            assert "space left" in fact["error"], fact
            assert "\n" not in fact["error"]
        else:
            assert fact["same"], fact
            assert fact["state"] in ("old", "nothing"), fact


@posix
@pytest.mark.parametrize("kind", ["nifti", "mhd", "dicom"])
def test_read_only_folders(tmp_path: Path, kind: str) -> None:
    for fact in run(tmp_path, "readonly", kind):
        if "error" in fact:
            assert "cannot be written: Permission denied" in fact["error"], fact
        else:
            assert fact["same"], fact


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mount command")
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.nii", "scan.nrrd", "scan.mha", "scan.mhd"])
def test_a_full_disk(tiny_disk: Path, name: str) -> None:
    path = io.write(volume(1.0, 8), tiny_disk / name)
    before = sorted(tiny_disk.iterdir())
    with pytest.raises(OutputError, match="space left"):
        io.write(volume(2.0, 40), path, overwrite=True)
    assert sorted(tiny_disk.iterdir()) == before
    np.testing.assert_array_equal(io.read(path).array, volume(1.0, 8).array)


@posix
def test_a_folder_in_use_is_not_swept(tmp_path: Path) -> None:
    with temporary_folder(tmp_path) as busy:
        (busy / "half").write_text("")
        os.utime(busy, (0, 0))
        io.write(volume(), tmp_path / "scan.nii")
        assert (busy / "half").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii"]


def test_a_young_folder_is_not_swept(tmp_path: Path) -> None:
    young = tmp_path / ".medrestore-young"
    young.mkdir()
    io.write(volume(), tmp_path / "scan.nii")
    assert young.exists()
    assert len(io.find(tmp_path)) == 1


@posix
def test_what_was_moved_aside_comes_back(tmp_path: Path) -> None:
    """Killed between moving a folder away and moving its successor in."""
    kept = tmp_path / ".medrestore-dead" / "old" / "series"
    kept.mkdir(parents=True)
    (kept / "00001.dcm").write_text("the former result")
    os.utime(tmp_path / ".medrestore-dead", (0, 0))
    io.write(volume(), tmp_path / "other.nii")
    assert (tmp_path / "series" / "00001.dcm").read_text() == "the former result"
    assert not (tmp_path / ".medrestore-dead").exists()


def test_the_data_file_of_another_header_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "scan.raw").write_text("somebody's voxels")
    with pytest.raises(OutputError, match=r"scan\.raw exists already"):
        io.write(volume(), tmp_path / "scan.mhd")
    assert [path.name for path in tmp_path.iterdir()] == ["scan.raw"]
    assert (tmp_path / "scan.raw").read_text() == "somebody's voxels"


def test_folders_made_for_a_failed_write_go_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        io.write(volume(), tmp_path / "a" / "b" / "scan.nii.gz")
    assert list(tmp_path.iterdir()) == []
