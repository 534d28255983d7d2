"""Other programs on what we write: dciodvfy finds no fault, dcm2niix and SimpleITK agree."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from clean_series import TURNED, clean_series, write_planes
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import GapError
from medrestore.volume import Volume

SHARED = Path(__file__).parents[3] / "shared" / "data" / "dicom"
PLACED = [
    pytest.param("agfa_rewritten_siemens", marks=pytest.mark.slow),
    pytest.param("enhanced_multiframe/Philips", marks=pytest.mark.slow),
    "enhanced_multiframe/Siemens",
    "ge_ct_head_gantry_tilt_variable_spacing",
    "philips_classic_fmri_and_dti/Magdeburg_2014",
    pytest.param("philips_classic_fmri_and_dti/Vanderbilt_2018", marks=pytest.mark.slow),
    "pydicom_transfer_syntaxes/MR-SIEMENS-DICOM-WithOverlays.dcm",
    "pydicom_transfer_syntaxes/MR2_UNCI.dcm",
    "pydicom_transfer_syntaxes/693_UNCI.dcm",
    "pydicom_transfer_syntaxes/explicit_VR-UN.dcm",
    pytest.param("siemens_mosaic_and_ge_epi/20180918GE/mr_0004", marks=pytest.mark.slow),
    "siemens_mosaic_and_ge_epi/20180918Si/mr_0003",
]
TURNS = {
    "axial": {},
    "turned": {"orientation": TURNED},
    "tilted": {"step": (0.0, 0.6, 2.0)},
}
needs_dciodvfy = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed"
)
needs_dcm2niix = pytest.mark.skipif(
    shutil.which("dcm2niix") is None, reason="dcm2niix is not installed"
)


def errors(path: Path) -> list[str]:
    """What dciodvfy calls an error of one file."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    assert any("Image" in line or "Map" in line for line in lines), lines  # it knew the object
    return [line for line in lines if line.startswith("Error")]


def some(paths: list[Path]) -> list[Path]:
    """The first and the last."""
    return [paths[0], paths[-1]] if len(paths) > 1 else paths


def results(volume: Volume, out: Path) -> dict[str, list[Path]]:
    """The files of a restored scan and of its standard deviation, as a series and as a map."""
    restored, std = volume.with_array(volume.array * 1.01), volume.with_array(volume.array * 0.05)
    folders = (
        io.write_series(restored, out / "restored", description="medrestore: restored"),
        io.write_series(std, out / "std", description="medrestore: standard deviation"),
        io.write_map(std, out / "std_map", description="medrestore: standard deviation"),
    )
    return {folder.name: sorted(folder.iterdir()) for folder in folders}


@needs_dciodvfy
@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("turn", TURNS)
def test_a_clean_source_gives_clean_results(
    modality: str, turn: str, stored: NDArray, tmp_path: Path
) -> None:
    source = write_planes(clean_series(tmp_path / "in", modality), stored, **TURNS[turn])
    assert errors(next(source.iterdir())) == []
    for name, files in results(io.read(source), tmp_path / "out").items():
        for file in some(files):
            assert errors(file) == [], name


@needs_dciodvfy
def test_time_points_are_clean_too(stored: NDArray, tmp_path: Path) -> None:
    series = clean_series(tmp_path / "in", "MR", NumberOfTemporalPositions=3)
    for t in range(3):
        write_planes(series, stored + 100 * t, TemporalPositionIdentifier=t + 1)
    volume = io.read(series.folder)
    assert volume.array.shape[0] == 3
    for name, files in results(volume, tmp_path / "out").items():
        for file in some(files):
            assert errors(file) == [], name


@needs_dciodvfy
def test_missing_attributes_are_made_up_for(stored: NDArray, tmp_path: Path, series) -> None:
    """The bare headers of these tests lack a dozen attributes that must at least be there."""
    bare = series("CT", FrameOfReferenceUID=None, StudyInstanceUID=None)
    bare.planes(stored[:1], (0, 0, 2.0))
    assert len(errors(next(bare.folder.iterdir()))) > 8
    written = results(io.read(bare.folder), tmp_path / "out")
    spaces = set()
    for files in written.values():
        assert errors(files[0]) == []
        spaces.add(pydicom.dcmread(files[0]).FrameOfReferenceUID)
    assert len(spaces) == 1  # restored scan and map still share their space


@needs_dciodvfy
def test_classic_images_of_an_enhanced_file(
    stored: NDArray, tmp_path: Path, write_enhanced
) -> None:
    planes = [
        {"position": (-20.0, -30.0, 2.0 * z), "time": t + 1} for t in range(2) for z in range(5)
    ]
    both = np.concatenate([stored, stored + 1])
    path = write_enhanced(
        tmp_path / "in.dcm", planes, both, EchoPulseSequence="GRADIENT", InversionRecovery="YES",
        EchoPlanarPulseSequence="NO", InversionTime=0,
    )  # fmt: skip
    volume = io.read(path)
    for name, files in results(volume, tmp_path / "out").items():
        for file in some(files):
            assert errors(file) == [], name
    image = pydicom.dcmread(tmp_path / "out" / "restored" / "00001.dcm")
    assert list(image.ScanningSequence) == ["IR", "GR"]
    again = io.read(tmp_path / "out" / "restored")
    np.testing.assert_allclose(again.array, volume.array * 1.01, atol=0.01)


