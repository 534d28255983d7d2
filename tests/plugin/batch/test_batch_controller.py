"""The Batch panel's decisions with neither Qt nor a viewer."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from medrestore.batch.forecast import Step
from medrestore.batch.gather import Gathered
from medrestore.errors import Cancelled
from medrestore.io import Scan
from medrestore.plugin.batch.controller import BatchController, BatchInputs
from medrestore.plugin.batch.rows import (
    RowState,
    ScanRow,
    details,
    end_summary,
    reworded,
    rows_of,
    settings_line,
    texts,
)
from medrestore.plugin.batch.task import UNITS, BatchMeter, ScanProgress
from medrestore.plugin.jobs import Jobs, RunMeter, State
from medrestore.plugin.requests import Choices
from medrestore.results.record import reopen
from medrestore.settings.settings import Settings

pytestmark = pytest.mark.usefixtures("tiny_models")
DONE, FAILED, WAITING = RowState.DONE, RowState.FAILED, RowState.WAITING


class Desk:
    """Stands for the panel; runs jobs at once, and may press Cancel at a sentence."""

    def __init__(self, choices=None, cancel_at=None):
        self.views, self.listed, self.changed = [], [], []
        self.cancel_at = cancel_at
        self.jobs = Jobs(self.launch, self.show)
        choices = choices or Choices(Settings(samples=1))
        self.controller = BatchController(
            self.jobs,
            lambda: choices,
            lambda *rows: self.listed.append(rows),
            lambda *row: self.changed.append(row),
        )

    def show(self, view):
        self.views.append(view)
        progress = view.progress
        if self.cancel_at and progress and self.cancel_at(view, progress):
            self.cancel_at = None
            self.jobs.cancel()

    def launch(self, task, stop):
        try:
            found = task(RunMeter(self.jobs.progressed, stop.is_set))
        except Exception as error:
            self.jobs.failed(error)
        else:
            self.jobs.finished(found)

    @property
    def said(self):
        return self.views[-1].status

    def states(self):
        return [(row.name, row.state) for row in self.controller.rows]


@pytest.fixture
def inputs(archive, tmp_path):
    return BatchInputs(str(archive), str(tmp_path / "out"), fallback="MR")


def test_from_folder_to_results(inputs, archive, tmp_path):
    desk = Desk()
    desk.controller.find(inputs)
    assert desk.said == "Found 3 scans, 1 file that cannot be read. Start restores them."
    names = ["heads/a.nii.gz", "heads/cut.nii.gz", "torso", "bad.nii.gz"]
    assert desk.states() == list(zip(names, (WAITING, WAITING, WAITING, FAILED), strict=True))
    assert desk.listed[-1][1] == {"notes.txt": "not a scan"}
    assert texts(desk.controller.rows[2])[1:5] == (
        "Waiting",
        "CT",
        "5 × 48 × 48",
        "2.5 × 0.8 × 0.8",
    )

    desk.views.clear()
    desk.controller.start(inputs)
    assert desk.states() == list(zip(names, (DONE, FAILED, DONE, FAILED), strict=True))
    assert desk.said == f"Done: 2 scans restored, 2 failed. Results: {tmp_path / 'out'}."
    assert desk.views[-1].problem and desk.jobs.view.state is State.IDLE
    assert "cut.nii.gz" in details(desk.controller.rows[1])
    assert desk.controller.report == tmp_path / "out" / "report.html"
    lines = (tmp_path / "out" / "batch.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in lines].count("restored") == 2
    statuses = [view.status for view in desk.views]
    assert "Restoring 3 of 3: torso" in statuses
    done = [view.progress.done for view in desk.views if view.progress and view.progress.total]
    assert done == sorted(done) and done[-1] == UNITS

    for row in (desk.controller.rows[0], desk.controller.rows[2]):
        assert row.record.is_file()
        assert reopen(row.record, row.scan).drawn == 1

    record = desk.controller.rows[0].record
    before = record.stat().st_mtime_ns
    desk.controller.start(inputs)
    assert desk.said.startswith("Done: 2 scans restored, 2 of them by the batch before, 2 failed.")
    assert desk.states() == list(zip(names, (DONE, FAILED, DONE, FAILED), strict=True))
    assert record.stat().st_mtime_ns == before
    desk.controller.start(replace(inputs, replace=True))
    assert desk.said.startswith("Done: 2 scans restored, 2 failed.")
    assert record.stat().st_mtime_ns > before


def test_a_cancel_keeps_what_is_done_and_says_so(inputs, tmp_path):
    desk = Desk(
        Choices(Settings(samples=50)),
        lambda view, progress: view.status.startswith("Restoring 3") and progress.done < UNITS,
    )
    desk.controller.find(inputs)
    desk.controller.start(inputs)
    desk.controller.settle()
    assert [state for _, state in desk.states()] == [DONE, FAILED, WAITING, FAILED]
    assert desk.said.startswith("Cancelled: 1 of 4 scans restored, 2 failed.")
    assert (tmp_path / "out" / "heads" / "a_run.json").is_file()
    assert desk.controller.report.is_file() and not (tmp_path / "out" / "torso").exists()
    again = Desk(Choices(Settings(samples=50)))
    again.controller.find(inputs)
    again.controller.start(inputs)
    assert again.said.startswith("Done: 2 scans restored, 1 of them by the batch before, 2 failed.")


def test_a_search_can_be_cancelled(inputs):
    desk = Desk(cancel_at=lambda view, progress: True)
    desk.controller.find(inputs)
    assert desk.said == "Cancelled; nothing was listed." and not desk.controller.ready


def test_what_is_missing_is_a_sentence(inputs, tmp_path):
    desk = Desk()
    for given, said in (
        (BatchInputs("", ""), "Choose the folder that holds the scans"),
        (BatchInputs(str(tmp_path / "nowhere"), ""), "is not a folder"),
    ):
        desk.controller.find(given)
        assert said in desk.said and desk.views[-1].problem
    desk.controller.start(inputs)
    assert "Press Find first" in desk.said
    desk.controller.find(inputs)
    desk.controller.start(BatchInputs(inputs.source, ""))
    assert "Choose a folder for the results" in desk.said
    desk.controller.start(BatchInputs(inputs.source, inputs.source))
    assert "among the scans" in desk.said
    desk.controller.forget()
    assert not desk.controller.ready and desk.listed[-1] == ([], {})


def test_results_inside_the_folder_are_no_scans(archive):
    inputs = BatchInputs(str(archive), str(archive / "out"), "MR")
    desk = Desk(Choices(Settings(samples=0)))
    desk.controller.find(BatchInputs(str(archive), ""))
    desk.controller.start(inputs)
    desk.controller.find(inputs)
    assert desk.said.startswith("Found 3 scans")


def test_a_scan_that_does_not_say_its_modality_fails_with_advice(inputs):
    desk = Desk(Choices(Settings(samples=0)))
    inputs = BatchInputs(inputs.source, inputs.destination)
    desk.controller.find(inputs)
    assert "2 do not say CT or MR: choose one under Modality. Start" in desk.said
    desk.controller.start(inputs)
    row = desk.controller.rows[0]
    assert row.state is FAILED and row.reason.endswith("choose under Modality what such scans are")


def scan_of(name, voxels):
    return Scan(Path("/in") / name, "nifti", "MR", (1, 1, voxels), (1, 1, 1), "SPL", name=name)


def test_large_scans_count_for_more():
    scans, told = [scan_of("small", 10), scan_of("large", 90)], []
    clock = itertools.count().__next__
    meter = BatchMeter(RunMeter(told.append, lambda: False, clock), scans, clock)
    meter.step(Step(scans[0], "begun"))
    meter.start(4, "1 of 2")
    meter.tick(2)
    assert told[-2].done == UNITS * 5 // 100 and told[-1] == ScanProgress(scans[0], 50)
    meter.start(8, "1 of 2")  # again, with less memory: never backwards
    meter.tick(2)
    assert [one.done for one in told if hasattr(one, "done")][-1] == UNITS * 5 // 100
    meter.step(Step(scans[0], "failed", "why"))
    assert told[-1].done == UNITS * 10 // 100
    meter.step(Step(scans[1], "begun"))
    meter.start(2, "2 of 2")
    meter.tick(1)
    assert told[-2].done == UNITS * 55 // 100


def test_a_batch_of_broken_scans_can_be_stopped():
    meter = BatchMeter(RunMeter(lambda _: None, lambda: True), [])
    with pytest.raises(Cancelled):
        meter.step(Step(scan_of("x", 1), "begun"))


def test_several_volumes_of_a_path_have_names_of_their_own():
    one, two = (scan_of(name, 1) for name in ("one", "two"))
    two = Scan(one.path, "dicom", "CT", (1, 1, 1), (1, 1, 1), "SPL", name="two")
    assert [row.name for row in rows_of(Gathered([one, two], {}, {}), Path("/in"))] == [
        "one",
        "one#two",
    ]


def test_words():
    assert settings_line(Settings(noise=12.0)) == (
        "As set under Denoise: 8 samples, 90 % interval, model automatic, noise measured "
        "in each scan."
    )
    assert "no samples, 95 % interval, model mine" in settings_line(
        Settings(samples=0, level=0.95, model="/models/mine", keep_samples=True)
    )
    assert reworded("x exists already; or allow --overwrite") == (
        "x exists already; or choose Replace them under Earlier results"
    )
    row = ScanRow("a.nii", reason="a.nii is cut; copy it again", state=FAILED)
    assert details(row) == "a.nii: Not restored: the file is cut; copy it again."
    said = end_summary([row], Path("/out"), None)
    assert said.startswith("Cancelled: 0 of 1 scan restored, 1 failed.")
