"""The controller with neither Qt nor a viewer: what is shown, run, added and said."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import medrestore as mr
from medrestore import restorer
from medrestore.core.consistency_check import Tally
from medrestore.engine.checks import Guards
from medrestore.engine.noise import Level, Noise
from medrestore.errors import Cancelled, InputError, NoiseLevelError
from medrestore.plugin.controller import Actions, Controller
from medrestore.plugin.drawings import Drawing
from medrestore.plugin.jobs import Jobs, Progress, RunMeter, State
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.messages import sentence
from medrestore.plugin.requests import Choices, Snapshot, modality_of, preview_of, request_for
from medrestore.plugin.result_layers import preview_layers, result_layers
from medrestore.plugin.run import Outcome, PreviewCache, restore
from medrestore.settings.settings import Settings


class Desk:
    """Stands for the widget: remembers what it was asked for."""

    def __init__(self, launch=None):
        self.runs, self.views, self.added, self.changed = [], [], [], ""
        self.previews, self.opened, self.noise = [], [], []
        self.asked, self.answers = [], []
        self.jobs = Jobs(launch or (lambda *run: self.runs.append(run)), self.views.append)
        actions = Actions(
            lambda result, layers: self.take(self.added, layers),
            partial(self.take, self.previews),
            lambda result, *found: self.take(self.opened, found),
            self.noise.append,
            self.ask,
        )
        self.controller = Controller(self.jobs, actions)

    def ask(self, error):
        """Where a scan is; nobody knows, unless there is an answer."""
        self.asked.append(str(error))
        return self.answers.pop() if self.answers else None

    def take(self, shelf, layers):
        """In two turns, as a viewer does."""
        yield
        shelf.append(layers)
        return self.changed

    def done(self, outcome, layers_of=result_layers):
        """The run that was asked for comes back."""
        self.jobs.finished((outcome, layers_of(outcome.result, self.request.meta)))

    @property
    def request(self):
        return self.runs[-1][0].args[0]

    @property
    def said(self):
        return self.views[-1].status


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def scan(head):
    data, meta, _ = to_layer(head)
    return Snapshot(data, meta)


def result_of(volume, drawn=8, samples=8, warnings=(), guards=None):
    plan = SimpleNamespace(
        settings=SimpleNamespace(samples=samples, level=0.9, estimate="mean", exceeds=None),
        modality=volume.modality,
        model="mr_tiny",
        device="cpu",
        scale=100.0,
        noise=Noise(9.0, None, "estimated: from the background"),
        levels=(),
        grid=None,
        each=(Level(Noise(9.0), 100.0),),
        warnings=warnings,
        calibrated=True,
        slices=None,
        chosen=range(3),
        seconds=75.0,
        memory_bytes=2.1e9,
    )
    layers = dict.fromkeys(("restored", "std", "lower", "upper"), volume)
    result = SimpleNamespace(
        layers=lambda: layers,
        plan=plan,
        drawn=drawn,
        warnings=warnings,
        guards=guards,
        samples=None,
        exceeds=None,
        **layers,
    )
    return Outcome(result, plan)


def test_a_run_from_button_to_layers(desk, scan, head):
    desk.controller.denoise(scan, Choices(Settings(samples=4)))
    [(_, stop)] = desk.runs
    assert desk.request.settings == Settings(samples=4)
    assert not stop.is_set()
    assert desk.views[-1].state is State.RUNNING
    desk.jobs.progressed(Progress("Restoring", 1, 2))
    assert desk.views[-1].progress.done == 1
    desk.done(result_of(head))
    [layers] = desk.added
    assert [meta["name"] for _, meta, _ in layers] == [
        "restored · head",
        "lower 90 % · head",
        "upper 90 % · head",
        "std · head",
    ]
    assert desk.views[-1].state is State.IDLE
    assert desk.said == (
        "Done: 8 samples, mr_tiny on cpu. "
        "Noise removed: σ 9 a.u., 9 % of the foreground (estimated)."
    )


def test_guards_are_overlays_and_a_failed_check_is_said(desk, scan, head):
    tally = Tally(1000, 5, 0, 60, 4.5, 900.0, 880.0)
    guards = Guards((tally,))
    result = result_of(head, guards=guards, warnings=guards.warnings())
    signed = np.zeros_like(head.array)
    signed[1, 3, 3], signed[2, 4, 4] = -4.0, 7.0
    result.result.layers()["removed"] = head.with_array(signed)
    desk.controller.denoise(scan, Choices())
    desk.done(result)
    _, meta, _ = desk.added[0][-1]
    assert meta["name"] == "removed · head"
    assert meta["contrast_limits"] == (-7.0, 7.0)
    assert meta["blending"] == "translucent" and not meta["visible"]
    colours = meta["colormap"]["colors"]
    assert colours[len(colours) // 2][3] == 0  # clear where nothing was removed
    assert "noise does not explain" in meta["metadata"][KEY]["meaning"]
    assert "Structure may be lost: in 0.5 % of the voxels" in desk.said
    assert desk.views[-1].problem


def test_results_copy_the_place_and_contrast_of_their_source(desk, scan, head):
    moved = {**scan.meta, "translate": (1.0, 2.0, 3.0), "contrast_limits": (5, 50), "gamma": 0.8}
    moved["metadata"] = {**scan.meta["metadata"], "theirs": 1}
    desk.controller.denoise(Snapshot(scan.data, moved), Choices())
    desk.done(result_of(head))
    for data, meta, _ in desk.added[0]:
        assert data.shape == scan.data.shape
        for key in ("scale", "translate", "units", "axis_labels"):
            assert meta[key] == moved[key]
        assert meta["metadata"]["theirs"] == 1
        assert meta["metadata"][KEY]["samples"] == 8
        role = meta["metadata"][KEY]["role"]
        assert (meta["contrast_limits"] == (5, 50)) is (role != "std")
        assert meta["visible"] is (role == "restored")


def test_one_run_at_a_time(desk, scan):
    desk.controller.denoise(scan, Choices())
    desk.controller.denoise(scan, Choices())
    assert len(desk.runs) == 1


def test_a_cancelled_run_keeps_what_it_has(desk, scan, head):
    desk.controller.denoise(scan, Choices())
    desk.jobs.cancel()
    assert desk.runs[0][1].is_set()
    assert desk.views[-1].state is State.CANCELLING
    desk.done(result_of(head, drawn=3))
    assert len(desk.added) == 1
    assert desk.said.startswith("Cancelled: the layers rest on 3 of 8 samples.")


def test_cancelled_before_there_was_anything(desk, scan):
    desk.controller.denoise(scan, Choices())
    desk.jobs.cancel()
    desk.jobs.failed(Cancelled("stopped by the user"))
    assert desk.said == "Cancelled before the restored image was complete; nothing was added."
    assert not desk.views[-1].problem
    assert desk.views[-1].state is State.IDLE


def test_warnings_of_the_plan_are_said(desk, scan, head):
    desk.controller.denoise(scan, Choices())
    desk.done(result_of(head, warnings=("the noise is above what it knows",)))
    assert desk.said.endswith("The noise is above what it knows.")


def test_without_a_scan_it_says_what_to_do(desk):
    desk.controller.denoise(None, Choices())
    assert desk.views[-1].problem
    assert "Open a CT or MR scan first" in desk.said
    assert not desk.runs


def test_without_a_modality_it_says_what_to_do(desk, scan):
    unknown = Snapshot(scan.data, {"name": "theirs"})
    desk.controller.denoise(unknown, Choices())
    assert "choose one under Modality" in desk.said
    desk.controller.denoise(unknown, Choices(modality="CT"))
    assert desk.request.modality == "CT"


def test_a_failing_run_is_a_sentence_and_ready_again(desk, scan):
    desk.controller.denoise(scan, Choices())
    desk.jobs.failed(NoiseLevelError("the noise cannot be measured: too few voxels"))
    assert desk.said == "The noise cannot be measured: too few voxels."
    assert desk.views[-1].state is State.IDLE
    assert desk.views[-1].problem


def test_a_worker_that_does_not_start_is_a_sentence(scan, caplog):
    def launch(*_):
        raise RuntimeError("no threads left")

    desk = Desk(launch)
    desk.controller.denoise(scan, Choices())
    assert "no threads left" in desk.said
    assert desk.jobs.view.state is State.IDLE
    assert "the run failed" in caplog.text


def test_an_abandoned_run_stops_and_tells_nobody(desk, scan, head):
    desk.controller.denoise(scan, Choices())
    said = len(desk.views)
    desk.jobs.abandon()
    desk.done(result_of(head))
    assert desk.runs[0][1].is_set()
    assert len(desk.views) == said
    assert not desk.added


def test_the_chosen_modality_wins(scan):
    assert modality_of(scan, "auto") == "MR"
    assert modality_of(scan, "CT") == "CT"
    assert modality_of(Snapshot(None, {"metadata": {KEY: "junk"}}), "auto") is None
    assert modality_of(None, "auto") is None


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


def test_out_of_memory_says_what_to_do():
    assert "choose CPU under Device" in sentence(OutOfMemoryError("CUDA out of memory"))
    assert "not enough memory" in sentence(MemoryError())


def test_restore_leaves_the_layer_alone(tiny_models, scan):
    before = scan.data.copy()
    request = request_for(scan, Choices(Settings(samples=1, noise=0.05)))
    labels = []
    meter = SimpleNamespace(start=lambda _, label: labels.append(label), tick=lambda n=1: None)
    result = restore(request, meter).result
    assert result.restored.array.shape == scan.data.shape
    assert labels[:3] == ["Reading the scan", "Loading the model", "Measuring the noise"]
    assert np.array_equal(scan.data, before)


def test_a_series_in_time_comes_back_as_one(tiny_models, head):
    data, meta, _ = to_layer(head.with_array(np.stack([head.array, head.array])))
    request = request_for(Snapshot(data, meta), Choices(Settings(samples=1, noise=0.05)))
    result = restore(request, SimpleNamespace(start=lambda *_: None, tick=lambda n=1: None)).result
    for shown, placed, _ in result_layers(result, meta):
        assert shown.shape == data.shape
        assert placed["units"] == meta["units"]


def test_a_preview_replaces_the_last_and_says_what_the_scan_would_take(desk, scan, head):
    desk.controller.preview(scan, Choices(), (1, 3, 4))
    assert desk.request.slices == (1,) and desk.request.preview
    outcome = result_of(head, drawn=0)
    desk.done(outcome, preview_layers)
    [layers] = desk.previews
    assert [meta["metadata"][KEY]["role"] for _, meta, _ in layers] == ["restored", "std"]
    assert all(meta["metadata"][KEY]["preview"] for _, meta, _ in layers)
    assert desk.controller.result is None  # nothing to save yet
    assert desk.said == (
        "Preview of axial slice 1. Noise: σ 9 a.u., 9 % of the foreground (estimated). "
        "The whole scan: about 75 s, 2.1 GB of memory."
    )


def test_a_preview_is_seen_before_its_run_is_forecast(tiny_models, desk, scan, monkeypatch):
    seen, real = [], restorer.RESTORER.forecast
    monkeypatch.setattr(
        restorer.RESTORER, "forecast", lambda plan: seen.append(len(desk.previews)) or real(plan)
    )
    desk.controller.preview(scan, Choices(), (1, 3, 4))
    task, _ = desk.runs[-1]
    desk.jobs.finished(task(RunMeter(desk.jobs.progressed, lambda: False)))
    assert seen == [1]  # shown by then,
    assert len(desk.previews) == 1  # and not again
    assert "The whole scan: about" in desk.said


def test_a_preview_measures_the_noise_once(tiny_models, scan, monkeypatch):
    asked, real = [], restorer.resolve_levels
    monkeypatch.setattr(restorer, "resolve_levels", lambda *a: asked.append(1) or real(*a))
    bench, meter = PreviewCache(), SimpleNamespace(start=lambda *_: None, tick=lambda n=1: None)
    request, _ = preview_of(scan, Choices(), (1, 3, 4))
    first = restore(request, meter, bench)
    again = restore(request, meter, bench)
    assert len(asked) == 1
    assert np.array_equal(first.result.restored.array, again.result.restored.array)
    assert first.result.plan.evaluations == 4  # mirrored, as the run that it is a preview of
    whole = restore(request_for(scan, Choices()), meter, bench).result
    assert len(asked) == 2  # a run measures itself: the voxels may have changed
    apart = whole.restored.array[1] - first.result.restored.array[0]
    assert np.abs(apart).max() < 1e-3 * whole.plan.noise.sigma


def test_noise_from_a_region(tiny_models, desk, scan, head):
    desk.controller.measure_noise(scan, Choices(), None)
    assert "No region is drawn" in desk.said
    mask = np.zeros(scan.data.shape, bool)
    mask[:, 12:28, 16:32] = True
    drawing = Drawing(mask.astype(int), (), np.eye(4), mask.shape)
    desk.controller.measure_noise(scan, Choices(), drawing)
    task, _ = desk.runs[-1]
    desk.jobs.finished(task(SimpleNamespace(start=lambda *_: None)))
    assert desk.noise == [pytest.approx(5, rel=0.15)]  # 5 of a foreground of about 100
    assert "in 768 voxels of the drawn region" in desk.said


def test_a_run_is_saved_and_opened_again(tiny_models, desk, head, tmp_path):
    quiet = SimpleNamespace(start=lambda *_: None, tick=lambda n=1: None)
    path = mr.write(head, tmp_path / "head.nii.gz")
    data, meta, _ = to_layer(mr.read(path, "MR"))
    scan = Snapshot(data, meta)

    def do():
        try:
            found = desk.runs[-1][0](quiet)
        except InputError as error:
            desk.jobs.failed(error)
        else:
            desk.jobs.finished(found)

    desk.controller.save(tmp_path)
    assert "no run to save yet" in desk.said
    desk.controller.denoise(scan, Choices(Settings(samples=1, noise=0.05)))
    do()
    desk.controller.save(tmp_path / "out")
    do()
    assert desk.said == f"Saved 7 files and folders in {tmp_path / 'out'}."
    record = tmp_path / "out" / "head_run.json"
    desk.controller.reopen(record)
    do()
    [(shown, layers)] = desk.opened
    assert np.array_equal(shown[0], scan.data)
    assert len(layers(shown[1])) == 6
    assert desk.said.startswith("Opened again: 1 sample, mr_tiny.")

    moved = path.rename(tmp_path / "elsewhere.nii.gz")
    desk.controller.reopen(record)
    do()
    assert desk.said.endswith("open that scan, choose it under Scan, and open the run again.")
    data, meta, _ = to_layer(mr.read(moved, "MR"))
    desk.controller.reopen(record, Snapshot(data, meta))
    do()
    assert len(desk.opened) == 2
