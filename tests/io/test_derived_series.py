"""A result written as a derived DICOM series beside its source."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import OutputError
from medrestore.io.dicom.window import display_range
from medrestore.volume import Geometry, Volume

New = Callable[..., Any]
ORIGIN = np.array([-20.0, -30.0, 40.0])


def up(mm: float) -> NDArray:
    return ORIGIN + np.array([0, 0, mm])


def images(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


@pytest.fixture
def scan(series: New, stored: NDArray) -> Any:
    made = series("CT", WindowCenter=40, WindowWidth=400, KVP=120, ConvolutionKernel="B30f")
    scale = {"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU"}
    made.planes(stored, (0, 0.3, 2.0), **scale)
    return made


def test_values_come_back_within_half_a_slope(scan: Any, tmp_path: Path) -> None:
    volume = io.read(scan.folder)
    noisy = np.random.default_rng(0).normal(0, 700, volume.array.shape)
    result = volume.with_array(volume.array + noisy)
    folder = io.write_series(result, tmp_path / "out", description="restored")
    slope = float(images(folder)[0].RescaleSlope)
    assert slope == pytest.approx(np.abs(result.array).max() / 32767, rel=1e-6)
    again = io.read(folder)
    np.testing.assert_allclose(again.array, result.array, atol=0.5001 * slope)
    assert again.geometry.same_grid(volume.geometry, 1e-6)
    assert again.modality == "CT"
    assert again.warnings == volume.warnings  # the same tilt


def test_whole_numbers_come_back_exactly(scan: Any, tmp_path: Path) -> None:
    volume = io.read(scan.folder)
    folder = io.write_series(volume, tmp_path / "out", description="restored")
    np.testing.assert_array_equal(io.read(folder).array, volume.array)


def test_the_header_is_that_of_a_derived_image(scan: Any, tmp_path: Path) -> None:
    source = images(scan.folder)
    volume = io.read(scan.folder)
    derived = images(io.write_series(volume, tmp_path / "out", description="restored"))
    assert len(derived) == len(source)
    assert len({image.SOPInstanceUID for image in derived}) == len(derived)
    (series_uid,) = {image.SeriesInstanceUID for image in derived}
    assert series_uid != scan.uid
    for image, origin in zip(derived, source, strict=True):
        assert image.StudyInstanceUID == scan.study
        assert image.FrameOfReferenceUID == scan.frame_of_reference
        assert image.SOPInstanceUID != origin.SOPInstanceUID
        assert image.SOPInstanceUID == image.file_meta.MediaStorageSOPInstanceUID
        assert list(image.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert image.DerivationDescription == "restored"
        assert image.SeriesDescription == "test scan restored"
        assert image.SeriesNumber != origin.SeriesNumber
        (reference,) = image.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == origin.SOPInstanceUID
        assert reference.ReferencedSOPClassUID == origin.SOPClassUID
        assert image.ImagePositionPatient == origin.ImagePositionPatient
        assert image.ImageOrientationPatient == origin.ImageOrientationPatient
        assert image.PatientName == origin.PatientName
        assert (image.KVP, image.ConvolutionKernel) == (120, "B30f")
        assert (image.BitsStored, image.PixelRepresentation) == (16, 1)
        assert image.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
        assert image.RescaleType == "HU"
        assert (image.WindowCenter, image.WindowWidth) != (40, 400)  # no voxel near 40 HU here


def test_no_private_tags_overlays_or_old_descriptions_of_values(
    series: New, stored: NDArray, tmp_path: Path
) -> None:
    scan = series(SmallestImagePixelValue=11, PixelPaddingValue=11, LossyImageCompression="01")
    path = scan.plane(stored[0], ORIGIN)
    image = pydicom.dcmread(path)
    image.private_block(0x0029, "SOMEONE", create=True).add_new(1, "LO", "something private")
    image.add_new((0x6000, 0x0010), "US", 6)
    image.add_new((0x0040, 0x9096), "SQ", [])
    image.save_as(path)
    (derived,) = images(io.write_series(io.read(path), tmp_path / "out", description="restored"))
    assert not any(element.tag.is_private for element in derived)
    assert not any(element.tag.group == 0x6000 for element in derived)
    for keyword in ("SmallestImagePixelValue", "PixelPaddingValue"):
        assert keyword not in derived
    assert "RealWorldValueMappingSequence" not in derived
    assert derived.LossyImageCompression == "01"


def test_nan_is_written_as_padding_and_comes_back(scan: Any, tmp_path: Path) -> None:
    volume = io.read(scan.folder)
    array = volume.array.copy()
    array[2, 3, 1] = np.nan
    folder = io.write_series(volume.with_array(array), tmp_path / "out", description="restored")
    assert images(folder)[2].PixelPaddingValue == -32768
    np.testing.assert_array_equal(io.read(folder).array, array)


def test_a_map_of_deviations_gets_a_window_of_its_own(scan: Any, tmp_path: Path) -> None:
    volume = io.read(scan.folder)
    spread = volume.with_array(np.linspace(3, 30, volume.array.size).reshape(volume.array.shape))
    image = images(io.write_series(spread, tmp_path / "out", description="std"))[0]
    assert float(image.WindowWidth) < 30
    assert 3 < float(image.WindowCenter) < 30


def test_gaps_come_out_at_their_true_positions(
    series: New, stored: NDArray, tmp_path: Path
) -> None:
    scan = series()
    for k in (0, 1, 3, 4):
        scan.plane(stored[k], up(2.0 * k))
    volume = io.read(scan.folder, gaps="keep")
    folder = io.write(volume, tmp_path / "out")
    again = io.read(folder, gaps="keep")
    assert again.geometry.slice_positions_mm == pytest.approx((0, 2, 6, 8))


def test_time_points(series: New, stored: NDArray, tmp_path: Path) -> None:
    scan = series()
    for t in range(3):
        scan.planes(stored + 1000 * t, (0, 0, 2.0), DiffusionBValue=500.0 * t)
    volume = io.read(scan.folder)
    again = io.read(io.write_series(volume, tmp_path / "all", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)
    one = io.write_series(volume.time_point(2), tmp_path / "one", description="restored")
    np.testing.assert_array_equal(io.read(one).array, stored + 2000)
    assert {image.DiffusionBValue for image in images(one)} == {1000.0}


def test_mr_without_rescale_shows_no_offset(series: New, stored: NDArray, tmp_path: Path) -> None:
    scan = series()
    scan.planes(stored, (0, 0, 2.0))
    volume = io.read(scan.folder)
    image = images(io.write(volume.with_array(volume.array * 1.1), tmp_path / "out"))[0]
    assert image.RescaleIntercept == 0
    assert image.pixel_array.min() >= 0
    assert image.SOPClassUID == pydicom.uid.MRImageStorage


def test_long_descriptions_fit(series: New, stored: NDArray, tmp_path: Path) -> None:
    scan = series(SeriesDescription="x" * 64)
    scan.planes(stored, (0, 0, 2.0))
    volume = io.read(scan.folder)
    image = images(io.write_series(volume, tmp_path / "out", description="restored"))[0]
    assert image.SeriesDescription == "x" * 55 + " restored"


def test_big_endian_sources(scan: Any, tmp_path: Path, series: New, stored: NDArray) -> None:
    folder = tmp_path / "big"
    folder.mkdir()
    for path in scan.folder.iterdir():
        image = pydicom.dcmread(path)
        image.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
        image.PixelData = image.pixel_array.byteswap().tobytes()
        image["PixelData"].VR = "OW"
        pydicom.dcmwrite(
            folder / path.name, image, implicit_vr=False, little_endian=False,
            force_encoding=True,
        )  # fmt: skip
    volume = io.read(folder)
    np.testing.assert_array_equal(volume.array, io.read(scan.folder).array)
    again = io.read(io.write_series(volume, tmp_path / "out", description="restored"))
    np.testing.assert_array_equal(again.array, volume.array)


def test_only_former_results_are_replaced(scan: Any, tmp_path: Path) -> None:
    volume = io.read(scan.folder)
    folder = io.write_series(volume, tmp_path / "out", description="restored")
    with pytest.raises(OutputError, match="not empty"):
        io.write_series(volume, folder, description="restored")
    io.write_series(volume.with_array(volume.array + 1), folder, description="x", overwrite=True)
    np.testing.assert_array_equal(io.read(folder).array, volume.array + 1)
    with pytest.raises(OutputError, match="did not write"):
        io.write_series(volume, scan.folder, description="restored", overwrite=True)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        io.write_series(volume, folder, description="restored", overwrite=True)
    assert len(list(scan.folder.iterdir())) == 5
    assert {path.name for path in tmp_path.iterdir()} == {"series", "out"}


def test_nothing_is_left_of_a_run_that_failed(
    scan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = io.read(scan.folder)
    next(scan.folder.glob("*3.dcm")).unlink()
    with pytest.raises(OutputError, match=r"IM0003\.dcm can no longer be read"):
        io.write_series(volume, tmp_path / "out", description="restored")
    assert [path.name for path in tmp_path.iterdir()] == ["series"]


def test_what_cannot_be_written_as_a_series(scan: Any, tmp_path: Path) -> None:
    made = Volume(np.zeros((2, 3, 4)), Geometry((2, 3, 4), np.eye(4)), "MR")
    with pytest.raises(OutputError, match="read from DICOM"):
        io.write_series(made, tmp_path / "out", description="restored")
    volume = io.read(scan.folder)
    part = Volume(
        volume.array[:2], Geometry((2, 6, 4), volume.geometry.affine), "CT", source=volume.source
    )
    with pytest.raises(OutputError, match="not on the grid"):
        io.write_series(part, tmp_path / "out", description="restored")
    assert not (tmp_path / "out").exists()


def test_the_window_of_a_map_that_is_mostly_0_shows_the_rest() -> None:
    lesion = np.zeros((4, 50, 50), np.float32)
    lesion[2, 10:14, 10:14] = 7.0
    assert display_range(lesion) == (0.0, 7.0)
    assert display_range(-lesion) == (-7.0, 0.0)
    assert display_range(np.zeros(5, np.float32)) == (0.0, 1.0)
    assert display_range(np.linspace(0, 100, 1001, dtype=np.float32)) == (1.0, 99.0)
