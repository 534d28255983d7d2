"""Classic DICOM series: which planes make a volume, where it lies, and what its values are."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import GapError, InputError, UnreadableError
from medrestore.volume import Geometry

AXIAL = ((1, 0, 0), (0, 1, 0))
CORONAL = ((1, 0, 0), (0, 0, -1))
SAGITTAL = ((0, 1, 0), (0, 0, -1))
OBLIQUE = ((0.96, 0.28, 0.0), (-0.1344, 0.4608, -0.8773))
ORIGIN = np.array([-20.0, -30.0, 40.0])
LPS_TO_RAS = np.array([-1, -1, 1])
New = Callable[..., Any]


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


def test_order_comes_from_positions_not_from_names_or_numbers(
    series: New, stored: NDArray
) -> None:
    scan = series()
    for rank, k in enumerate([3, 0, 4, 2, 1]):
        scan.plane(
            stored[k], ORIGIN + [0, 0, 2.0 * k], name=f"x{9 - rank}", InstanceNumber=50 - k
        )
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
    np.testing.assert_allclose(
        volume.geometry.world((4, 0, 0)), (ORIGIN + [0, 0, 20]) * LPS_TO_RAS, atol=1e-5
    )
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
        scan.plane(stored[k], ORIGIN + [0, 0, 2.0 * k])
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
        scan.plane(stored[k], ORIGIN + [0, 0, 2.0 * k])
    volume = io.read(scan.folder, gaps="keep")
    np.testing.assert_array_equal(volume.array, stored[[0, 1, 3, 4]])
    assert volume.geometry.slice_positions_mm == pytest.approx((0, 2, 6, 8))
    assert volume.geometry.spacing_mm[0] == pytest.approx(2)
    assert "slices 2 and 3 are 4.00 mm apart" in volume.warnings[0]


@pytest.mark.parametrize("wobble", [0.0, 0.009, -0.009])
def test_steps_within_a_percent_are_even(series: New, stored: NDArray, wobble: float) -> None:
    scan = series()
    for k, values in enumerate(stored):
        scan.plane(values, ORIGIN + [0, 0, 2.0 * k + wobble * (k == 2)])
    volume = io.read(scan.folder)
    assert volume.geometry.spacing_mm[0] == pytest.approx(2.0)
    assert volume.geometry.slice_positions_mm is None


def test_slices_shifted_sideways_are_no_volume(series: New, stored: NDArray) -> None:
    scan = series()
    for k, values in enumerate(stored):
        scan.plane(values, ORIGIN + [5.0 * (k == 2), 0, 2.0 * k])
    with pytest.raises(InputError, match="slice 3 lies 5.00 mm sideways"):
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
            scan.plane(
                stored[k] + 1000 * t, ORIGIN + [0, 0, 2.0 * k], DiffusionBValue=800.0 * (1 - t)
            )
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


def test_slope_and_intercept_of_each_slice(series: New, stored: NDArray) -> None:
    scan = series()
    for k, values in enumerate(stored):
        scan.plane(values, ORIGIN + [0, 0, k], RescaleSlope=k + 0.5, RescaleIntercept=-k)
    expected = [values * (k + 0.5) - k for k, values in enumerate(stored.astype(np.float32))]
    np.testing.assert_allclose(io.read(scan.folder).array, expected)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_signed_and_unsigned_of_8_and_16_bits(series: New, dtype: str) -> None:
    info = np.iinfo(dtype)
    values = np.array([[info.min, -1 if info.min else 1], [info.max, 7]], dtype)
    volume = io.read(series().plane(values, ORIGIN))
    np.testing.assert_array_equal(volume.array[0], values)


@pytest.mark.parametrize("signed", [False, True])
def test_overlays_in_high_bits_are_no_intensity(series: New, signed: bool) -> None:
    values = np.array([[-2048, -1], [2047, 5]]) if signed else np.array([[0, 4095], [17, 2048]])
    stored = (values & 0x0FFF).astype(np.uint16)
    stored[0, 1] |= 0xF000  # an overlay plane in bits 12 to 15
    stored[1, 1] |= 0x1000
    path = series().plane(
        stored, ORIGIN, BitsStored=12, HighBit=11, PixelRepresentation=int(signed)
    )
    np.testing.assert_array_equal(io.read(path).array[0], values)


def test_monochrome1_is_inverted_for_mr_and_not_for_hounsfield_units(series: New) -> None:
    values = np.array([[0, 1000], [4095, 7]], np.uint16)
    tags = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    mr = io.read(series("MR", "mr").plane(values, ORIGIN, **tags))
    np.testing.assert_array_equal(mr.array[0], 4095 - values.astype(int))
    assert any("MONOCHROME1" in warning for warning in mr.warnings)
    ct = io.read(series("CT", "ct").plane(values, ORIGIN, RescaleIntercept=-1024, **tags))
    np.testing.assert_array_equal(ct.array[0], values - 1024.0)


def test_padding(series: New) -> None:
    values = np.array([[-2000, 40], [-32768, 7]], np.int16)
    scan = series("CT")
    kept = io.read(scan.plane(values, ORIGIN, PixelPaddingValue=-2000))
    assert kept.array[0, 0, 0] == -2000
    none = io.read(scan.plane(values, ORIGIN, PixelPaddingValue=-32768))
    assert np.isnan(none.array[0, 1, 0])
    assert np.isnan(none.array).sum() == 1


def test_modality(series: New, stored: NDArray) -> None:
    pet = series("PT").plane(stored[0], ORIGIN)
    with pytest.raises(InputError, match="modality PT"):
        io.read(pet)
    assert io.read(pet, modality="MR").modality == "MR"
    ct = series("CT", "ct").plane(stored[0], ORIGIN, RescaleType="Z_EFF")
    with pytest.raises(InputError, match="not in Hounsfield units"):
        io.read(ct)
    assert io.read(ct, modality="CT").unit == "HU"


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localiser"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"NumberOfFrames": 3}, "3 frames without positions|truncated"),
        ({"Rows": 0}, "no voxels"),
        ({"BitsAllocated": 1}, "1 bits"),
    ],
)
def test_what_is_no_scan_is_skipped_with_the_reason(
    series: New, stored: NDArray, tags: dict[str, Any], words: str
) -> None:
    scan = series("CT")
    scan.planes(stored, (0, 0, 2.0))
    odd = scan.plane(stored[0], ORIGIN, **tags)
    np.testing.assert_array_equal(io.read(scan.folder).array, stored)
    ((path, reason),) = io.find(scan.folder).skipped
    assert path == odd
    with pytest.raises(InputError, match=words):
        io.read(odd)
    assert "\n" not in reason and str(odd) not in reason


def test_a_report_is_skipped(series: New, stored: NDArray) -> None:
    scan = series()
    scan.planes(stored, (0, 0, 2.0))
    report = pydicom.dcmread(scan.folder / "IM0001.dcm")
    report.SOPInstanceUID = "1.2.3.4"
    report.SOPClassUID = pydicom.uid.EnhancedSRStorage
    del report.Rows, report.PixelData
    report.save_as(scan.folder / "report.dcm")
    ((path, reason),) = io.find(scan.folder).skipped
    assert (path.name, reason) == ("report.dcm", "holds no image (Enhanced SR Storage)")


def test_copies_of_one_image_are_skipped(series: New, stored: NDArray) -> None:
    scan = series()
    scan.planes(stored, (0, 0, 2.0))
    (scan.folder / "copy.dcm").write_bytes((scan.folder / "IM0002.dcm").read_bytes())
    found = io.find(scan.folder)
    assert [(s.time_points, s.shape) for s in found] == [(1, (5, 6, 4))]
    assert found.skipped == [(scan.folder / "copy.dcm", "the same image as IM0002.dcm")] or [
        reason for _, reason in found.skipped
    ] == ["the same image as copy.dcm"]


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_truncated_files(series: New, kept: float) -> None:
    values = np.random.default_rng(0).integers(0, 4000, (64, 64)).astype(np.uint16)
    path = series().plane(values, ORIGIN)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(UnreadableError) as caught:
        io.read(path)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_cut_within_its_header(series: New, stored: NDArray) -> None:
    path = series().plane(stored[0], ORIGIN)
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(UnreadableError):
        io.read(path)


def test_absurd_sizes_are_refused_before_allocation(series: New, stored: NDArray) -> None:
    path = series().plane(stored[0], ORIGIN, Rows=65535, Columns=65535, NumberOfFrames=100000)
    with pytest.raises(UnreadableError, match="memory of this machine"):
        io.read(path)


def test_a_missing_codec_is_named(
    series: New, stored: NDArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = series().plane(stored[0], ORIGIN)
    image = pydicom.dcmread(path)
    image.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51 not a codestream"])
    image.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    image.save_as(path)
    with pytest.raises(UnreadableError, match="pip install pylibjpeg-openjpeg"):
        io.read(path)


def test_files_without_preamble(series: New, stored: NDArray) -> None:
    scan = series()
    path = scan.plane(stored[0], ORIGIN, name="noname")
    image = pydicom.dcmread(path)
    bare = pydicom.Dataset({e.tag: e for e in image})
    bare.save_as(path, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(io.read(path).array[0], stored[0])


def test_nothing_of_the_patient_is_said(
    series: New, stored: NDArray, caplog: pytest.LogCaptureFixture
) -> None:
    scan = series(PatientBirthDate="not a date", PatientAge="of some age, too long for AS")
    with warnings.catch_warnings(action="ignore"):
        scan.planes(stored[:4], (0, 0, 2.0))
        scan.plane(stored[4], ORIGIN + [0, 0, 100])
    caplog.clear()
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        volume = io.read(scan.folder, gaps="keep")
        said = [repr(volume), repr(io.find(scan.folder)), str(io.find(scan.folder)[0])]
        with pytest.raises(GapError) as gap:
            io.read(scan.folder)
    said += [str(w.message) for w in caught] + [r.message for r in caplog.records]
    said += [str(gap.value), repr(volume.source)]
    for secret in ("Doe", "SECRET", "of some age", scan.uid, scan.study):
        assert [text for text in said if secret in text] == []


def test_uids_in_file_names_name_no_result(series: New, stored: NDArray) -> None:
    scan = series(folder="1.2.840.113619.2.55.3")
    path = scan.plane(stored[0], ORIGIN, name="1.2.840.113619.2.55.3.7.dcm")
    assert io.read(path).source.name == "scan"
    assert io.read(scan.folder).source.name == "scan"


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
