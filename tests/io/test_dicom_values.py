"""Values of DICOM images, what is no scan, damaged files, and what is never said."""

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

New = Callable[..., Any]
ORIGIN = np.array([-20.0, -30.0, 40.0])


def up(mm: float) -> NDArray:
    return ORIGIN + np.array([0, 0, mm])


def test_slope_and_intercept_of_each_slice(series: New, stored: NDArray) -> None:
    scan = series()
    for k, values in enumerate(stored):
        scan.plane(values, up(k), RescaleSlope=k + 0.5, RescaleIntercept=-k)
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
    with pytest.raises(UnreadableError, match="pip install pylibjpeg pylibjpeg-openjpeg"):
        io.read(path)


def repacked(path: Path, syntax: str) -> None:
    """A file's voxels in another transfer syntax, by GDCM where pydicom has no encoder."""
    image, uid = pydicom.dcmread(path), getattr(pydicom.uid, syntax)
    if syntax.startswith("JPEGLossless"):
        import gdcm  # untyped, and slow to load

        reader, writer = gdcm.ImageReader(), gdcm.ImageWriter()
        reader.SetFileName(str(path))
        change = gdcm.ImageChangeTransferSyntax()
        number = gdcm.TransferSyntax.GetTSType(uid)
        change.SetTransferSyntax(gdcm.TransferSyntax(number))
        assert reader.Read()
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFileName(str(path))  # empties the file
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
    elif uid.is_compressed and not uid.is_deflated:
        if not pydicom.pixels.get_encoder(uid).is_available:
            pytest.skip(f"no encoder for {syntax} is installed")
        image.compress(uid, generate_instance_uid=False)
        image.save_as(path)
    else:
        image.file_meta.TransferSyntaxUID = uid
        if syntax == "ExplicitVRBigEndian":
            image.PixelData = np.frombuffer(image.PixelData, "<u2").astype(">u2").tobytes()
        pydicom.dcmwrite(
            path,
            image,
            implicit_vr=uid.is_implicit_VR,
            little_endian=uid.is_little_endian,
            force_encoding=True,
        )


@pytest.mark.parametrize(
    "syntax",
    [
        "ImplicitVRLittleEndian",
        "ExplicitVRBigEndian",
        "DeflatedExplicitVRLittleEndian",
        "RLELossless",
        "JPEGLossless",
        "JPEGLosslessSV1",
        "JPEGLSLossless",
        "JPEG2000Lossless",
    ],
)
@pytest.mark.parametrize("dtype", ["u2", "i2"])
def test_transfer_syntaxes(series: New, syntax: str, dtype: str) -> None:
    info = np.iinfo(dtype)
    values = np.random.default_rng(0).integers(info.min, info.max, (64, 48)).astype(dtype)
    path = series().plane(values, ORIGIN)
    repacked(path, syntax)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == getattr(pydicom.uid, syntax)
    np.testing.assert_array_equal(io.read(path).array[0], values)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableError, match=r"IM0001\.dcm") as caught:
        io.read(path)
    assert "\n" not in str(caught.value)


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
        scan.plane(stored[4], up(100))
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
