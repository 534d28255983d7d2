"""Classic DICOM series: which planes make a volume, where it lies, and what its values are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import GapError, InputError
from medrestore.volume import Geometry

AXIAL = ((1, 0, 0), (0, 1, 0))
CORONAL = ((1, 0, 0), (0, 0, -1))
SAGITTAL = ((0, 1, 0), (0, 0, -1))
OBLIQUE = ((0.96, 0.28, 0.0), (-0.1344, 0.4608, -0.8773))
ORIGIN = np.array([-20.0, -30.0, 40.0])
LPS_TO_RAS = np.array([-1, -1, 1])
New = Callable[..., Any]


def up(mm: float) -> NDArray:
    return ORIGIN + np.array([0, 0, mm])


def normal(orientation: Any) -> NDArray:
    return np.cross(*np.array(orientation, float))


@pytest.mark.parametrize(
    ("orientation", "codes"),
    [(AXIAL, "SPL"), (CORONAL, "PIL"), (SAGITTAL, "RIP"), (OBLIQUE, "PIL")],
)
def test_voxels_lie_where_dicom_says(
    series: New, stored: NDArray, orientation: Any, codes: str
) -> None:
    scan = series()
    scan.planes(stored, 2.5 * normal(orientation), orientation=orientation)
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, stored)
    # PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1, spacing (rows, columns) = (0.7, 0.5) mm
    row, column = np.array(orientation, float)
    z, y, x = 3, 4, 2
    place = ORIGIN + z * 2.5 * normal(orientation) + y * 0.7 * column + x * 0.5 * row
    np.testing.assert_allclose(volume.geometry.world((z, y, x)), place * LPS_TO_RAS, atol=1e-5)
    assert volume.geometry.axis_codes == codes
    assert (volume.modality, volume.unit, volume.warnings) == ("MR", "a.u.", ())


def test_order_comes_from_positions_not_from_names_or_numbers(series: New, stored: NDArray) -> None:
    scan = series()
    for rank, k in enumerate([3, 0, 4, 2, 1]):
        scan.plane(stored[k], up(2.0 * k), name=f"x{9 - rank}", InstanceNumber=50 - k)
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, stored)
    assert [path.name for path in volume.source.paths] == ["x8", "x5", "x6", "x9", "x7"]


def test_slices_stacked_downwards_are_sorted_along_the_normal(series: New, stored: NDArray) -> None:
    scan = series()
    scan.planes(stored, (0, 0, -3.0))
    np.testing.assert_array_equal(io.read(scan.folder).array, stored[::-1])


def test_spacing_comes_from_positions_not_from_thickness(series: New, stored: NDArray) -> None:
    scan = series(SliceThickness=5.0, SpacingBetweenSlices=9.0)
    scan.planes(stored, (0, 0, 2.5))
    assert io.read(scan.folder).geometry.spacing_mm == pytest.approx((2.5, 0.7, 0.5))


def test_gantry_tilt_becomes_shear(series: New, stored: NDArray) -> None:
    scan = series("CT")
    scan.planes(stored, (0, 0, 5.0), orientation=((1, 0, 0), (0, np.cos(0.3), -np.sin(0.3))))
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, stored)
    np.testing.assert_allclose(volume.geometry.world((4, 0, 0)), (up(20)) * LPS_TO_RAS, atol=1e-5)
    assert "tilted by 17.2°" in volume.warnings[0]


def test_one_slice_is_as_thick_as_its_tag(series: New, stored: NDArray) -> None:
    scan = series(SliceThickness=4.0)
    path = scan.plane(stored[0], ORIGIN)
    for place in (path, scan.folder):
        volume = io.read(place)
        assert volume.array.shape == (1, 6, 4)
        assert volume.geometry.spacing_mm == pytest.approx((4, 0.7, 0.5))
        assert volume.source.name == "IM0001"


def test_one_slice_without_thickness_or_place(series: New, stored: NDArray) -> None:
    scan = series()
    volume = io.read(scan.plane(stored[0], ORIGIN))
    assert volume.geometry.spacing_mm[0] == 1
    assert "thickness" in volume.warnings[0]
    volume = io.read(scan.plane(stored[0], None))
    assert not volume.geometry.known


def test_slices_without_positions_are_refused(series: New, stored: NDArray) -> None:
    scan = series()
    for values in stored:
        scan.plane(values, None)
    with pytest.raises(InputError, match="5 images of one series have no position"):
        io.read(scan.folder)


def test_a_missing_slice_is_named(series: New, stored: NDArray) -> None:
    scan = series()
    for k in (0, 1, 3, 4):
        scan.plane(stored[k], up(2.0 * k))
    with pytest.raises(GapError) as caught:
        io.read(scan.folder)
    message = str(caught.value)
    assert "slices 2 and 3 are 4.00 mm apart" in message
    assert "median step is 2.00 mm" in message
    assert "gaps='keep'" in message and "--gaps keep" in message
    assert "\n" not in message
    (found,) = io.find(scan.folder)
    assert "slices 2 and 3" in found.warnings[0]


def test_gaps_may_be_kept(series: New, stored: NDArray) -> None:
    scan = series()
    for k in (0, 1, 3, 4):
        scan.plane(stored[k], up(2.0 * k))
    volume = io.read(scan.folder, gaps="keep")
    np.testing.assert_array_equal(volume.array, stored[[0, 1, 3, 4]])
    assert volume.geometry.slice_positions_mm == pytest.approx((0, 2, 6, 8))
    assert volume.geometry.spacing_mm[0] == pytest.approx(2)
    assert "slices 2 and 3 are 4.00 mm apart" in volume.warnings[0]


@pytest.mark.parametrize("wobble", [0.0, 0.009, -0.009])
def test_steps_within_a_percent_are_even(series: New, stored: NDArray, wobble: float) -> None:
    scan = series()
    for k, values in enumerate(stored):
        scan.plane(values, up(2.0 * k + wobble * (k == 2)))
    volume = io.read(scan.folder)
    assert volume.geometry.spacing_mm[0] == pytest.approx(2.0)
    assert volume.geometry.slice_positions_mm is None


def test_slices_shifted_sideways_are_no_volume(series: New, stored: NDArray) -> None:
    scan = series()
    for k, values in enumerate(stored):
        scan.plane(values, up(2.0 * k) + (k == 2) * np.array([5.0, 0, 0]))
    with pytest.raises(InputError, match=r"slice 3 lies 5\.00 mm sideways"):
        io.read(scan.folder)


def test_gaps_takes_two_words(series: New, stored: NDArray) -> None:
    scan = series()
    scan.planes(stored, (0, 0, 2.0))
    with pytest.raises(InputError, match="'error' or 'keep'"):
        io.read(scan.folder, gaps="ignore")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "tags",
    [
        lambda t: {"TemporalPositionIdentifier": t + 1},
        lambda t: {"DiffusionBValue": 1000.0 * t, "DiffusionGradientOrientation": [0.0, 0.0, 1.0]},
        lambda t: {"AcquisitionNumber": t + 1},
        lambda t: {"TriggerTime": 300.0 * t},
        lambda t: {},  # instance numbers alone
    ],
    ids=["temporal position", "b-value", "acquisition", "trigger", "instance number"],
)
def test_repeated_positions_become_time(series: New, stored: NDArray, tags: Any) -> None:
    scan = series()
    for t in range(3):
        scan.planes(stored + 1000 * t, (0, 0, 2.0), **tags(t))
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, np.stack([stored + 1000 * t for t in range(3)]))
    (found,) = io.find(scan.folder)
    assert (found.time_points, found.shape) == (3, (5, 6, 4))
    np.testing.assert_array_equal(io.read(found).array, volume.array)


def test_time_interleaved_by_slice(series: New, stored: NDArray) -> None:
    scan = series()  # numbered slice by slice, as Philips does
    for k in range(5):
        for t in range(2):
            scan.plane(stored[k] + 1000 * t, up(2.0 * k), DiffusionBValue=800.0 * (1 - t))
    np.testing.assert_array_equal(io.read(scan.folder).array, np.stack([stored, stored + 1000]))


def test_an_interrupted_time_point_stands_alone(series: New, stored: NDArray) -> None:
    scan = series()
    for t in range(2):
        scan.planes(stored, (0, 0, 2.0), TemporalPositionIdentifier=t + 1)
    scan.planes(stored[:2], (0, 0, 2.0), TemporalPositionIdentifier=3)
    found = io.find(scan.folder)
    assert [(s.time_points, s.shape[0]) for s in found] == [(2, 5), (1, 2)]
    assert [io.read(s).array.shape for s in found] == [(2, 5, 6, 4), (2, 6, 4)]
    with pytest.raises(InputError, match=r"holds 2 volumes: \[0\] series_1: MR 2×5×6×4"):
        io.read(scan.folder)


def test_unequal_repeats_that_nothing_tells_apart(series: New, stored: NDArray) -> None:
    scan = series()
    scan.planes(stored, (0, 0, 2.0))
    scan.planes(stored[:2], (0, 0, 2.0))
    with pytest.raises(InputError, match="others 2 times"):
        io.read(scan.folder)


@pytest.mark.parametrize(
    "second",
    [
        {"SeriesInstanceUID": "1.2.3"},
        {"ImageType": ["ORIGINAL", "PRIMARY", "P"]},
        {"EchoTime": 40.0},
        {"orientation": CORONAL},
        {"spacing": (1.0, 1.0)},
    ],
    ids=lambda tags: next(iter(tags)),
)
def test_what_makes_another_volume(series: New, stored: NDArray, second: dict[str, Any]) -> None:
    scan = series(EchoTime=20.0)
    step = 2.0 * normal(second.get("orientation", AXIAL))
    scan.planes(stored, (0, 0, 2.0))
    scan.planes(stored + 1, step, **second)
    first, other = (io.read(found) for found in io.find(scan.folder))
    np.testing.assert_array_equal(first.array, stored)
    np.testing.assert_array_equal(other.array, stored + 1)
    assert {first.source.name, other.source.name} == {"series_1", "series_2"}


def test_geometry_is_that_of_the_same_scan_as_nifti(
    series: New, stored: NDArray, tmp_path: Path
) -> None:
    scan = series()
    scan.planes(stored, 2.5 * normal(OBLIQUE), orientation=OBLIQUE)
    volume = io.read(scan.folder)
    again = io.read(io.write(volume, tmp_path / "scan.nii.gz"))
    assert again.geometry.same_grid(volume.geometry)
    assert isinstance(again.geometry, Geometry)
    np.testing.assert_array_equal(again.array, volume.array)


def test_ge_phase_images_are_a_volume_of_their_own(series: New, stored: NDArray) -> None:
    scan = series(Manufacturer="GE MEDICAL SYSTEMS")
    scan.planes(stored, (0, 0, 2))
    scan.planes(stored + 500, (0, 0, 2))
    for path in sorted(scan.folder.iterdir())[5:]:  # Image Type is that of the magnitude
        image = pydicom.dcmread(path)
        image.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", 1)
        image.save_as(path)
    magnitude, phase = (io.read(found).array for found in io.find(scan.folder))
    np.testing.assert_array_equal(magnitude, stored)
    np.testing.assert_array_equal(phase, stored + 500)
