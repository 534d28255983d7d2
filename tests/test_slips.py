"""Slips that people make, and what they are told; values print as one line."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

import medrestore as mr
from medrestore.batch.gather import gather
from medrestore.cli import main
from medrestore.errors import InputError, SettingsError, UnsuitableError
from medrestore.plugin.messages import as_sentence
from scans import ct_array, mr_array, write_ct, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.mark.parametrize("given", ["scan.nii.gz", np.zeros((3, 4, 5))])
def test_what_is_no_volume_is_said_to_be_none(given: object) -> None:
    with pytest.raises(InputError, match=r"a Volume is restored, .*, not a (str|ndarray)"):
        mr.denoise(given)  # type: ignore[arg-type]


def test_values_print_as_one_line(tmp_path: Path) -> None:
    volume = mr.read(write_nifti(tmp_path / "head.nii.gz", mr_array((2, 24, 20))), "MR")
    assert repr(volume).startswith("Volume(head: MR 2×24×20, ")
    result = mr.denoise(volume, noise=0.05, samples=0)
    assert "mr_tiny, 0 samples, seed 0" in repr(result)
    assert "\n" not in repr(result) + repr(volume) and len(repr(result)) < 200


def test_a_volume_that_is_not_there_is_counted_from_zero() -> None:
    volume = mr.Volume(np.zeros((3, 2, 4, 4)), mr.Geometry((2, 4, 4), np.eye(4)))
    with pytest.raises(InputError, match="volume 7 does not exist: the scan has 3, counted from 0"):
        volume.time_point(7)


def test_an_offset_on_a_ct_that_is_in_hu_is_refused(tmp_path: Path) -> None:
    folder = write_ct(tmp_path / "torso", ct_array((3, 64, 64)))
    with pytest.raises(UnsuitableError, match="was in HU before -1024 was added"):
        mr.denoise(mr.read(folder, hu_offset=-1024), noise=20.0, samples=0)


def test_a_dose_needs_noise_to_scale() -> None:
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    array = np.where(np.hypot(x, y) < 0.8, 40.0, -1000.0) * np.ones((3, 1, 1))
    clean = mr.Volume(array, mr.Geometry((3, 128, 128), np.eye(4)), "CT")
    with pytest.raises(SettingsError, match=r"nothing to scale; .* hu= \(--hu\)"):
        mr.simulate(clean, dose=0.25)


def test_a_batch_takes_the_word_of_the_header(tmp_path: Path) -> None:
    """--modality is for scans that do not say theirs: a CT is not restored as MR."""
    write_ct(tmp_path / "in" / "torso", ct_array((3, 64, 64)))
    write_nifti(tmp_path / "in" / "head.nii.gz", mr_array((3, 40, 36)))
    command = ["batch", str(tmp_path / "in"), str(tmp_path / "out"), "--modality", "MR"]
    assert main([*command, "--samples", "0"]) == 0
    assert mr.read(tmp_path / "out" / "torso" / "torso_restored").modality == "CT"
    assert (tmp_path / "out" / "head_restored.nii.gz").exists()


def test_a_refused_series_is_one_failure(tmp_path: Path) -> None:
    folder = write_ct(tmp_path / "in" / "torso", ct_array((5, 64, 64)))
    broken = sorted(folder.iterdir())[2]
    image = pydicom.dcmread(broken)
    image[0x00281052] = RawDataElement(Tag(0x00281052), "DS", 8, b"-1024 HU", 0, False, True)
    image.save_as(broken)
    found = mr.find(tmp_path / "in")
    sorted_out = gather(found, tmp_path / "in")
    assert list(sorted_out.damaged) == ["torso"] and not sorted_out.scans
    assert "Rescale Intercept" in sorted_out.damaged["torso"]
    ((place, reason, count),) = found.reasons()
    assert (place, count) == (folder, 5) and reason == found.skipped[0][1]


def test_one_file_of_a_series_is_said_to_be_one_slice(tmp_path: Path) -> None:
    folder = write_ct(tmp_path / "torso", ct_array((5, 64, 64)))
    volume = mr.read(sorted(folder.iterdir())[1])
    assert volume.array.shape == (1, 64, 64)
    assert volume.warnings[-1].startswith("this is one slice, of a folder with 5 such files")
    assert not any("one slice" in text for text in mr.read(folder).warnings)


def test_names_keep_their_case_in_sentences() -> None:
    assert as_sentence(InputError("mr_head.nii.gz is missing")) == "mr_head.nii.gz is missing."
    assert as_sentence(InputError("the scan is empty.")) == "The scan is empty."


def test_percents_are_no_fraction(tmp_path: Path) -> None:
    """5 meant as 5 % would empty the image."""
    volume = mr.read(write_nifti(tmp_path / "head.nii.gz", mr_array((2, 24, 20))), "MR")
    for refused in (mr.denoise, mr.simulate):
        with pytest.raises(SettingsError, match=r"noise=5 is no fraction .*: 0\.05 is 5 %"):
            refused(volume, noise=5)
    with pytest.raises(SettingsError, match="alone; got dose=None, noise=None, hu=30"):
        mr.simulate(volume, hu=30)
