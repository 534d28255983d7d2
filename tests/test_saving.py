"""Results as Zarr: written for a Zarr store or when asked, run and opened again."""

from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.cli import main
from medrestore.errors import OutputError, SettingsError
from medrestore.results.naming import written_as
from medrestore.results.record import reopen
from scans import mr_array, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")
LAYERS = ("restored", "std", "lower", "upper", "removed", "inconsistent")
FAST = ("--modality", "MR", "--samples", "2")


def do(*arguments: object) -> int:
    return main([str(a) for a in arguments])


@pytest.mark.parametrize(
    ("origin", "asked", "kind"),
    [
        ("nifti", "source", "nifti"),
        ("itk", "source", "nifti"),
        ("array", "source", "nifti"),
        ("zarr", "source", "zarr"),
        ("dicom", "source", "dicom"),
        ("dicom", "nifti", "nifti"),
        ("zarr", "nifti", "nifti"),
        ("nifti", "zarr", "zarr"),
        ("dicom", "zarr", "zarr"),
    ],
)
def test_which_format_is_written(origin: str, asked: str, kind: str) -> None:
    assert written_as(origin, asked) == kind


def test_formats_that_cannot_be_written() -> None:
    with pytest.raises(SettingsError, match="source, nifti, dicom, zarr, got 'png'"):
        written_as("nifti", "png")
    with pytest.raises(OutputError, match="needs a DICOM source, this scan is zarr"):
        written_as("zarr", "dicom")


def test_zarr_in_zarr_out_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = mr.read(write_nifti(tmp_path / "head.nii.gz", mr_array()), "MR")
    store = mr.write(scan, tmp_path / "head.zarr")
    levels = np.full(scan.array.shape, 20, np.float32)
    levels[:, :20] = 10
    noise = mr.write(scan.with_array(levels), tmp_path / "map.zarr")
    assert do("denoise", store, "-o", tmp_path / "a", *FAST, "--noise", noise) == 0
    written = {path.name for path in (tmp_path / "a").iterdir()}
    assert written == {f"head_{name}.zarr" for name in (*LAYERS, "noise")} | {"head_run.json"}
    record = tmp_path / "a" / "head_run.json"
    assert do("rerun", record, "-o", tmp_path / "b", "--input", store) == 0
    for name in LAYERS:
        first, again = (mr.read(tmp_path / d / f"head_{name}.zarr", "MR") for d in "ab")
        np.testing.assert_array_equal(first.array, again.array)
        np.testing.assert_array_equal(first.geometry.affine, scan.geometry.affine)
    result = reopen(record, store)
    assert result.region(mr_array() > 0).voxels > 0
    capsys.readouterr()
    assert do("denoise", store, "-o", tmp_path / "a", *FAST) == 2
    assert "allow --overwrite" in capsys.readouterr().err
    assert do("denoise", store, "-o", tmp_path / "a", *FAST, "--overwrite") == 0


def test_a_stranger_in_a_store_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = write_nifti(tmp_path / "head.nii.gz", mr_array())
    own = tmp_path / "out" / "head_restored.zarr" / "thesis.txt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    asked = ("denoise", scan, "-o", tmp_path / "out", *FAST, "--format", "zarr", "--overwrite")
    assert do(*asked) == 2
    assert "thesis.txt, which medrestore did not write" in capsys.readouterr().err
    assert own.read_text() == "mine"


def test_a_run_of_a_gpu_is_opened_and_measured_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is computed to open it; its regions are, on the CPU."""
    scan = write_nifti(tmp_path / "head.nii.gz", mr_array())
    assert do("denoise", scan, "-o", tmp_path / "out", *FAST) == 0
    record = tmp_path / "out" / "head_run.json"
    here = reopen(record, scan).region(mr_array() > 0)
    record.write_text(record.read_text().replace('"device": "cpu"', '"device": "cuda"'))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    there = reopen(record, scan)
    assert there.plan.device == "cuda"
    assert there.region(mr_array() > 0) == here
