"""Enhanced multi-frame files, Siemens mosaics and UIH grids."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import csa
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medrestore import io
from medrestore.errors import GapError, InputError

Write = Callable[..., Path]
New = Callable[..., Any]


def planes(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"position": (1.0, 2.0, 3.0 + 2.5 * k), **more} for k in range(count)]


def test_frames_are_placed_and_scaled_one_by_one(
    tmp_path: Path, write_enhanced: Write, stored: NDArray
) -> None:
    frames = planes(5)
    for k, frame in enumerate(frames):
        frame.update(slope=k + 1, intercept=-k)
    order = [3, 1, 4, 0, 2]
    path = write_enhanced(tmp_path / "scan.dcm", [frames[k] for k in order], stored[order])
    volume = io.read(path)
    expected = [values * (k + 1.0) - k for k, values in enumerate(stored)]
    np.testing.assert_array_equal(volume.array, expected)
    assert volume.geometry.spacing_mm == pytest.approx((2.5, 0.7, 0.5))
    np.testing.assert_allclose(volume.geometry.world((2, 0, 0)), (-1, -2, 8))
    assert (volume.modality, volume.source.name) == ("MR", "scan")


def test_temporal_positions_become_time(
    tmp_path: Path, write_enhanced: Write, stored: NDArray
) -> None:
    frames = [f for pair in zip(planes(5, time=2), planes(5, time=1), strict=True) for f in pair]
    values = np.stack([stored + 500, stored], axis=1).reshape(-1, 6, 4)
    volume = io.read(write_enhanced(tmp_path / "scan.dcm", frames, values))
    np.testing.assert_array_equal(volume.array, [stored, stored + 500])


def test_magnitude_and_phase_are_two_volumes(
    tmp_path: Path, write_enhanced: Write, stored: NDArray
) -> None:
    frames = planes(5, kind="M") + planes(5, kind="P", slope=2)
    path = write_enhanced(tmp_path / "scan.dcm", frames, np.concatenate([stored, stored + 9]))
    with pytest.raises(InputError, match=r"holds 2 volumes: \[0\] MR 1×5×6×4; \[1\]"):
        io.read(path)
    magnitude, phase = io.find(path)
    np.testing.assert_array_equal(io.read(magnitude).array, stored)
    np.testing.assert_array_equal(io.read(phase).array, (stored + 9) * 2.0)


def test_a_missing_frame_is_a_gap(tmp_path: Path, write_enhanced: Write, stored: NDArray) -> None:
    kept = [0, 1, 3, 4]
    path = write_enhanced(tmp_path / "scan.dcm", [planes(5)[k] for k in kept], stored[kept])
    with pytest.raises(GapError, match=r"slices 2 and 3 are 5\.00 mm apart"):
        io.read(path)
    assert io.read(path, gaps="keep").geometry.slice_positions_mm == pytest.approx(
        (0, 2.5, 7.5, 10)
    )


def test_frames_without_a_place_are_refused(
    tmp_path: Path, write_enhanced: Write, stored: NDArray
) -> None:
    path = write_enhanced(tmp_path / "scan.dcm", planes(5), stored)
    image = pydicom.dcmread(path)
    del image.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence
    image.save_as(path)
    with pytest.raises(InputError, match="frame 4 of 5 has no position"):
        io.read(path)
    del image.PerFrameFunctionalGroupsSequence[2:]
    image.save_as(path)
    with pytest.raises(InputError, match="5 frames but functional groups for 2"):
        io.read(path)


def test_a_derived_series_of_frames(tmp_path: Path, write_enhanced: Write, stored: NDArray) -> None:
    frames = planes(5, time=1) + planes(5, time=2)
    path = write_enhanced(tmp_path / "scan.dcm", frames, np.concatenate([stored, stored + 500]))
    volume = io.read(path)
    folder = io.write_series(volume, tmp_path / "out", description="restored")
    again = io.read(folder)
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.geometry.same_grid(volume.geometry)
    image = pydicom.dcmread(folder / "00007.dcm")
    assert image.SOPClassUID.name == "MR Image Storage"
    assert image.SourceImageSequence[0].ReferencedFrameNumber == 7
    assert "PerFrameFunctionalGroupsSequence" not in image
    assert (image.TemporalPositionIdentifier, image.NumberOfTemporalPositions) == (2, 2)


def mosaic(scan: Any, stored: NDArray, **tags: Any) -> Path:
    """Five 6 × 4 slices as a 3 × 3 mosaic whose first tile starts at (−20, −30, 40)."""
    picture = np.zeros((18, 12), stored.dtype)
    for k, values in enumerate(stored):
        picture[k // 3 * 6 : k // 3 * 6 + 6, k % 3 * 4 : k % 3 * 4 + 4] = values
    # the position is stated as if the picture were one slice of 18 × 12 with the tile's centre
    position = np.array([-20, -30, 40]) - [0.5 * (12 - 4) / 2, 0.7 * (18 - 6) / 2, 0]
    path = scan.plane(
        picture, position, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"],
        SpacingBetweenSlices=2.5, **tags,
    )  # fmt: skip
    image = pydicom.dcmread(path)
    image.add_new((0x0019, 0x0010), "LO", "SIEMENS MR HEADER")
    image.add_new((0x0019, 0x100A), "US", len(stored))
    image.save_as(path)
    return Path(path)


def test_mosaics_are_cut_into_slices(series: New, stored: NDArray) -> None:
    scan = series()
    mosaic(scan, stored)
    mosaic(scan, stored + 100)
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, [stored, stored + 100])
    np.testing.assert_allclose(volume.geometry.world((0, 0, 0)), (20, 30, 40))
    np.testing.assert_allclose(volume.geometry.world((4, 0, 0)), (20, 30, 50))
    assert len(volume.source.paths) == 2


def test_the_csa_header_tells_the_side_of_the_first_slice(series: New, stored: NDArray) -> None:
    scan = series()
    path = mosaic(scan, stored)
    image = pydicom.dcmread(path)
    image.add_new((0x0029, 0x0010), "LO", "SIEMENS CSA HEADER")
    tags = {"Odd": ["7"], "SliceNormalVector": ["0.0", "0.0", "-1.00"]}
    image.add_new((0x0029, 0x1010), "OB", csa(tags))
    image.save_as(path)
    volume = io.read(path)  # sorted along row × column all the same: the last tile comes first
    np.testing.assert_array_equal(volume.array, stored[::-1])
    np.testing.assert_allclose(volume.geometry.world((0, 0, 0)), (20, 30, 30))


def test_a_derived_series_of_a_mosaic(series: New, stored: NDArray, tmp_path: Path) -> None:
    scan = series()
    mosaic(scan, stored)
    mosaic(scan, stored + 100)
    volume = io.read(scan.folder)
    again = io.read(io.write_series(volume, tmp_path / "out", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.geometry.same_grid(volume.geometry)


def test_mosaics_that_cannot_be_cut(series: New, stored: NDArray) -> None:
    scan = series()
    path = mosaic(scan, stored)
    image = pydicom.dcmread(path)
    del image[0x0019, 0x100A]
    image.save_as(path)
    with pytest.raises(InputError, match="does not tell the number"):
        io.read(path)


def uih_grid(scan: Any, stored: NDArray, step: Any = (0, 0.3, 2.5), **tags: Any) -> Path:
    """Five 6 × 4 slices in two rows of three tiles, the first at (−20, −30, 40)."""
    picture = np.zeros((12, 12), stored.dtype)
    for k, values in enumerate(stored):
        picture[k // 3 * 6 : k // 3 * 6 + 6, k % 3 * 4 : k % 3 * 4 + 4] = values
    kind = ["ORIGINAL", "PRIMARY", "M", "VFRAME"]
    path = scan.plane(picture, (-20, -30, 40), ImageType=kind, Manufacturer="UIH", **tags)
    image = pydicom.dcmread(path)
    image.add_new((0x0065, 0x0010), "LO", "Image Private Header")
    image.add_new((0x0065, 0x1050), "DS", str(len(stored)))
    items = []
    for k in range(len(stored)):
        place = Dataset()
        place.ImagePositionPatient = [-20, round(-30 + k * step[1], 3), 40 + k * step[2]]
        items.append(place)
    image.add_new((0x0065, 0x1051), "SQ", items)
    image.save_as(path)
    return Path(path)


def test_uih_grids_are_cut_where_their_sequence_places_them(series: New, stored: NDArray) -> None:
    scan = series()
    uih_grid(scan, stored)
    uih_grid(scan, stored + 100)
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, [stored, stored + 100])
    np.testing.assert_allclose(volume.geometry.world((0, 0, 0)), (20, 30, 40))
    np.testing.assert_allclose(volume.geometry.world((4, 0, 0)), (20, 28.8, 50))


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("make", [mosaic, uih_grid])
def test_dcm2niix_cuts_pictures_the_same_way(
    series: New, stored: NDArray, tmp_path: Path, make: Callable[..., Path]
) -> None:
    times = {"ProtocolName": "epi", "RepetitionTime": 2000, "EchoTime": 30, "SliceThickness": 2.5}
    scan = series(Manufacturer="SIEMENS", **times)
    if make is uih_grid:
        uih_grid(scan, stored, (0, 0, 2.5))
    else:
        mosaic(scan, stored)
    command = ["dcm2niix", "-p", "n", "-b", "n", "-o", str(tmp_path), str(scan.folder)]
    subprocess.run(command, capture_output=True, check=True)
    theirs, ours = io.read(next(tmp_path.glob("*.nii"))), io.read(scan.folder)
    for corner in ((0, 0, 0), (4, 5, 3), (2, 3, 1)):
        value = ours.array[corner]
        place = ours.geometry.world(corner)
        (found,) = np.argwhere(theirs.array == value)
        np.testing.assert_allclose(theirs.geometry.world(tuple(found)), place, atol=0.01)


def test_uih_grids_that_cannot_be_cut(series: New, stored: NDArray) -> None:
    scan = series()
    path = uih_grid(scan, stored)
    image = pydicom.dcmread(path)
    image[0x0065, 0x1051].value = image[0x0065, 0x1051].value[:3]
    image.save_as(path)
    with pytest.raises(InputError, match=r"UIH grid of 5 slices .* places 3 of them"):
        io.read(path)
