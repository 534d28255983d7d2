"""Numbers of a header that place or scale a slice: read as they were meant, or refused by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import csa, item, put, rewrite
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import InputError
from medrestore.io.dicom.values import decimal
from medrestore.io.dicom.window import stored_window

New = Callable[..., Any]
CT = {"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU"}


def paths(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def refusal(folder: Path) -> str:
    """The one line that a folder is refused with; every file is skipped for the same reason."""
    with pytest.raises(InputError) as caught:
        io.read(folder)
    found = io.find(folder)
    assert not found
    assert len(found.skipped) == len(paths(folder))
    (reason,) = {reason for _, reason in found.skipped}
    message = str(caught.value)
    assert reason in message
    assert "\n" not in message
    return message


@pytest.fixture
def ct(series: New, stored: NDArray) -> Any:
    scan = series("CT", **CT)
    scan.planes(stored, (0, 0, 2.0))
    return scan


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1024,0", -1024), (" -1024 ", -1024), ("1,5E-2", 0.015), (".5", 0.5), ("+3.", 3),
        ("-1024 HU", None), ("- 1024", None), ("1.024,0", None), ("1,024,0", None), ("", None),
        ("1_024", None), ("nan", None), ("inf", None), ("0x10", None), ("-1024\0", -1024),
    ],
)  # fmt: skip
def test_decimal_strings(text: str, value: float | None) -> None:
    assert decimal(text) == value


def test_a_comma_before_three_digits_may_group_thousands() -> None:
    assert decimal("-1,024", thousands=True) is None
    assert decimal("0,703", thousands=True) == 0.703
    assert decimal("-1024,000", thousands=True) == -1024
    assert decimal("12,345") == 12.345  # millimetres: nobody lies 12 metres away


def test_a_decimal_comma_is_read(ct: Any, stored: NDArray) -> None:
    for k, path in enumerate(paths(ct.folder)):
        rewrite(
            path, RescaleIntercept=b"-1024,0", RescaleSlope=b"1,0", PixelSpacing=b"0,7\\0,5",
            ImagePositionPatient=f"-20,0\\-30,0\\{40 + 2 * k},125".encode(),
            SliceThickness=b"2,5", WindowCenter=b"40,5", WindowWidth=b"400,0", EchoTime=b"3,5",
        )  # fmt: skip
    volume = io.read(ct.folder)
    np.testing.assert_array_equal(volume.array, stored - 1024.0)
    assert volume.geometry.spacing_mm == pytest.approx((2.0, 0.7, 0.5))
    np.testing.assert_allclose(volume.geometry.world((0, 0, 0)), (20, 30, 40.125))
    assert stored_window(volume.source) == (40.5, 400)
    assert volume.warnings == ()


def test_a_derived_series_of_it_has_points(ct: Any, tmp_path: Path) -> None:
    for path in paths(ct.folder):
        rewrite(path, RescaleIntercept=b"-1024,0", PixelSpacing=b"0,7\\0,5", SliceThickness=b"2,5",
                WindowCenter=b"40,5", WindowWidth=b"a lot", SeriesNumber=b"3,0")  # fmt: skip
    volume = io.read(ct.folder)
    again = io.read(io.write_series(volume, tmp_path / "out", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.geometry.same_grid(volume.geometry)
    image = pydicom.dcmread(paths(tmp_path / "out")[0])
    assert (image.PixelSpacing, image.SliceThickness) == ([0.7, 0.5], 2.5)
    assert io.write_map(volume, tmp_path / "map", description="std").is_dir()


@pytest.mark.parametrize(
    "written", [b"-1024 HU", b"-1024\\-1024", b"- 1024", b"-1,024", b"NaN", b"-inf", b"1e999"]
)
@pytest.mark.parametrize("keyword", ["RescaleIntercept", "RescaleSlope"])
@pytest.mark.parametrize("spoilt", [slice(None), slice(4, 5)], ids=["all", "last"])
def test_a_scale_that_is_no_number_is_refused(
    ct: Any, keyword: str, written: bytes, spoilt: slice
) -> None:
    files = paths(ct.folder)[spoilt]
    for path in files:
        rewrite(path, **{keyword: written})
    message = refusal(ct.folder)
    assert files[0].name in message
    assert {"RescaleIntercept": "(0028,1052)", "RescaleSlope": "(0028,1053)"}[keyword] in message
    assert written.decode() in message
    with pytest.raises(InputError, match=files[0].name):
        io.read(files[0])


@pytest.mark.parametrize(
    ("keyword", "tag", "written"),
    [
        ("ImagePositionPatient", "(0020,0032)", b"-20\\-30\\forty"),
        ("ImagePositionPatient", "(0020,0032)", b"-20\\-30"),
        ("ImagePositionPatient", "(0020,0032)", b"-20\\-30\\nan"),
        ("ImageOrientationPatient", "(0020,0037)", b"1\\0\\0\\0\\1"),
        ("ImageOrientationPatient", "(0020,0037)", b"1\\0\\0\\0\\I\\0"),
        ("PixelSpacing", "(0028,0030)", b"0.7 mm\\0.5 mm"),
        ("PixelSpacing", "(0028,0030)", b"0.7"),
    ],
)
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_a_place_that_cannot_be_read_is_refused(
    series: New, stored: NDArray, modality: str, keyword: str, tag: str, written: bytes
) -> None:
    scan = series(modality)
    scan.planes(stored, (0, 0, 2.0))
    rewrite(scan.folder / "IM0005.dcm", **{keyword: written})
    message = refusal(scan.folder)
    assert "IM0005.dcm" in message and tag in message and written.decode() in message


@pytest.mark.parametrize("written", [b"", None])
@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "PixelSpacing"])
def test_a_place_that_some_slices_lack_is_refused(
    ct: Any, keyword: str, written: bytes | None
) -> None:
    rewrite(ct.folder / "IM0005.dcm", **{keyword: written})
    assert "IM0005.dcm lacks" in refusal(ct.folder)


def test_a_position_that_no_scanner_has_spoils_its_series(ct: Any) -> None:
    rewrite(ct.folder / "IM0005.dcm", ImagePositionPatient=b"0\\0\\1e12")
    assert "IM0005.dcm" in refusal(ct.folder)


@pytest.mark.parametrize("written", [b"", None])
def test_a_scale_that_all_slices_lack_is_warned_about(
    ct: Any, stored: NDArray, written: bytes | None
) -> None:
    for path in paths(ct.folder):
        rewrite(path, RescaleIntercept=written, RescaleSlope=written)
    volume = io.read(ct.folder)
    np.testing.assert_array_equal(volume.array, stored)
    (warning,) = volume.warnings
    assert "Rescale Slope (0028,1053) and Rescale Intercept (0028,1052) are missing" in warning
    assert "Hounsfield" in warning
    (found,) = io.find(ct.folder)
    assert found.warnings == volume.warnings


@pytest.mark.parametrize("written", [b"", None])
@pytest.mark.parametrize("k", [0, 4])
def test_a_scale_that_some_slices_lack_is_refused(ct: Any, written: bytes | None, k: int) -> None:
    rewrite(paths(ct.folder)[k], RescaleIntercept=written)
    message = refusal(ct.folder)
    assert paths(ct.folder)[k].name in message
    assert "Rescale Intercept (0028,1052)" in message


def test_a_missing_scale_that_makes_no_difference_is_none(series: New, stored: NDArray) -> None:
    scan = series("MR")
    for k, values in enumerate(stored):
        tags = {"RescaleSlope": 1, "RescaleIntercept": 0} if k % 2 else {}
        scan.plane(values, (0, 0, 2.0 * k), **tags)
    volume = io.read(scan.folder)
    np.testing.assert_array_equal(volume.array, stored)
    assert volume.warnings == ()


def test_what_is_read_as_ct_without_a_scale_is_warned_about(series: New, stored: NDArray) -> None:
    scan = series("OT")
    scan.planes(stored, (0, 0, 2.0))
    assert io.read(scan.folder, modality="MR").warnings == ()
    assert "Hounsfield" in io.read(scan.folder, modality="CT").warnings[0]


def test_a_scale_of_a_binary_type_is_read(ct: Any, stored: NDArray) -> None:
    for path in paths(ct.folder):
        image = pydicom.dcmread(path)
        image.pop("RescaleIntercept")
        image.add_new("RescaleIntercept", "FD", -1024.0)
        image.save_as(path)
    np.testing.assert_array_equal(io.read(ct.folder).array, stored - 1024.0)


def test_a_scale_whose_type_was_lost_is_read(ct: Any, stored: NDArray) -> None:
    for path in paths(ct.folder):
        image = pydicom.dcmread(path)
        image.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        image.save_as(path, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(io.read(ct.folder).array, stored - 1024.0)


def test_slopes_that_some_mr_slices_lack_are_refused(series: New, stored: NDArray) -> None:
    scan = series("MR")
    for k, values in enumerate(stored):
        scan.plane(values, (0, 0, 2.0 * k), **({"RescaleSlope": 2.5} if k else {}))
    assert "IM0001.dcm lacks" in refusal(scan.folder)


def test_a_slope_of_0_is_a_blanked_tag_in_mr_and_spoils_ct(series: New, stored: NDArray) -> None:
    mr, ct = series("MR", "mr", RescaleSlope=0), series("CT", "ct", **{**CT, "RescaleSlope": 0})
    mr.planes(stored, (0, 0, 2.0))
    ct.planes(stored, (0, 0, 2.0))
    np.testing.assert_array_equal(io.read(mr.folder).array, stored)
    assert "Rescale Slope (0028,1053) is 0" in refusal(ct.folder)


def test_an_unreadable_real_world_slope_is_refused(series: New, stored: NDArray) -> None:
    world = item(RealWorldValueSlope=float("nan"), RealWorldValueIntercept=0.0)
    scan = series("MR", Manufacturer="Philips", RealWorldValueMappingSequence=[world])
    scan.planes(stored, (0, 0, 2.0))
    assert "Real World Value Slope (0040,9225)" in refusal(scan.folder)


def test_what_is_only_shown_may_be_garbled(ct: Any, stored: NDArray) -> None:
    for path in paths(ct.folder):
        image = pydicom.dcmread(path)
        image.add_new("PixelPaddingValue", "SS", [-32768, -32767])
        image.save_as(path)
        rewrite(path, WindowCenter=b"forty", SliceThickness=b"thin", KVP=b"120 kV", EchoTime=b"?",
                InstanceNumber=b"first")  # fmt: skip
    volume = io.read(ct.folder)
    np.testing.assert_array_equal(volume.array, stored - 1024.0)
    assert stored_window(volume.source) is None


def test_frames_of_an_enhanced_file(tmp_path: Path, write_enhanced: Any, stored: NDArray) -> None:
    planes = [{"position": (1.0, 2.0, 2.5 * k)} for k in range(5)]
    path = write_enhanced(tmp_path / "scan.dcm", planes, stored, Modality="CT")
    image = pydicom.dcmread(path)
    del image.PerFrameFunctionalGroupsSequence[3].PixelValueTransformationSequence
    image.save_as(path)
    np.testing.assert_array_equal(io.read(path).array, stored)  # the others have 1 and 0
    image.PerFrameFunctionalGroupsSequence[2].PixelValueTransformationSequence[
        0
    ].RescaleIntercept = -1024
    image.save_as(path)
    with pytest.raises(InputError, match="lacks Rescale Slope"):
        io.read(path)


def test_an_enhanced_file_may_state_its_scale_outside_its_groups(
    tmp_path: Path, write_enhanced: Any, stored: NDArray
) -> None:
    planes = [{"position": (1.0, 2.0, 2.5 * k)} for k in range(5)]
    path = write_enhanced(tmp_path / "scan.dcm", planes, stored, Modality="CT", **CT)
    image = pydicom.dcmread(path)
    for groups in image.PerFrameFunctionalGroupsSequence:
        del groups.PixelValueTransformationSequence
    image.save_as(path)
    np.testing.assert_array_equal(io.read(path).array, stored - 1024.0)


def test_numbers_of_functional_groups(tmp_path: Path, write_enhanced: Any, stored: NDArray) -> None:
    planes = [{"position": (1.0, 2.0, 2.5 * k)} for k in range(5)]
    path = write_enhanced(tmp_path / "scan.dcm", planes, stored, Modality="CT")
    image = pydicom.dcmread(path)
    for groups in image.PerFrameFunctionalGroupsSequence:
        put(groups.PixelValueTransformationSequence[0], RescaleIntercept=b"-1024,0")
    shared = image.SharedFunctionalGroupsSequence[0]
    put(shared.PixelMeasuresSequence[0], PixelSpacing=b"0,7\\0,5", SliceThickness=b"2,5")
    image.save_as(path)
    volume = io.read(path)
    np.testing.assert_array_equal(volume.array, stored - 1024.0)
    again = io.read(io.write_series(volume, tmp_path / "out", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)
    assert again.geometry.same_grid(volume.geometry)
    assert pydicom.dcmread(paths(tmp_path / "out")[0]).SliceThickness == 2.5
    groups = image.PerFrameFunctionalGroupsSequence[4]
    put(groups.PixelValueTransformationSequence[0], RescaleIntercept=b"-1024 HU")
    image.save_as(path)
    with pytest.raises(InputError, match=r"Rescale Intercept \(0028,1052\) is '-1024 HU'"):
        io.read(path)


def test_the_step_of_a_mosaic_that_cannot_be_read(series: New, stored: NDArray) -> None:
    scan = series(ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
    private = [(0x0029, "SIEMENS CSA HEADER", 0x10, "OB", csa({"NumberOfImagesInMosaic": ["4"]}))]
    tiles = np.block([[stored[0], stored[1]], [stored[2], stored[3]]])
    path = scan.plane(tiles, (-20.0, -30.0, 40.0), private=private, SliceThickness=2.0)
    assert io.read(path).geometry.spacing_mm[0] == 2
    rewrite(path, SpacingBetweenSlices=b"2,4")
    assert io.read(path).geometry.spacing_mm[0] == pytest.approx(2.4)
    rewrite(path, SpacingBetweenSlices=b"2.4mm")
    with pytest.raises(InputError, match=r"Spacing Between Slices \(0018,0088\) is '2.4mm'"):
        io.read(path)
