"""What a resumed batch does again, and what it leaves as it is."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import medrestore as mr
from medrestore.batch.results_folder import folder_lock
from medrestore.cli import main
from medrestore.errors import Cancelled, OutputError, ResourceError, SettingsError
from medrestore.restorer import RESTORER
from scans import ct_array, mr_array, write_ct, write_nifti
from tiny import write_tiny_models

pytestmark = pytest.mark.usefixtures("tiny_models")
FAST: dict[str, Any] = {"samples": 0, "fallback": "MR", "noise": 0.05}
NAMES = ["a.nii.gz", "b/c.nii.gz", "b/d.nii.gz"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        write_nifti(tmp_path / "in" / name, mr_array() + number)
    (tmp_path / "in" / "notes.txt").write_text("notes")
    (tmp_path / "in" / "bad.nii").write_text("no scan")
    return tmp_path / "in"


@pytest.fixture
def out(archive: Path, tmp_path: Path) -> Path:
    mr.denoise_folder(archive, tmp_path / "out", **FAST)
    return tmp_path / "out"


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "batch.jsonl").read_text().splitlines()]


def again(archive: Path, out: Path, **changes: Any) -> list[str]:
    """Resume; names of the scans that were restored anew."""
    begun: list[str] = []
    run = RESTORER.run

    def watched(plan: Any, volume: Any, *others: Any) -> Any:
        begun.append(volume.source.name)
        return run(plan, volume, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RESTORER, "run", watched)
        summary = mr.denoise_folder(archive, out, resume=True, **{**FAST, **changes})
    assert set(summary.restored) == set(NAMES) and set(summary.failed) == {"bad.nii"}
    assert summary.kept == len(NAMES) - len(begun)
    assert "3 scans restored" in summary.report.read_text()
    assert [line["state"] for line in lines(out)].count("restored") == 3
    return begun


def test_nothing_is_done_twice(archive: Path, out: Path) -> None:
    before = (out / "batch.jsonl").read_text()
    page = (out / "report.html").read_text()
    assert again(archive, out) == []
    assert (out / "batch.jsonl").read_text() == before
    assert (out / "report.html").read_text() == page
    assert again(archive, out, memory_gb=1.0) == []  # changes no voxel


class Stopping:
    """A meter that cancels at its third stage."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def start(self, total: int, label: str) -> None:
        self.labels.append(label)

    def tick(self, n: int = 1) -> None:
        if len(self.labels) == 3:
            raise Cancelled("enough")


def test_looking_at_what_is_done_shows_and_can_be_stopped(archive: Path, out: Path) -> None:
    meter = Stopping()
    with pytest.raises(Cancelled, match="1 of 3"):
        mr.denoise_folder(archive, out, resume=True, progress=meter, **FAST)
    looking = [f"{n} of 3: {name}, looking whether it is done" for n, name in ((1, "a"), (2, "c"))]
    assert meter.labels == ["reading headers", *looking]
    assert again(archive, out) == []


def test_what_changed_is_done_again(archive: Path, out: Path) -> None:
    write_nifti(archive / "b" / "c.nii.gz", mr_array() + 9)
    assert again(archive, out) == ["c"]
    assert again(archive, out, seed=1) == ["a", "c", "d"]
    assert again(archive, out, seed=1) == []
    (out / "b" / "d_std.nii.gz").unlink()
    assert again(archive, out, seed=1) == ["d"]
    assert (out / "b" / "d_std.nii.gz").exists()


