"""Results of earlier runs among the scans of a batch are left out, and that is said once."""

import shutil
from pathlib import Path

import pytest

import medrestore as mr
from medrestore.batch.gather import Gathered, gather
from medrestore.errors import InputError
from scans import ct_array, mr_array, write_ct, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")
FAST = {"samples": 2, "noise": 0.05, "keep_samples": True}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A scan with its results beside it, as `denoise -o .` leaves them."""
    folder = tmp_path / "in"
    path = write_nifti(folder / "head.nii.gz", mr_array())
    mr.denoise(mr.read(path, "MR"), **FAST).save(folder)
    return folder


def sorted_out(root: Path) -> Gathered:
    return gather(mr.find(root), root)


def test_the_scan_is_restored_and_its_results_are_not(root: Path, tmp_path: Path) -> None:
    found = sorted_out(root)
    assert [scan.name for scan in found.scans] == ["head"]
    assert found.skipped == {"head_run.json": "a run of medrestore: 7 results left out"}
    summary = mr.denoise_folder(root, tmp_path / "out", modality="MR", samples=0)
    assert set(summary.restored) == {"head.nii.gz"} and not summary.failed
    assert (tmp_path / "out" / "batch.jsonl").read_text().count("results left out") == 1


def test_a_run_without_its_record_is_known_by_all_it_leaves(root: Path) -> None:
    (root / "head_run.json").unlink()
    found = sorted_out(root)
    assert [scan.name for scan in found.scans] == ["head"]
    assert len(found.skipped) == 1


def test_a_name_alone_is_not_enough(root: Path) -> None:
    (root / "head_run.json").unlink()
    (root / "head_std.nii.gz").unlink()
    write_nifti(root / "other" / "knee_restored.nii.gz", mr_array())
    (root / "other" / "knee_run.json").write_text('{"outputs": ["knee_restored.nii.gz"]}')
    assert "knee_restored" in [scan.name for scan in sorted_out(root).scans]
    assert "head_restored" in [scan.name for scan in sorted_out(root).scans]


def test_derived_series_are_known_wherever_they_are(tmp_path: Path) -> None:
    root = tmp_path / "in"
    series = write_ct(root / "ct", ct_array((5, 64, 64)))
    mr.denoise(mr.read(series), samples=0, noise=20).save(tmp_path / "out")
    shutil.copytree(tmp_path / "out" / "ct_restored", root / "renamed")
    noisy = mr.simulate(mr.read(series), hu=20)
    mr.write(noisy, root / "noisy")  # derived by us too, and a scan
    found = sorted_out(root)
    assert [scan.path.name for scan in found.scans] == ["ct", "noisy"]
    assert found.skipped == {"renamed": "a run of medrestore: a result left out"}
    shutil.copytree(tmp_path / "out", root / "run")
    found = sorted_out(root)
    assert [scan.path.name for scan in found.scans] == ["ct", "noisy"]
    said = [reason for reason in found.skipped.values() if "a run of medrestore" in reason]
    assert len(said) == 2


def test_a_folder_of_results_alone_says_so(root: Path, tmp_path: Path) -> None:
    (root / "head.nii.gz").unlink()
    with pytest.raises(InputError, match="no scan to restore: a run of medrestore"):
        mr.denoise_folder(root, tmp_path / "out", modality="MR")
