"""What a run record says of programs, system and device; what citations make of it."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.citations.citing import citations
from medrestore.devices import device_name
from medrestore.results.record import read_record, reopen
from medrestore.results.software import system_name, versions
from scans import ct_array, mr_array, write_ct, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Path:
    folder = tmp_path_factory.mktemp("run")
    volume = mr.read(write_nifti(folder / "head.nii.gz", mr_array((2, 24, 24))), modality="MR")
    return mr.denoise(volume, noise=0.05, samples=2, keep_samples=True).save(folder)[-1]


def test_a_record_names_what_took_part(record: Path) -> None:
    facts = json.loads(record.read_text())
    assert facts["software"]["python"] == platform.python_version()
    for package in ("medrestore", "torch", "monai", "numpy", "nibabel"):
        assert facts["software"][package] == version(package)
    assert not {"pydicom", "SimpleITK", "zarr"} & facts["software"].keys()
    assert facts["system"] == system_name() and facts["device"]
    assert platform.node() not in facts["system"]


def test_readers_and_writers_are_those_of_the_formats(tmp_path: Path) -> None:
    volume = mr.read(write_ct(tmp_path / "torso", ct_array((3, 48, 48))))
    result = mr.denoise(volume, noise=25.0, samples=0)
    for format, there in (("nifti", {"nibabel", "pydicom"}), ("dicom", {"pydicom"})):
        facts = json.loads(result.save(tmp_path / format, format)[-1].read_text())
        found = {"nibabel", "pydicom", "SimpleITK", "zarr"} & facts["software"].keys()
        assert found - {"nibabel"} == {"pydicom"}
        assert there <= found
    assert versions(["itk", "array"])["SimpleITK"] == version("SimpleITK")


def test_citations_state_the_versions_of_the_run(record: Path, tmp_path: Path) -> None:
    facts = json.loads(record.read_text())
    facts["software"] |= {"torch": "1.2.3", "nibabel": "4.5.6"}
    path = tmp_path / "head_run.json"
    path.write_text(json.dumps(facts))
    found = {one.reference.key: one.reference.version for one in citations(path)}
    assert (found["pytorch"], found["nibabel"]) == ("1.2.3", "4.5.6")
    assert found["monai"] == version("monai")


def test_an_older_record_is_as_good(record: Path) -> None:
    facts = json.loads(record.read_text())
    older = {k: v for k, v in facts.items() if k not in ("software", "system", "device")}
    path = record.with_name("old_run.json")
    path.write_text(json.dumps(older))
    plan, volume = read_record(path)
    again, same = read_record(record)
    assert plan.to_json() == again.to_json()
    assert np.array_equal(volume.array, same.array)
    assert {one.reference.key for one in citations(path)} == {
        one.reference.key for one in citations(record)
    }


def test_kept_samples_come_back_if_asked(record: Path) -> None:
    assert reopen(record).samples is None
    samples = reopen(record, samples=True).samples
    assert samples is not None and samples.shape == (2, 2, 24, 24)
    place = record.with_name("head_samples.nii.gz")
    (kept,) = [samples]
    assert np.array_equal(kept, mr.read(place, "MR").array)
    moved = place.rename(record.with_name("gone.nii.gz"))
    assert reopen(record, samples=True).samples is None
    write_nifti(place, np.zeros((3, 2, 24, 24), np.float32))
    with pytest.raises(mr.InputError, match="the run drew 2 samples"):
        reopen(record, samples=True)
    moved.rename(place)


def test_a_device_has_a_name() -> None:
    assert device_name("cpu")