def test_what_must_not_be_copied(stored: NDArray, tmp_path: Path) -> None:
    series = clean_series(
        tmp_path / "in", "MR", ReferencedStudySequence=[], InversionTime=0,
        VelocityEncodingDirection=[0.0, 0.0, 0.0], CodeValue="", LUTLabel="Philips",
    )  # fmt: skip
    write_planes(series, stored)
    for path in series.folder.iterdir():
        image = pydicom.dcmread(path)
        item = pydicom.Dataset()
        item.ReferencedSOPInstanceUID = "1.2.3"
        item.private_block(0x2005, "SOMEONE", create=True).add_new(4, "SS", 1)
        image.ReferencedPerformedProcedureStepSequence = [item]
        image.save_as(path)
    folder = io.write_series(io.read(series.folder), tmp_path / "out", description="x")
    image = pydicom.dcmread(folder / "00001.dcm")
    for keyword in (
        "ReferencedStudySequence", "InversionTime", "VelocityEncodingDirection", "CodeValue",
        "LUTLabel",
    ):  # fmt: skip
        assert keyword not in image, keyword
    (step,) = image.ReferencedPerformedProcedureStepSequence
    assert [element.keyword for element in step] == ["ReferencedSOPInstanceUID"]


def test_a_new_window_has_no_old_name(stored: NDArray, tmp_path: Path) -> None:
    source = write_planes(clean_series(tmp_path / "in", "CT"), stored)
    volume = io.read(source)
    folder = io.write_series(volume.with_array(volume.array * 0), tmp_path / "o", description="x")
    image = pydicom.dcmread(folder / "00001.dcm")
    assert "WindowCenterWidthExplanation" not in image
    assert image.data_element("WindowCenter").VM == image.data_element("WindowWidth").VM == 1


def test_a_cardiac_scan_keeps_its_trigger_time(stored: NDArray, tmp_path: Path) -> None:
    tags = {"Manufacturer": "Philips", "TemporalPositionIdentifier": 1, "TriggerTime": 40.0}
    for name, options, kept in (("cine", "PPG", True), ("fmri", "FS", False)):
        series = clean_series(tmp_path / name, "MR")
        write_planes(series, stored, ScanOptions=options, **tags)
        folder = io.write_series(io.read(series.folder), tmp_path / f"{name}_o", description="x")
        assert ("TriggerTime" in pydicom.dcmread(folder / "00001.dcm")) is kept


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("turn", TURNS)
def test_simpleitk_reads_the_same(
    modality: str, turn: str, stored: NDArray, tmp_path: Path
) -> None:
    source = write_planes(clean_series(tmp_path / "in", modality), stored, **TURNS[turn])
    volume = io.read(source)
    folder = io.write_series(volume, tmp_path / "out", description="x")
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    image = sitk.ReadImage(names)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.array)
    origin = np.array([-1, -1, 1]) * volume.geometry.world((0, 0, 0))
    np.testing.assert_allclose(image.GetOrigin(), origin, atol=1e-4)
    if turn != "tilted":  # ITK knows no shear
        far = tuple(n - 1 for n in volume.array.shape)
        place = np.array([-1, -1, 1]) * volume.geometry.world(far)
        theirs = image.TransformIndexToPhysicalPoint([int(n) for n in reversed(far)])
        np.testing.assert_allclose(theirs, place, atol=1e-3)


@needs_dcm2niix
@pytest.mark.parametrize("turn", ["axial", "turned"])
def test_dcm2niix_reads_the_same(turn: str, stored: NDArray, tmp_path: Path) -> None:
    from test_shared_scans import agree, converted

    series = clean_series(tmp_path / "in", "MR", NumberOfTemporalPositions=2)
    for t in range(2):
        write_planes(
            series, stored + 100 * t, TemporalPositionIdentifier=t + 1,
            AcquisitionTime=f"10111{t}", **TURNS[turn],
        )  # fmt: skip
    volume = io.read(series.folder)
    folder = io.write_series(volume, tmp_path / "out", description="x")
    (other,) = converted(folder, tmp_path)
    assert other.array.shape == volume.array.shape
    agree(volume.array, volume.geometry, other.array, other.geometry)


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data is not beside the repository")
@needs_dciodvfy
@pytest.mark.parametrize("place", PLACED)
def test_real_scans_gain_no_errors(place: str, tmp_path: Path) -> None:
    """What dciodvfy says of a result of a real scan, it says of the scan."""
    for number, scan in enumerate(io.find(SHARED / place)):
        try:
            volume = io.read(scan)
        except GapError:
            volume = io.read(scan, gaps="keep")
        known = set(errors(volume.source.paths[0])) | set(errors(volume.source.paths[-1]))
        for name, files in results(volume, tmp_path / str(number)).items():
            for file in some(files):
                assert set(errors(file)) <= known, name


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data is not beside the repository")
@needs_dcm2niix
@pytest.mark.parametrize(
    "place",
    [
        "philips_classic_fmri_and_dti/Magdeburg_2014",
        "enhanced_multiframe/Siemens",
        "siemens_mosaic_and_ge_epi/20180918Si/mr_0003",
        pytest.param("siemens_mosaic_and_ge_epi/20180918GE/mr_0004", marks=pytest.mark.slow),
        pytest.param("agfa_rewritten_siemens", marks=pytest.mark.slow),
    ],
)
def test_dcm2niix_finds_the_time_points_of_real_scans(place: str, tmp_path: Path) -> None:
    from test_shared_scans import agree, converted

    volume = io.read(SHARED / place)
    assert volume.is_4d
    folder = io.write_series(volume, tmp_path / "out", description="restored")
    (other,) = converted(folder, tmp_path)
    again = io.read(folder)
    np.testing.assert_allclose(again.array, volume.array, atol=np.abs(volume.array).max() / 6e4)
    agree(again.array, volume.geometry, other.array, other.geometry)
