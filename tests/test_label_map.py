"""Segmentations and masks are no scans; scans of few bits are."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial import cKDTree

import medrestore as mr
from medrestore.batch.gather import gather
from medrestore.errors import InputError, UnsuitableError
from medrestore.io.modality import is_label_map
from scans import body, mr_array

SHAPE = (6, 60, 64)


def segmentation(labels: int, dtype: type = np.uint8) -> np.ndarray:
    """Organs: the values 1 … labels around points in a body, 0 outside."""
    points = np.random.default_rng(0).random((3 * labels, 3)) * SHAPE
    places = np.moveaxis(np.indices(SHAPE), 0, -1)
    nearest = cKDTree(points).query(places)[1]
    return np.where(body(SHAPE) > 0, 1 + nearest % labels, 0).astype(dtype)


def write(path: Path, array: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(array.T, np.eye(4)), path)
    return path


@pytest.mark.parametrize("labels", [1, 2, 5, 12])
def test_segmentations_are_label_maps(labels: int) -> None:
    assert is_label_map(segmentation(labels))
    assert is_label_map(segmentation(labels).astype(np.float32))


def test_vessels_one_voxel_wide_are_a_mask() -> None:
    assert is_label_map((np.random.default_rng(0).random(SHAPE) > 0.9).astype(np.uint8))


def test_large_labels_of_an_atlas_are_label_maps() -> None:
    values = np.array([0, *range(1001, 1013)])
    assert is_label_map(values[segmentation(12)])


@pytest.mark.parametrize("levels", [255, 60, 16])
def test_a_scan_of_few_bits_is_a_scan(levels: int) -> None:
    scan = mr_array(SHAPE, noise=0.05)
    assert not is_label_map(np.round(scan / scan.max() * levels))


def test_a_bright_and_dark_scan_of_8_bits_is_a_scan() -> None:
    scan = mr_array(SHAPE, noise=0.02)
    assert not is_label_map(np.clip(scan / scan.max() * 800, 0, 255).round().astype(np.uint8))


def test_a_phantom_in_hu_and_an_empty_scan_are_no_label_maps() -> None:
    assert not is_label_map(np.where(body(SHAPE) > 0, 40, -1000))
    assert not is_label_map(np.zeros(SHAPE))
    assert not is_label_map(np.full(SHAPE, np.nan))


def test_folders_leave_label_maps_out(tmp_path: Path) -> None:
    write(tmp_path / "scan.nii.gz", mr_array(SHAPE))
    write(
        tmp_path / "scan_8bit.nii.gz", np.round(mr_array(SHAPE) / 3).clip(0, 255).astype(np.uint8)
    )
    write(tmp_path / "organs.nii.gz", segmentation(12))
    write(tmp_path / "atlas.nii", segmentation(5, np.float32))
    sitk.WriteImage(sitk.GetImageFromArray(segmentation(3)), str(tmp_path / "mask.nrrd"))
    named = nib.Nifti1Image(mr_array(SHAPE).T, np.eye(4))
    named.header.set_intent("label")
    nib.save(named, tmp_path / "said.nii")
    slicer = sitk.GetImageFromArray(segmentation(3, np.int16))
    slicer.SetMetaData("Segment0_ID", "Segment_1")
    sitk.WriteImage(slicer, str(tmp_path / "slicer.seg.nrrd"))
    scans = mr.find(tmp_path)
    assert [scan.name for scan in scans] == ["scan", "scan_8bit"]
    assert [path.name for path, reason in scans.skipped if "label map" in reason] == [
        "atlas.nii", "mask.nrrd", "organs.nii.gz", "said.nii", "slicer.seg.nrrd",
    ]  # fmt: skip
    gathered = gather(scans, tmp_path)
    assert not gathered.damaged and len(gathered.skipped) == 5


def test_the_scan_beside_its_segmentation_is_the_only_one(tmp_path: Path) -> None:
    write(tmp_path / "scan.nii.gz", mr_array(SHAPE))
    write(tmp_path / "organs.nii.gz", segmentation(12))
    assert mr.read(tmp_path, "MR").source.name == "scan"
    (tmp_path / "scan.nii.gz").unlink()
    with pytest.raises(InputError, match="label map"):
        mr.read(tmp_path)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_a_label_map_is_read_as_a_mask_but_not_restored(
    tmp_path: Path, modality: str, tiny_models: Path
) -> None:
    volume = mr.read(write(tmp_path / "organs.nii.gz", segmentation(12)), modality)
    np.testing.assert_array_equal(volume.array, segmentation(12))
    with pytest.raises(UnsuitableError, match="organs is a label map") as caught:
        mr.denoise(volume)
    assert "\n" not in str(caught.value)


def test_a_scan_shows_itself_in_its_first_slice() -> None:
    def planes():
        yield mr_array(SHAPE)[0]
        raise AssertionError("a second slice was asked for")

    assert not is_label_map(planes())
