"""Some slices of a DICOM scan, written as a derived series, and Parametric Maps read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from clean_series import TURNED, clean_series, write_planes
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import InputError, UnreadableError
from medrestore.volume import Volume

New = Callable[..., Any]
PARTS = [(0, 1, 2), (2, 3, 4), (1,), (4,), (0, 2, 4), (0, 1, 2, 3, 4)]
TURNS = [{}, {"orientation": TURNED}, {"step": (0.0, 0.6, 2.0)}, {"step": (0, 0, -2.0)}]


def check_part(volume: Volume, chosen: tuple[int, ...], tmp_path: Path) -> None:
    """Written, read back, and each slice where it was; the sources named are its own."""
    part = volume.slices(chosen)
    for i, z in enumerate(chosen):
        place = volume.geometry.world((z, 1, 2))
        if volume.geometry.slice_positions_mm is None:
            assert np.allclose(part.geometry.world((i, 1, 2)), place)
    folder = io.write_series(part, tmp_path / "part", description="restored")
    again = io.read(folder, gaps="keep")
    assert again.geometry.same_grid(part.geometry, 1e-3)
    np.testing.assert_allclose(again.array, part.array, atol=0.6)
    files = [pydicom.dcmread(file) for file in sorted(folder.iterdir())]
    assert len(files) == len(chosen)
    sources = {pydicom.dcmread(file).SOPInstanceUID: file for file in volume.source.paths}
    for image in files:
        origin = pydicom.dcmread(sources[image.SourceImageSequence[0].ReferencedSOPInstanceUID])
        assert image.ImagePositionPatient == origin.ImagePositionPatient
    spread = io.write_map(part, tmp_path / "map", description="std")
    back = io.read_map(spread)
    assert back.geometry.same_grid(part.geometry, 1e-3)
    np.testing.assert_array_equal(back.array, part.array)  # every bit


@pytest.mark.parametrize("chosen", PARTS)
@pytest.mark.parametrize("turn", TURNS)
def test_some_slices_are_a_series_of_their_own(
    chosen: tuple[int, ...], turn: dict[str, Any], stored: NDArray, tmp_path: Path
) -> None:
    volume = io.read(write_planes(clean_series(tmp_path / "in", "CT"), stored, **turn))
    check_part(volume, chosen, tmp_path)


@pytest.mark.parametrize("chosen", [(0, 1), (2, 3), (1, 2, 3), (0, 1, 2, 3), (3,)])
def test_of_a_scan_with_gaps(chosen: tuple[int, ...], stored: NDArray, tmp_path: Path) -> None:
    series = clean_series(tmp_path / "in", "MR")
    for k in (0, 1, 3, 4):  # at 0, 2, 6 and 8 mm
        series.plane(stored[k], (-20.0, -30.0, 2.0 * k))
    volume = io.read(series.folder, gaps="keep")
    part = volume.slices(chosen)
    heights = [(0, 2, 6, 8)[z] for z in chosen]
    first = part.geometry.world((0, 0, 0))
    assert np.allclose(first - volume.geometry.world((0, 0, 0)), (0, 0, heights[0]))
    if len(chosen) > 1:
        assert part.geometry.slice_positions_mm == pytest.approx(np.subtract(heights, heights[0]))
    check_part(volume, chosen, tmp_path)
    assert np.array_equal(part.slices((0,)).array, part.array[:1])  # and of these, some


@pytest.mark.parametrize("chosen", [(0, 1), (1, 2), (1, 2, 3), (4,)])
def test_of_a_scan_whose_steps_are_a_little_uneven(
    chosen: tuple[int, ...], stored: NDArray, tmp_path: Path
) -> None:
    series = clean_series(tmp_path / "in", "MR")
    for plane, height in zip(stored, (0, 6.97, 14.03, 21.0, 28.06), strict=True):
        series.plane(plane, (-20.0, -30.0, height))
    part = io.read(series.folder).slices(chosen)
    folder = io.write_series(part, tmp_path / "part", description="restored")
    assert io.read(folder).geometry.fits(part.geometry)
    np.testing.assert_array_equal(
        io.read_map(io.write_map(part, tmp_path / "map", description="std")).array, part.array
    )


def test_a_series_in_time(stored: NDArray, tmp_path: Path, write_enhanced: New) -> None:
    planes = [
        {"position": (-20.0, -30.0, 2.0 * z), "time": t + 1} for t in range(2) for z in range(5)
    ]
    path = write_enhanced(tmp_path / "in.dcm", planes, np.concatenate([stored, stored + 1]))
    part = io.read(path).slices((1, 2, 3))
    back = io.read_map(io.write_map(part, tmp_path / "map", description="std"))
    np.testing.assert_array_equal(back.array, part.array)
    again = io.read(io.write_series(part, tmp_path / "part", description="restored"))
    assert again.array.shape == (2, 3, 6, 4)


@pytest.mark.parametrize(("modality", "unit"), [("CT", "HU"), ("MR", "a.u.")])
def test_a_map_knows_its_unit(modality: str, unit: str, stored: NDArray, tmp_path: Path) -> None:
    volume = io.read(write_planes(clean_series(tmp_path / "in", modality), stored))
    volume.array[1, 2, 3] = np.nan
    folder = io.write_map(volume, tmp_path / "std_map", description="std")
    for place in (folder, next(folder.iterdir())):
        back = io.read_map(place)
        assert (back.unit, back.modality, back.source.format) == (unit, None, "dicom")
        np.testing.assert_array_equal(back.array, volume.array)
    assert io.read_map(folder).source.name == "std_map"


def test_what_is_no_map_is_said(stored: NDArray, tmp_path: Path) -> None:
    folder = write_planes(clean_series(tmp_path / "in", "CT"), stored)
    with pytest.raises(UnreadableError, match="no Parametric Map of 32-bit"):
        io.read_map(folder)
    with pytest.raises(InputError, match="does not exist"):
        io.read_map(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableError, match="holds no files"):
        io.read_map(tmp_path / "empty")
    (tmp_path / "text.dcm").write_text("hello")
    with pytest.raises(UnreadableError, match=r"text.dcm"):
        io.read_map(tmp_path / "text.dcm")
    file = next(io.write_map(io.read(folder), tmp_path / "map", description="std").iterdir())
    data = pydicom.dcmread(file)
    data.NumberOfFrames = 4000
    data.save_as(file)
    with pytest.raises(UnreadableError, match=r"ends before its 4000 planes"):
        io.read_map(file)
    data.NumberOfFrames, data.PerFrameFunctionalGroupsSequence = 5, []
    data.save_as(file)
    with pytest.raises(UnreadableError, match="cannot be read as a Parametric Map"):
        io.read_map(file)
