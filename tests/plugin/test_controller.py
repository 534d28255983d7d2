"""The controller with neither Qt nor a viewer: what is shown, run, added and said."""

from types import SimpleNamespace

import numpy as np
import pytest

from medrestore.core.guard import Tally
from medrestore.errors import Cancelled, NoiseLevelError
from medrestore.guards import Guards
from medrestore.plugin.controller import (
    Actions,
    Choices,
    Controller,
    Snapshot,
    State,
    modality_of,
    request_for,
    sentence,
)
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.progress import Progress
from medrestore.plugin.results import result_layers
from medrestore.plugin.run import restore


class Desk:
    """Stands for the widget: remembers what it was asked for."""

    def __init__(self):
        self.runs, self.views, self.added = [], [], []
        self.controller = Controller(
            Actions(lambda *run: self.runs.append(run), self.views.append, self.added.append)
        )

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
        settings=SimpleNamespace(samples=samples, level=0.9),
        modality=volume.modality,
        model="mr_tiny",
        device="cpu",
        scale=100.0,
        noise=SimpleNamespace(sigma=9.0, source="estimated: from the background"),
        warnings=warnings,
    )
    layers = dict.fromkeys(("restored", "std", "lower", "upper"), volume)
    return SimpleNamespace(
        layers=lambda: layers, plan=plan, drawn=drawn, warnings=warnings, guards=guards
    )


def test_a_run_from_button_to_layers(desk, scan, head):
    desk.controller.denoise(scan, Choices(samples=4))
    [(request, stop)] = desk.runs
    assert request.settings == {
        "model": "auto",
        "noise": "auto",
        "samples": 4,
        "steps": 2,
        "level": 0.9,
        "seed": 0,
        "device": "auto",
    }
    assert not stop.is_set()
    assert desk.views[-1].state is State.RUNNING
    desk.controller.progressed(Progress("Restoring", 1, 2))
    assert desk.views[-1].progress.done == 1
    desk.controller.finished(result_of(head))
    [layers] = desk.added
    assert [meta["name"] for _, meta, _ in layers] == [
        "head lower 90 %",
        "head upper 90 %",
        "head std (a.u.)",
        "head restored",
    ]
    assert desk.views[-1].state is State.IDLE
    assert desk.said == (
        "Done: 8 samples, mr_tiny on cpu. Noise removed: 9 % of the foreground (estimated)."
    )


def test_guards_are_overlays_and_a_failed_check_is_said(desk, scan, head):
    tally = Tally(1000, 5, 0, 60, 4.5, 5.0, 900.0, 880.0)
    guards = Guards((tally,))
    result = result_of(head, guards=guards, warnings=guards.warnings())
    signed = np.zeros_like(head.array)
    signed[1, 3, 3], signed[2, 4, 4] = -4.0, 7.0
    result.layers()["removed"] = head.with_array(signed)
    desk.controller.denoise(scan, Choices())
    desk.controller.finished(result)
    _, meta, _ = desk.added[0][-1]
    assert meta["name"] == "head removed (a.u.)"
    assert meta["contrast_limits"] == (-7.0, 7.0)
    assert meta["blending"] == "translucent" and not meta["visible"]
    middle = len(meta["colormap"]) // 2
    assert meta["colormap"][middle][3] == 0  # clear where nothing was removed
    assert "noise does not explain" in meta["metadata"][KEY]["notes"][-1]
    assert "Structure may be lost: in 0.5 % of the voxels" in desk.said
    assert desk.views[-1].problem


def test_results_copy_the_place_and_contrast_of_their_source(desk, scan, head):
    moved = {**scan.meta, "translate": (1.0, 2.0, 3.0), "contrast_limits": (5, 50), "gamma": 0.8}
    moved["metadata"] = {**scan.meta["metadata"], "theirs": 1}
    desk.controller.denoise(Snapshot(scan.data, moved), Choices())
    desk.controller.finished(result_of(head))
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
    desk.controller.cancel()
    assert desk.runs[0][1].is_set()
    assert desk.views[-1].state is State.CANCELLING
    desk.controller.finished(result_of(head, drawn=3))
    assert len(desk.added) == 1
    assert desk.said.startswith("Cancelled: the layers rest on 3 of 8 samples.")


def test_cancelled_before_there_was_anything(desk, scan):
    desk.controller.denoise(scan, Choices())
    desk.controller.cancel()
    desk.controller.failed(Cancelled("stopped by the user"))
    assert desk.said == "Cancelled before the restored image was complete; nothing was added."
    assert not desk.views[-1].problem
    assert desk.views[-1].state is State.IDLE


def test_warnings_of_the_plan_are_said(desk, scan, head):
    desk.controller.denoise(scan, Choices())
    desk.controller.finished(result_of(head, warnings=("the noise is above what it knows",)))
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
    assert desk.runs[0][0].modality == "CT"


def test_a_failing_run_is_a_sentence_and_ready_again(desk, scan):
    desk.controller.denoise(scan, Choices())
    desk.controller.failed(NoiseLevelError("the noise cannot be measured: too few voxels"))
    assert desk.said == "The noise cannot be measured: too few voxels."
    assert desk.views[-1].state is State.IDLE
    assert desk.views[-1].problem


def test_a_worker_that_does_not_start_is_a_sentence(desk, scan, caplog):
    def launch(*_):
        raise RuntimeError("no threads left")

    controller = Controller(Actions(launch, desk.views.append, desk.added.append))
    controller.denoise(scan, Choices())
    assert "no threads left" in desk.said
    assert controller.view.state is State.IDLE
    assert "the run failed" in caplog.text


def test_an_abandoned_run_stops_and_tells_nobody(desk, scan, head):
    desk.controller.denoise(scan, Choices())
    said = len(desk.views)
    desk.controller.abandon()
    desk.controller.finished(result_of(head))
    assert desk.runs[0][1].is_set()
    assert len(desk.views) == said
    assert not desk.added


@pytest.mark.parametrize(
    ("modality", "noise", "meant"), [("MR", 9, 0.09), ("CT", 30, 30), ("MR", None, "auto")]
)
def test_noise_is_asked_for_in_the_unit_of_the_modality(scan, modality, noise, meant):
    request = request_for(scan, Choices(modality=modality, noise=noise))
    assert request.settings["noise"] == pytest.approx(meant)


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
    request = request_for(scan, Choices(samples=1, noise=5))
    labels = []
    meter = SimpleNamespace(start=lambda _, label: labels.append(label), tick=lambda n=1: None)
    result = restore(request, meter)
    assert result.restored.array.shape == scan.data.shape
    assert labels[:2] == ["Loading the model", "Measuring the noise"]
    assert np.array_equal(scan.data, before)


def test_a_series_in_time_comes_back_as_one(tiny_models, head):
    data, meta, _ = to_layer(head.with_array(np.stack([head.array, head.array])))
    request = request_for(Snapshot(data, meta), Choices(samples=1, noise=5))
    result = restore(request, SimpleNamespace(start=lambda *_: None, tick=lambda n=1: None))
    for shown, placed, _ in result_layers(result, meta):
        assert shown.shape == data.shape
        assert placed["units"] == meta["units"]
