"""A folder in, a folder out: mirrored, logged as it goes, and never stopped by one bad scan."""

import json
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.cli import main
from medrestore.errors import Cancelled, InputError, OutputError, SettingsError
from medrestore.restorer import RESTORER
from medrestore.results.record import reopen
from scans import ct_array, mr_array, write_ct, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")
FAST = {"samples": 1, "modality": "MR", "noise": 0.05}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two MR scans of one name and a third format, one file that is none, and one damaged."""
    root = tmp_path / "archive"
    write_nifti(root / "one" / "head.nii.gz", mr_array())
    write_nifti(root / "two" / "deep" / "head.nii", mr_array(noise=0.1))
    (root / "two" / "notes.txt").write_text("notes")
    (root / "two" / "bad.nii.gz").write_text("no scan")
    return root


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_tree_is_mirrored_and_the_bad_scan_named(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = mr.denoise_folder(archive, out, **FAST)
    assert set(summary.restored) == {"one/head.nii.gz", "two/deep/head.nii"}
    assert set(summary.failed) == {"two/bad.nii.gz"} and set(summary.skipped) == {"two/notes.txt"}
    assert (out / "one" / "head_restored.nii.gz").exists()
    assert (out / "two" / "deep" / "head_run.json").exists()
    log = lines(out / "batch.jsonl")
    assert [line["state"] for line in log] == ["skipped", "failed", "restored", "restored"]
    assert log[-1]["outputs"][0] == "two/deep/head_restored.nii.gz"
    page = summary.report.read_text()
    assert "2 scans restored" in page and "bad.nii.gz" in page


def test_the_voxels_are_those_of_a_single_run(archive: Path, tmp_path: Path) -> None:
    mr.denoise_folder(archive, tmp_path / "out", **FAST, seed=3)
    volume = mr.read(archive / "one" / "head.nii.gz", modality="MR")
    alone = mr.denoise(volume, noise=0.05, samples=1, seed=3)
    written = mr.read(tmp_path / "out" / "one" / "head_restored.nii.gz")
    np.testing.assert_array_equal(written.array, alone.restored.array)


def test_two_files_of_one_stem_do_not_meet(tmp_path: Path) -> None:
    write_nifti(tmp_path / "in" / "head.nii.gz", mr_array())
    write_nifti(tmp_path / "in" / "head.nii", mr_array())
    summary = mr.denoise_folder(tmp_path / "in", tmp_path / "out", **FAST)
    assert len(summary.restored) == 2 and not summary.failed
    assert len(set(summary.restored.values())) == 2


def test_several_series_of_one_folder(tmp_path: Path) -> None:
    write_ct(tmp_path / "in" / "study", ct_array())
    more = write_ct(tmp_path / "more", ct_array(noise=10))
    for file in more.iterdir():
        file.rename(tmp_path / "in" / "study" / f"B{file.name}")
    write_ct(tmp_path / "in" / "gap", ct_array(), skip=(2,))
    summary = mr.denoise_folder(tmp_path / "in", tmp_path / "out", samples=0, format="nifti")
    assert set(summary.restored) == {"study", "study#study_2"}
    assert "mm" in summary.failed["gap"]
    assert len(list((tmp_path / "out" / "study").glob("*_restored.nii.gz"))) == 2


def test_whatever_happens_to_one_scan_the_rest_is_done(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = RESTORER.run, []

    def fails_once(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise MemoryError("too large")
        return run(*arguments)

    monkeypatch.setattr(RESTORER, "run", fails_once)
    summary = mr.denoise_folder(archive, tmp_path / "out", **FAST)
    assert summary.failed["one/head.nii.gz"] == "unexpected MemoryError: too large"
    assert set(summary.restored) == {"two/deep/head.nii"}


class Stopping:
    """A meter that cancels in the second scan's sampling."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.ticks = 0

    def start(self, total: int, label: str) -> None:
        self.labels.append(label)
        self.ticks = 0

    def tick(self, n: int = 1) -> None:
        self.ticks += n
        if len(self.labels) == 3 and self.ticks >= 12:
            raise Cancelled("enough")


def test_a_cancel_keeps_what_is_done(archive: Path, tmp_path: Path) -> None:
    meter = Stopping()
    with pytest.raises(Cancelled, match="1 of 2 scans"):
        mr.denoise_folder(archive, tmp_path / "out", progress=meter, **FAST)
    assert meter.labels[1:] == ["1 of 2: head", "2 of 2: head"]
    assert (tmp_path / "out" / "one" / "head_run.json").exists()
    assert not (tmp_path / "out" / "two").exists()
    assert "1 scan restored" in (tmp_path / "out" / "report.html").read_text()


def test_a_watcher_is_told_of_each_scan(archive: Path, tmp_path: Path) -> None:
    write_ct(archive / "three", ct_array())
    write_nifti(archive / "four.nii", np.zeros((1, 1, 1)))
    found, steps = mr.find(archive), []
    settings = {"samples": 0, "fallback": "MR", "found": found, "on_step": steps.append}
    summary = mr.denoise_folder(archive, tmp_path / "out", **settings)
    assert [step.scan for step in steps[::2]] == list(found) == [step.scan for step in steps[1::2]]
    assert [step.state for step in steps] == ["begun", "failed", *["begun", "restored"] * 3]
    assert steps[1].reason == summary.failed["four.nii"]
    for step in steps[3::2]:
        again = reopen(step.record, step.scan)  # wherever the scan is
        assert again.plan.modality == ("CT" if "three" in str(step.scan.path) else "MR")

    def stop(step: object) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled, match="0 of 4 scans"):
        mr.denoise_folder(archive, tmp_path / "none", **{**settings, "on_step": stop})


def test_it_can_be_run_again_and_inside_its_source(archive: Path) -> None:
    out = archive / "restored"
    mr.denoise_folder(archive, out, **FAST)
    with pytest.raises(OutputError, match="exists already"):
        mr.denoise_folder(archive, out, **FAST)
    summary = mr.denoise_folder(archive, out, overwrite=True, **FAST)
    assert len(summary.restored) == 2


def test_what_is_refused_at_once(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no scan"):
        mr.denoise_folder(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(InputError, match="does not exist"):
        mr.denoise_folder(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(OutputError, match="among the scans"):
        mr.denoise_folder(archive, archive)
    with pytest.raises(SettingsError, match="level"):
        mr.denoise_folder(archive, tmp_path / "out", level=90)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        mr.denoise_folder(archive, tmp_path / "file" / "out")
    assert not (tmp_path / "out").exists()


def test_on_the_command_line(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["batch", str(archive), str(tmp_path / "out"), "--modality", "MR", "--samples", "0"]
    assert main([*command, "--noise", "0.05"]) == 2
    said = capsys.readouterr()
    assert "2 scans restored" in said.out and "bad.nii.gz" in said.out
    assert len(said.err.splitlines()) == 1 and "1 of 3 scans" in said.err
    (archive / "two" / "bad.nii.gz").unlink()
    assert main([*command, "--noise", "0.05", "--overwrite"]) == 0
    assert main([*command, "--noise", "loud"]) == 2
