"""What a search opens: regular files, through links too, each folder once; nothing that waits."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.batch.gather import gather
from medrestore.errors import UnreadableError
from scans import ct_array, write_ct, write_nifti

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def names(scans: mr.io.Scans, root: Path) -> list[str]:
    return [scan.path.relative_to(root).as_posix() for scan in scans]


def reasons(scans: mr.io.Scans) -> dict[str, str]:
    return {path.name: reason for path, reason in scans.skipped}


def test_pipes_sockets_and_devices_are_passed_over(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz", ct_array())
    os.mkfifo(tmp_path / "pipe.nii.gz")
    (tmp_path / "null.dcm").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(tmp_path)  # names of sockets are short
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
        scans = mr.find(tmp_path)  # waits for ever if a pipe is opened
    assert names(scans, tmp_path) == ["a.nii.gz"]
    assert reasons(scans) == {
        "null.dcm": "a device, not a file",
        "pipe.nii.gz": "a named pipe, not a file",
        "socket": "a socket, not a file",
    }
    gathered = gather(scans, tmp_path)
    assert not gathered.damaged and len(gathered.skipped) == 3


def test_a_pipe_asked_for_alone_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    with pytest.raises(UnreadableError, match=r"pipe\.nii is a named pipe, not a file"):
        mr.read(tmp_path / "pipe.nii")
    assert "a named pipe" in reasons(mr.find(tmp_path / "pipe.nii"))["pipe.nii"]


def test_linked_folders_and_files_are_followed(tmp_path: Path) -> None:
    write_ct(tmp_path / "store" / "p1", ct_array())
    write_nifti(tmp_path / "store" / "p2.nii", ct_array())
    subset = tmp_path / "subset"
    subset.mkdir()
    (subset / "p1").symlink_to("../store/p1")
    (subset / "p2.nii").symlink_to(tmp_path / "store" / "p2.nii")
    (subset / "gone.nii.gz").symlink_to("nowhere.nii.gz")
    (subset / "loop").symlink_to(".")
    (subset / "up").symlink_to("..")
    scans = mr.find(subset)
    assert names(scans, subset) == ["p1", "p2.nii"]
    np.testing.assert_array_equal(mr.read(scans[0]).array, ct_array())
    assert reasons(scans) == {
        "gone.nii.gz": "a link to something that is not there",
        "loop": "a link to a folder that it lies in; not followed",
        "up": "a link to a folder that it lies in; not followed",
    }
    assert list(gather(scans, subset).damaged) == [
        "gone.nii.gz"
    ]  # a scan that is lost, by its name


def test_a_folder_is_searched_once_under_its_own_name(tmp_path: Path) -> None:
    write_nifti(tmp_path / "real" / "a.nii", ct_array())
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "real" / "back").symlink_to("../real")
    scans = mr.find(tmp_path)
    assert names(scans, tmp_path) == ["real/a.nii"]
    assert set(reasons(scans)) == {"alias", "back"}


def test_links_between_two_folders_end(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        write_nifti(tmp_path / "out" / one / f"{one}.nii", ct_array())
        (tmp_path / "out" / one / "other").symlink_to(f"../{other}")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "first").symlink_to("../out/a")
    scans = mr.find(tmp_path / "in")
    assert [scan.name for scan in scans] == ["a", "b"]


def test_results_are_not_taken_through_a_link(tmp_path: Path) -> None:
    write_nifti(tmp_path / "in" / "a.nii", ct_array())
    write_nifti(tmp_path / "out" / "old.nii", ct_array())
    (tmp_path / "in" / "earlier").symlink_to("../out")
    gathered = gather(mr.find(tmp_path / "in"), tmp_path / "in", tmp_path / "out")
    assert [scan.name for scan in gathered.scans] == ["a"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may open every folder")
def test_a_folder_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    assert "cannot be opened" in reasons(mr.find(tmp_path))["locked"]
