"""The demo: sample scans in; layers, pictures and honest figures out."""

from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.batch.demo import accuracy, demo, on_grid
from medrestore.cli import main
from medrestore.errors import InputError
from medrestore.volume import Geometry, Source, Volume
from scans import ct_array, mr_array, write_ct, write_nifti

LAYERS = ("restored", "std", "lower", "upper", "removed", "inconsistent")
LPS = np.diag([-0.8, -0.8, 2.5, 1.0])
LPS[:3, 3] = (20.0, 30.0, 40.0)


@pytest.fixture
def samples(tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CT series and an MR file with their truths; the CT's has its axes turned round."""
    folder = tmp_path / "samples"
    write_ct(folder / "ct_torso_dicom", ct_array())
    turned = LPS @ np.array([[-1, 0, 0, 47], [0, -1, 0, 47], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    truth = ct_array(noise=0.0)[:, ::-1, ::-1]
    write_nifti(folder / "ct_torso_clean.nii.gz", truth, turned)
    write_nifti(folder / "mr_head.nii.gz", mr_array())
    write_nifti(folder / "mr_head_clean.nii.gz", mr_array(noise=0.0))
    (folder / "README.md").write_text("made for the tests")
    monkeypatch.setattr("medrestore.batch.demo.sample_data_folder", lambda: folder)
    return folder


def test_the_demo(samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    for _ in range(2):  # it can be run again
        assert main(["demo", "-o", str(out)]) == 0
        said = capsys.readouterr()
        assert said.err == ""
        assert "soft tissue" in said.out and "PSNR in the foreground" in said.out
        assert "covered by the 90 % interval" in said.out
        assert f"open {out / 'report.html'}" in said.out.splitlines()[-1]
    for layer in LAYERS:
        assert (out / f"mr_head_{layer}.nii.gz").exists()
        assert len(list((out / f"ct_torso_dicom_{layer}").glob("*.dcm"))) == 5
    assert (out / "contact_sheet.png").stat().st_size > 10_000
    assert "mr_head" in (out / "report.html").read_text()
    assert not list(out.glob("*clean*"))


def test_the_truth_is_turned_to_the_scan(samples: Path) -> None:
    noisy = mr.read(samples / "ct_torso_dicom")
    clean = on_grid(mr.read(samples / "ct_torso_clean.nii.gz"), noisy.geometry)
    assert clean.geometry.same_grid(noisy.geometry, 0.01)
    assert 24 < np.std(noisy.array - clean.array) < 26  # nothing but the noise is left
    other = Geometry(noisy.geometry.shape, np.eye(4))
    with pytest.raises(InputError, match="not on the grid"):
        on_grid(clean, other)


def test_the_figures_are_right() -> None:
    """Made by hand: errors of 40 before and 10 after, an interval that holds three in four."""

    def scan(array: np.ndarray) -> Volume:
        return Volume(array, Geometry((1, 2, 2), np.eye(4)), "CT", "HU", Source(name="ct"))

    class Result:
        restored = scan(np.full((1, 2, 2), 10.0))
        lower, upper = scan(np.full((1, 2, 2), -5.0)), scan(np.array([[[5.0, 5], [5, -1]]]))

        class plan:
            class settings:
                level = 0.9

    found = accuracy(scan(np.zeros((1, 2, 2))), scan(np.full((1, 2, 2), 40.0)), Result())
    assert found == {
        "error (RMSE) in soft tissue": "40.0 → 10.0 HU",
        "covered by the 90 % interval": "75.0 % of soft tissue",
    }


def test_without_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medrestore.batch.demo.sample_data_folder", lambda: tmp_path)
    with pytest.raises(InputError, match="no sample scans"):
        demo(tmp_path / "out")
