"""Arrays in files: they behave as in memory, leave nothing behind and fail with a sentence."""

import gc
import os

import numpy as np
import pytest

from medrestore import disk_arrays
from medrestore.disk_arrays import PageReleaser, release, zeros
from medrestore.errors import ResourceError


@pytest.fixture
def in_files(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(disk_arrays, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setenv(disk_arrays.FOLDER, str(tmp_path))


def test_small_arrays_are_memory(in_files) -> None:
    small, large = zeros((250,)), zeros((251,))
    assert disk_arrays._shared_pages(small) is None
    assert disk_arrays._shared_pages(large) is not None
    assert small.dtype == large.dtype == np.float32
    assert not small.any() and not large.any()


def test_values_outlive_a_release(in_files) -> None:
    array = zeros((3, 64, 64))
    array[1] = np.arange(64)
    view = array[1, 2:]
    release(array, None, np.ones(3))
    release(view)
    assert array[1, 5].tolist() == list(range(64))
    assert np.array_equal(view, array[1, 2:])


def test_private_pages_are_never_given_back(in_files, tmp_path) -> None:
    """A caller may have changed them, and no file holds the change."""
    path = tmp_path / "values"
    np.zeros(5000, np.float32).tofile(path)
    private = np.memmap(path, np.float32, "c")
    private[7] = 5
    release(np.asarray(private)[3:])
    assert private[7] == 5


def test_files_have_no_name_and_go_away(in_files, tmp_path) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    array = zeros((100, 100))
    assert not list(tmp_path.iterdir()) or os.name == "nt"
    del array
    gc.collect()
    assert not list(tmp_path.iterdir())
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_gone_through_is_given_back_now_and_then(in_files, monkeypatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(disk_arrays, "release", lambda *arrays: given.append(len(arrays)))
    held = PageReleaser(np.zeros(3), None)
    assert held.zeros((300,)).shape == (300,)
    for _ in range(3 * disk_arrays.PLANES_IN_MEMORY + 1):
        held.tick()
    assert given == [2, 2, 2]


def test_a_full_disk_is_said_before_anything_is_computed(in_files, monkeypatch) -> None:
    def full(file: object, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk_arrays, "_claim", full)
    with pytest.raises(ResourceError, match=r"0\.4 GB cannot be had .*No space left.*SCRATCH"):
        zeros((100, 1000, 1000))


def test_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(disk_arrays.FOLDER, str(tmp_path / "gone"))
    monkeypatch.setattr(disk_arrays, "IN_MEMORY_BYTES", 0)
    with pytest.raises(ResourceError, match=r"what MEDRESTORE_SCRATCH names \(No such file"):
        zeros((10,))


def test_space_is_claimed_where_the_system_cannot(in_files, monkeypatch) -> None:
    """As on macOS and Windows: by writing, so that the file has no holes."""
    monkeypatch.delattr("os.posix_fallocate", raising=False)
    monkeypatch.setattr(disk_arrays, "IN_MEMORY_BYTES", 2**22)
    array = zeros((3, 700, 701))
    assert disk_arrays._shared_pages(array) is not None and not array.any()
    array[2] = 1
    assert array.sum() == 700 * 701


def test_where_the_files_lie(monkeypatch, tmp_path) -> None:
    for name in (disk_arrays.FOLDER, "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    usual = disk_arrays.folder()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert disk_arrays.folder() == tmp_path
    monkeypatch.setenv(disk_arrays.FOLDER, str(tmp_path / "own"))
    assert disk_arrays.folder() == tmp_path / "own"
    assert usual.is_dir()
