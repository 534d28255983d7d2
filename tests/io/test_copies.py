"""One SOP Instance UID on several files: copies are the same place and voxels, all else is kept."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import RLELossless, generate_uid

from medrestore import io
from medrestore.errors import InputError, UnreadableError
from medrestore.volume import Volume

New = Callable[..., Any]
UID = "1.2.826.0.1.3680043.8.498.1"


@pytest.fixture
def scan(series: New, stored: NDArray) -> Any:
    made = series("MR")
    made.planes(stored, (0, 0, 2.0))
    return made


def both_ways(folder: Path) -> tuple[Volume, Volume]:
    """The scan of a folder, read from the folder and from what `find` says of it."""
    (found,) = io.find(folder)
    one, other = io.read(folder), io.read(found)
    assert one.warnings == other.warnings == found.warnings
    return one, other


def test_slices_of_one_uid_are_all_read(series: New, stored: NDArray) -> None:
    scan = series("MR", SOPInstanceUID=UID)
    scan.planes(stored, (0, 0, 2.0))
    for volume in both_ways(scan.folder):
        np.testing.assert_array_equal(volume.array, stored)
        assert volume.warnings == ()
    assert io.find(scan.folder).skipped == []


def test_the_last_two_slices_of_one_uid_are_both_read(series: New, stored: NDArray) -> None:
    scan = series("MR")
    for k, values in enumerate(stored):
        scan.plane(values, (0, 0, 2.0 * k), **({"SOPInstanceUID": UID} if k > 2 else {}))
    np.testing.assert_array_equal(io.read(scan.folder).array, stored)


def test_time_points_of_one_uid_are_all_read(series: New, stored: NDArray) -> None:
    scan = series("MR", SOPInstanceUID=UID)
    for t in range(3):
        scan.planes(stored + 100 * t, (0, 0, 2.0), TemporalPositionIdentifier=t + 1)
    np.testing.assert_array_equal(
        io.read(scan.folder).array, np.stack([stored + 100 * t for t in range(3)])
    )


def test_repeats_that_only_numbers_tell_apart_are_all_read(series: New, stored: NDArray) -> None:
    scan = series("MR", SOPInstanceUID=UID)
    for t in range(2):
        scan.planes(stored + 100 * t, (0, 0, 2.0))
    np.testing.assert_array_equal(io.read(scan.folder).array, [stored, stored + 100])


def test_what_is_left_out_stands_in_the_warnings(scan: Any, stored: NDArray) -> None:
    shutil.copy(scan.folder / "IM0002.dcm", scan.folder / "z_copy.dcm")
    for volume in both_ways(scan.folder):
        np.testing.assert_array_equal(volume.array, stored)
        (warning,) = volume.warnings
        assert "z_copy.dcm left out: the same image, place and voxels" in warning
    ((path, reason),) = io.find(scan.folder).skipped
    assert (path.name, reason) == ("z_copy.dcm", "the same image as IM0002.dcm")


def test_many_copies_are_counted_and_uids_in_their_names_masked(scan: Any) -> None:
    for k in range(1, 6):
        shutil.copy(scan.folder / f"IM000{k}.dcm", scan.folder / f"z1.2.840.113619.2.55.{k}.dcm")
    (warning,) = io.read(scan.folder).warnings
    assert "and 2 more left out" in warning
    assert "113619" not in warning


def test_a_copy_packed_another_way_is_a_copy(scan: Any, stored: NDArray) -> None:
    image = pydicom.dcmread(scan.folder / "IM0003.dcm")
    image.compress(RLELossless, generate_instance_uid=False)
    image.save_as(scan.folder / "z_packed.dcm")
    np.testing.assert_array_equal(io.read(scan.folder).array, stored)
    assert "z_packed.dcm left out" in io.read(scan.folder).warnings[0]


def test_other_voxels_under_the_same_numbers_are_refused(scan: Any, stored: NDArray) -> None:
    image = pydicom.dcmread(scan.folder / "IM0005.dcm")
    image.PixelData = (stored[4] + 1).astype("<i2").tobytes()
    image.save_as(scan.folder / "z_other.dcm")
    with pytest.raises(InputError) as caught:
        io.read(scan.folder)
    message = str(caught.value)
    assert "IM0005.dcm and z_other.dcm have the same SOP Instance UID (0008,0018)" in message
    assert "other voxels" in message


def test_the_same_stored_values_on_another_scale_are_no_copy(scan: Any) -> None:
    image = pydicom.dcmread(scan.folder / "IM0005.dcm")
    image.RescaleSlope, image.RescaleIntercept = 2, 0
    image.save_as(scan.folder / "z_other.dcm")
    with pytest.raises(InputError, match="other voxels"):
        io.read(scan.folder)


def test_a_damaged_copy_is_not_taken_for_one(scan: Any) -> None:
    whole = (scan.folder / "IM0005.dcm").read_bytes()
    (scan.folder / "z_cut.dcm").write_bytes(whole[:-8] + b"\1" * 8)
    with pytest.raises(InputError, match="other voxels"):
        io.read(scan.folder)


def test_a_copy_in_another_folder(scan: Any, stored: NDArray, tmp_path: Path) -> None:
    shutil.copytree(scan.folder, tmp_path / "z_again")
    volume, _ = both_ways(tmp_path)
    np.testing.assert_array_equal(volume.array, stored)
    assert len(io.find(tmp_path).skipped) == 5


def test_multiframe_files(tmp_path: Path, write_enhanced: Any, stored: NDArray) -> None:
    planes = [{"position": (1.0, 2.0, 2.5 * k)} for k in range(5)]
    path = write_enhanced(tmp_path / "a.dcm", planes, stored)
    shutil.copy(path, tmp_path / "b.dcm")
    np.testing.assert_array_equal(io.read(tmp_path).array, stored)
    image = pydicom.dcmread(path)
    image.PixelData = (stored + 1).astype("<i2").tobytes()
    image.save_as(tmp_path / "b.dcm")
    with pytest.raises(InputError, match=r"a\.dcm and b\.dcm|b\.dcm and a\.dcm"):
        io.read(tmp_path)


def test_results_of_slices_of_one_uid(series: New, stored: NDArray, tmp_path: Path) -> None:
    scan = series("CT", SOPInstanceUID=UID, RescaleSlope=1, RescaleIntercept=-1024)
    scan.planes(stored, (0, 0, 2.0))
    volume = io.read(scan.folder)
    again = io.read(io.write_series(volume, tmp_path / "out", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)
    assert io.write_map(volume, tmp_path / "map", description="std").is_dir()


@pytest.mark.parametrize("k", [1, 5])
def test_a_truncated_file_of_a_series_stands_in_the_warnings(series: New, k: int) -> None:
    """At an end of the stack no gap gives it away."""
    stored = np.random.default_rng(0).integers(0, 4000, (5, 64, 64)).astype(np.int16)
    scan = series("MR")
    scan.planes(stored, (0, 0, 2.0))
    path = scan.folder / f"IM000{k}.dcm"
    path.write_bytes(path.read_bytes()[:-4096])
    for volume in both_ways(scan.folder):
        np.testing.assert_array_equal(volume.array, np.delete(stored, k - 1, axis=0))
        (warning,) = volume.warnings
        assert f"{path.name} left out: of the same series, and damaged" in warning
    ((skipped, reason),) = io.find(scan.folder).skipped
    assert skipped == path and reason.startswith("is truncated")
    with pytest.raises(UnreadableError, match=path.name):
        io.read(path)


def test_an_export_with_new_uids_is_a_copy(scan: Any, stored: NDArray) -> None:
    for path in sorted(scan.folder.iterdir()):
        image = pydicom.dcmread(path)
        image.SOPInstanceUID = generate_uid()
        image.save_as(scan.folder / f"z_{path.name}")
    for volume in both_ways(scan.folder):
        np.testing.assert_array_equal(volume.array, stored)
        assert "and 2 more left out: the same image" in volume.warnings[0]


def test_unlike_images_with_the_same_numbers_are_kept(series: New, stored: NDArray) -> None:
    scan = series("MR")
    for t in range(2):
        for k, values in enumerate(stored):
            scan.plane(values + 100 * t, (0, 0, 2.0 * k), InstanceNumber=k + 1)
    np.testing.assert_array_equal(io.read(scan.folder).array, [stored, stored + 100])
