"""Real scans beside the repository: read or refused, placed as dcm2niix places them."""

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from dcm2niix_oracle import agree, converted

from medrestore import io
from medrestore.errors import GapError, MedrestoreError

SHARED = Path(__file__).parents[3] / "shared" / "data"
DICOM = SHARED / "dicom"
FILES = sorted(p for p in DICOM.rglob("*") if p.is_file()) if DICOM.is_dir() else []
TRANSFER = [p for p in FILES if p.parent.name == "pydicom_transfer_syntaxes"]
SERIES = {
    "philips_classic_fmri_and_dti/Magdeburg_2014": (3, 9, 64, 64),
    "philips_classic_fmri_and_dti/Vanderbilt_2018": (17, 40, 80, 80),
    "siemens_mosaic_and_ge_epi/20180918GE/mr_0004": (10, 15, 64, 64),
    "siemens_mosaic_and_ge_epi/20180918GE/mr_0006": (10, 15, 64, 64),
    "siemens_mosaic_and_ge_epi/20180918Si/mr_0003": (2, 5, 72, 72),
    "siemens_mosaic_and_ge_epi/20180918Si/mr_0004": (2, 5, 72, 72),
    "siemens_mosaic_and_ge_epi/20180918Si/mr_0005": (2, 5, 72, 72),
    "siemens_mosaic_and_ge_epi/20180918Si/mr_0006": (2, 5, 72, 72),
    "enhanced_multiframe/Siemens": (4, 6, 64, 64),
    "agfa_rewritten_siemens": (4, 25, 64, 64),
}
READABLE = {
    "693_J2KR.dcm", "693_UNCI.dcm", "JLSL_16_15_1_1F.dcm", "MR-SIEMENS-DICOM-WithOverlays.dcm",
    "MR2_J2KI.dcm", "MR2_J2KR.dcm", "MR2_UNCI.dcm", "bad_sequence.dcm", "explicit_VR-UN.dcm",
}  # fmt: skip
NOT_FOR_DCM2NIIX = {"JLSL_16_15_1_1F.dcm", "MR2_J2KI.dcm", "MR2_J2KR.dcm"}
"""JPEG-LS and these JPEG 2000 files: Debian's dcm2niix (1.0.20220720) does not decode them."""

pytestmark = pytest.mark.skipif(not FILES, reason="shared/data is not beside the repository")


@pytest.mark.parametrize("path", TRANSFER, ids=lambda p: p.name)
def test_each_transfer_syntax_is_read_or_refused(path: Path) -> None:
    if path.name in READABLE:
        volume = io.read(path)
        assert volume.array.shape[0] == 1
        assert np.ptp(volume.array) > 100
        return
    with pytest.raises(MedrestoreError) as caught:
        io.read(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_a_lossy_codec_gives_nearly_the_voxels_it_was_unpacked_to() -> None:
    folder = DICOM / "pydicom_transfer_syntaxes"
    packed, plain = (io.read(folder / name) for name in ("MR2_J2KI.dcm", "MR2_UNCI.dcm"))
    slope = np.diff(np.unique(plain.array)).min()
    np.testing.assert_allclose(packed.array, plain.array, atol=1.01 * slope)


@pytest.mark.slow
def test_every_file_is_found_or_skipped() -> None:
    scans = io.find(DICOM)
    seen = {file for scan in scans for file in scan.files} | {file for file, _ in scans.skipped}
    assert seen == set(FILES)
    for scan in scans:
        try:
            volume = io.read(scan)
        except GapError:
            volume = io.read(scan, gaps="keep")
        assert volume.geometry.shape == scan.shape
        assert (len(volume.array) if volume.is_4d else 1) == scan.time_points


def test_the_tilted_scan_with_gaps() -> None:
    folder = DICOM / "ge_ct_head_gantry_tilt_variable_spacing"
    with pytest.raises(GapError, match=r"slices 14 and 15 are 1\.08 mm apart") as caught:
        io.read(folder)
    assert "--gaps keep" in str(caught.value)
    volume = io.read(folder, gaps="keep")
    assert volume.array.shape == (28, 512, 512)
    assert any("tilted by 18.5°" in warning for warning in volume.warnings)
    steps = np.diff(volume.geometry.slice_positions_mm)
    np.testing.assert_allclose(steps[:13], 4.0, atol=0.005)
    np.testing.assert_allclose(steps[14:], 7.0, atol=0.005)


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize(
    "folder",
    [pytest.param(f, marks=[pytest.mark.slow] if "Vanderbilt" in f else []) for f in SERIES],
)
def test_dcm2niix_agrees(folder: str, tmp_path: Path) -> None:
    volume = io.read(DICOM / folder)
    assert volume.array.shape == SERIES[folder]
    reference = max(converted(DICOM / folder, tmp_path), key=lambda v: v.array.size)
    agree(volume.array, volume.geometry, reference.array, reference.geometry)


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
def test_dcm2niix_agrees_on_both_volumes_of_a_file(tmp_path: Path) -> None:
    scans = io.find(DICOM / "enhanced_multiframe" / "Philips")
    references = converted(DICOM / "enhanced_multiframe" / "Philips", tmp_path)
    assert len(scans) == len(references) == 2
    for scan, reference in zip(scans, references, strict=True):
        volume = io.read(scan)
        agree(volume.array, volume.geometry, reference.array, reference.geometry)


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("name", sorted(READABLE - NOT_FOR_DCM2NIIX))
def test_dcm2niix_agrees_on_single_files(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = shutil.copy(DICOM / "pydicom_transfer_syntaxes" / name, folder)
    volume, reference = io.read(path), converted(folder, tmp_path)[0]
    assert reference.array.shape == volume.array.shape
    agree(volume.array, volume.geometry, reference.array, reference.geometry)


@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
def test_dcm2niix_agrees_on_the_voxels_of_the_tilted_scan(tmp_path: Path) -> None:
    """Not on its grid: dcm2niix either forgets the tilt (compared here) or resamples the slices."""
    folder = DICOM / "ge_ct_head_gantry_tilt_variable_spacing"
    volume = io.read(folder, gaps="keep")
    reference = min(converted(folder, tmp_path), key=lambda v: v.array.size)
    np.testing.assert_array_equal(volume.array, reference.array[:, ::-1])
    across = np.abs(volume.geometry.affine[:3, 2]) - np.abs(reference.geometry.affine[:3, 2])
    np.testing.assert_allclose(across, 0, atol=1e-5)


@pytest.mark.parametrize(
    "path", sorted((SHARED / "validation").glob("*.nii.gz")), ids=lambda p: p.name
)
def test_validation_scans_keep_their_affine(path: Path, tmp_path: Path) -> None:
    out = nib.load(io.write(io.read(path), tmp_path / "out.nii"))
    source = nib.load(path)
    np.testing.assert_array_equal(out.affine, source.affine)
    assert out.shape == source.shape
    for key in ("sform_code", "qform_code", "xyzt_units", "descrip"):
        assert out.header[key] == source.header[key]
    np.testing.assert_array_equal(out.header["pixdim"], source.header["pixdim"])
    np.testing.assert_allclose(out.get_fdata(), source.get_fdata(), rtol=1e-6)


def test_ct_is_recognised_by_its_air() -> None:
    for path in (SHARED / "validation").glob("*.nii.gz"):
        assert io.read(path).modality == ("CT" if path.name.startswith("ct_") else None)
