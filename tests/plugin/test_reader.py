"""Opening files and folders through npe2, as napari does."""

import shutil
import time

import nibabel as nib
import numpy as np
import pytest
from npe2 import io_utils

import medrestore
from medrestore.errors import InputError
from medrestore.io import write
from medrestore.plugin.files import ct_torso, get_reader, mr_head
from medrestore.plugin.layers import KEY
from medrestore.resources import sample_data_folder

MANIFEST = f"{medrestore.__path__[0]}/napari.yaml"


@pytest.fixture
def opened(npe2pm):
    with npe2pm.tmp_plugin(manifest=MANIFEST):
        yield lambda path: io_utils.read([str(path)], stack=False)


@pytest.fixture(scope="module")
def dicom_folder():
    return sample_data_folder() / "ct_torso_dicom"


@pytest.mark.parametrize(
    "name", ["a.nii.gz", "a.NII.GZ", "a.nii", "a.nrrd", "a.mha", "a.mhd", "a.zarr"]
)
def test_every_format_opens_as_one_layer(opened, make_volume, tmp_path, name):
    volume = make_volume(shape=(3, 5, 7))
    write(volume, tmp_path / name)
    [(data, meta, kind)] = opened(tmp_path / name)
    assert (kind, meta["name"]) == ("image", "a")
    assert data.shape == (3, 5, 7)
    assert np.allclose(meta["metadata"][KEY]["affine"], volume.geometry.affine, atol=1e-4)


def test_a_dicom_folder_opens_as_one_layer(opened, dicom_folder):
    [(_, meta, _)] = opened(dicom_folder)
    assert meta["metadata"][KEY]["modality"] == "CT"
    assert meta["contrast_limits"] == (-150, 250)


def test_one_dicom_file_opens(opened, dicom_folder):
    file = sorted(p for p in dicom_folder.iterdir() if p.is_file())[0]
    [(data, _, _)] = opened(file)
    assert data.shape[0] == 1


def test_a_folder_with_two_volumes_and_a_broken_one(opened, make_volume, dicom_folder, tmp_path):
    shutil.copytree(dicom_folder, tmp_path / "ct")
    write(make_volume(), tmp_path / "mr.nii.gz")
    whole = (tmp_path / "mr.nii.gz").read_bytes()
    (tmp_path / "broken.nii.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"left out: .*broken"):
        layers = opened(tmp_path)
    assert sorted(meta["name"] for _, meta, _ in layers) == ["ct", "mr"]


def test_what_a_reader_noticed_is_passed_on(opened, tmp_path):
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.float32), None), tmp_path / "x.nii")
    with pytest.warns(UserWarning, match=r"x: position and orientation are not given"):
        opened(tmp_path / "x.nii")


def test_other_files_and_folders_are_left_to_others(tmp_path):
    (tmp_path / "notes.txt").write_text("not a scan")
    (tmp_path / "picture.tif").write_bytes(b"II*\0")
    assert get_reader(str(tmp_path / "picture.tif")) is None
    assert get_reader([str(tmp_path / "a.nii"), str(tmp_path / "picture.tif")]) is None
    assert get_reader(str(tmp_path)) is None


def test_a_large_folder_without_dicom_is_left_fast(tmp_path):
    for i in range(100):
        (tmp_path / f"{i}").mkdir()
        for j in range(20):
            (tmp_path / f"{i}" / f"{j}").write_bytes(b"chunk")
    began = time.process_time()
    assert get_reader(str(tmp_path)) is None
    assert time.process_time() - began < 0.5


def test_a_file_that_is_no_scan_is_one_clear_line(opened, tmp_path):
    (tmp_path / "x.nii.gz").write_text("hello")
    with pytest.raises(InputError, match="not a readable NIfTI file"):
        opened(tmp_path / "x.nii.gz")


def test_the_samples_open_and_say_what_they_are():
    for sample, modality in ((mr_head, "MR"), (ct_torso, "CT")):
        [(data, meta, _)] = sample()
        assert meta["metadata"][KEY]["modality"] == modality
        assert data.ndim == 3