def test_another_model_does_all_again(
    archive: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = write_tiny_models(tmp_path / "models")
    monkeypatch.setenv("MEDRESTORE_MODELS", str(models))
    assert again(archive, out) == []  # the same weights elsewhere
    card = models / "mr_tiny" / "configs" / "card.json"
    facts = json.loads(card.read_text())
    weights = card.parent.parent / "models" / "model.safetensors"
    save_file({k: v + 1e-3 for k, v in load_file(weights).items()}, weights)
    facts["weights_sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    card.write_text(json.dumps(facts))
    assert again(archive, out) == ["a", "c", "d"]


def test_half_a_line_at_the_end_is_dropped(archive: Path, out: Path) -> None:
    log = out / "batch.jsonl"
    *whole, last = log.read_bytes().splitlines(keepends=True)
    begun = {"scan": "b/d.nii.gz", "state": "begun", "place": "b/d"}  # as it was before the end
    log.write_bytes(b"".join(whole) + json.dumps(begun).encode() + b"\n" + last[:-30])
    assert again(archive, out) == ["d"]
    with log.open("ab") as file:
        file.write(b"\0" * 40 + b"\n")  # a power loss
    assert again(archive, out) == []


def test_other_files_of_that_name_are_not_touched(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    log = tmp_path / "other" / "batch.jsonl"
    log.write_text("1\n2\n")
    with pytest.raises(OutputError, match=r"batch\.jsonl, line 1, is no line of a batch"):
        mr.denoise_folder(archive, tmp_path / "other", resume=True, **FAST)
    assert log.read_text() == "1\n2\n"


def test_results_of_others_are_not_replaced(archive: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "out" / "a_std.nii.gz"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    for _ in range(2):
        summary = mr.denoise_folder(archive, tmp_path / "out", resume=True, **FAST)
        assert "exists already" in summary.failed["a.nii.gz"]
        assert theirs.read_text() == "theirs"
    theirs.unlink()
    assert again(archive, tmp_path / "out") == ["a"]


def test_a_failure_of_the_machine_is_tried_again(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ResourceError("no memory")

    out = tmp_path / "out"
    write_nifti(archive / "flat.nii.gz", np.zeros((3, 40, 48)))
    with monkeypatch.context() as patch:
        patch.setattr(RESTORER, "run", full)
        assert len(mr.denoise_folder(archive, out, **{**FAST, "noise": "auto"}).failed) == 5
    failed = {line["scan"]: line.get("again") for line in lines(out) if line["state"] == "failed"}
    assert failed == {"bad.nii": True, "flat.nii.gz": False, **dict.fromkeys(NAMES, True)}
    summary = mr.denoise_folder(archive, out, resume=True, **{**FAST, "noise": "auto"})
    assert set(summary.restored) == set(NAMES) and len(summary.failed) == 2


def test_after_a_cancel(archive: Path, tmp_path: Path) -> None:
    def stop(step: Any) -> None:
        if step.state == "begun" and step.scan.name == "c":
            raise Cancelled("enough")

    out = tmp_path / "out"
    with pytest.raises(Cancelled, match="1 of 3"):
        mr.denoise_folder(archive, out, on_step=stop, **FAST)
    expected: list[Any] = []
    assert again(archive, out, on_forecast=expected.append) == ["c", "d"]
    assert expected[0].scans == 2 and expected[0].seconds > 0 and expected[0].memory_bytes > 0


def test_series_of_one_folder_keep_their_names(tmp_path: Path) -> None:
    write_ct(tmp_path / "in" / "study", ct_array())
    more = write_ct(tmp_path / "more", ct_array(noise=10))
    for file in more.iterdir():
        file.rename(tmp_path / "in" / "study" / f"B{file.name}")
    first = mr.denoise_folder(tmp_path / "in", tmp_path / "out", samples=0)
    second = mr.denoise_folder(tmp_path / "in", tmp_path / "out", samples=0, resume=True)
    assert second.restored == first.restored and second.kept == 2


def test_two_batches_do_not_meet(archive: Path, out: Path) -> None:
    hold = (
        "import sys; from pathlib import Path\n"
        "from medrestore.batch.results_folder import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])): print('held', flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", hold, str(out)], **pipes) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="another batch is writing"):
            mr.denoise_folder(archive, out, resume=True, **FAST)
        other.kill()  # the lock ends with its process
    with folder_lock(out):
        pass


def test_on_the_command_line(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (archive / "bad.nii").unlink()
    command = ["batch", str(archive), str(tmp_path / "out"), "--modality", "MR", "--samples", "0"]
    assert main([*command, "--resume"]) == 0  # nothing there yet
    said = capsys.readouterr().out
    assert "forecast  3 scans, about" in said and "MB of memory" in said
    assert main(command) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    said = capsys.readouterr().out
    assert "3 of them before" in said and "forecast" not in said
    assert main([*command, "--resume", "--overwrite"]) == 2
    with pytest.raises(SettingsError, match="ask for one"):
        mr.denoise_folder(archive, tmp_path / "out", resume=True, overwrite=True)
