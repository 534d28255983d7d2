"""What becomes of a run when the viewer, the layers, the memory or the models do not keep still."""

import shutil

import dask.array
import numpy as np
import pytest
import torch
from driving import finish, idle, no_threads_left, run, widget_on
from napari.components import ViewerModel
from qtpy.QtCore import QTimer

from medrestore.models.model import Model
from medrestore.plugin.jobs import Jobs, PanelJob, StatusView
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.widget import DenoiseWidget


@pytest.fixture
def viewer():
    """A viewer without a window, which all this does not need."""
    return ViewerModel()


@pytest.fixture
def docked(viewer, tiny_models, qtbot):
    return widget_on(viewer, qtbot, noise=0)


def roles(viewer):
    return [(layer.metadata.get(KEY) or {}).get("role") for layer in viewer.layers]


def restored(viewer):
    return viewer.layers[roles(viewer).index("restored")]


def test_a_scan_removed_during_its_run_leaves_its_results(viewer, docked, opened, head, qtbot):
    docked.denoise_button.click()
    viewer.layers.remove(opened)
    finish(docked, qtbot)
    assert roles(viewer) == ["restored", "lower", "upper", "std", "inconsistent", "removed"]
    assert restored(viewer).data.shape == head.array.shape
    assert "The scan was removed meanwhile" in docked.status.text()
    assert not docked.denoise_button.isEnabled()
    assert docked.run_bar.save_button.isEnabled()  # the run's layers are there, one is selected


@pytest.mark.parametrize("change", ["voxels", "place", "name"])
def test_a_scan_changed_during_its_run(viewer, docked, opened, qtbot, change):
    run(docked, qtbot)
    before = restored(viewer).data.copy()
    del viewer.layers[1:]
    place = opened.translate.copy()
    docked.denoise_button.click()
    if change == "voxels":
        opened.data = opened.data[:, ::-1] * 3
    elif change == "place":
        opened.translate = place + 10
    else:
        opened.name = "another"
    finish(docked, qtbot)
    assert np.array_equal(restored(viewer).data, before)
    assert np.array_equal(restored(viewer).translate, place)
    assert ("of the scan as it was" in docked.status.text()) == (change != "name")


def test_results_may_be_removed_while_they_are_added(viewer, docked, opened, qtbot):
    def remove(event):
        if event.value.metadata[KEY]["role"] == "upper":
            viewer.layers.remove(viewer.layers[1])

    viewer.layers.events.inserted.connect(remove)
    run(docked, qtbot)
    assert docked.status.text().startswith("Done")
    assert roles(viewer) == ["scan", "lower", "upper", "std", "inconsistent", "removed"]


def test_the_window_lives_between_two_layers(viewer, docked, opened, qtbot):
    seen = set()
    beat = QTimer()
    beat.timeout.connect(lambda: seen.add(len(viewer.layers)))
    beat.start(1)
    run(docked, qtbot)
    assert seen == {1, 2, 3, 4, 5, 6, 7}


def test_two_runs_at_once_are_what_each_is_alone(viewer, docked, opened, qtbot):
    other = DenoiseWidget(viewer)
    qtbot.addWidget(other)
    other.form.fields["samples"].setValue(2)
    other.form.noise_entry.number.setValue(4)
    other.form.fields["seed"].setValue(7)
    run(other, qtbot)
    run(docked, qtbot)
    alone = [widget.controller.result for widget in (docked, other)]
    docked.denoise_button.click()
    other.denoise_button.click()
    for widget in (docked, other):
        finish(widget, qtbot)
    for widget, before in zip((docked, other), alone, strict=True):
        after = widget.controller.result
        assert after is not before
        apart = np.abs(after.restored.array - before.restored.array).max()
        assert apart < 1e-3 * before.plan.noise.sigma
        assert np.allclose(after.std.array, before.std.array, rtol=1e-3)


def test_memory_that_runs_out_is_said_and_the_run_goes_on(
    viewer, docked, opened, qtbot, monkeypatch
):
    whole = Model.predict

    def predict(self, c):
        if len(c.y) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return whole(self, c)

    monkeypatch.setattr(Model, "predict", predict)
    run(docked, qtbot)
    assert "Memory ran out: 1 instead of" in docked.status.text()
    assert roles(viewer)[1:] == ["restored", "lower", "upper", "std", "inconsistent", "removed"]


def test_memory_that_is_not_there_is_a_sentence(viewer, docked, opened, qtbot, monkeypatch):
    def predict(self, c):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(Model, "predict", predict)
    run(docked, qtbot)
    assert "There is not enough memory to restore even one window" in docked.status.text()
    assert "crop the scan." in docked.status.text()
    assert roles(viewer) == ["scan"]


def test_models_that_are_missing_or_damaged(
    viewer, docked, opened, tiny_models, tmp_path, qtbot, monkeypatch
):
    folder = tmp_path / "models"
    shutil.copytree(tiny_models, folder)
    weights = folder / "mr_tiny" / "models" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.setenv("MEDRESTORE_MODELS", str(folder))
    for said, advice, spoil in (
        ("SHA-256 differs", "restore the model folder", weights.unlink),
        ("The weights of mr_tiny are missing", "restore the model folder", lambda: None),
    ):
        run(docked, qtbot)
        assert said in docked.status.text()
        assert advice in docked.status.text()
        spoil()
    shutil.rmtree(folder / "mr_tiny")
    run(docked, qtbot)
    assert "No model for MR; there are: ct_tiny." in docked.status.text()
    assert roles(viewer) == ["scan"]
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tiny_models))
    run(docked, qtbot)
    assert docked.status.text().startswith("Done")


@pytest.mark.parametrize("kind", ["dask", "multiscale", "4-D", "integers", "foreign", "turned"])
def test_layers_of_any_kind(viewer, docked, head, qtbot, kind):
    array = head.array
    if kind == "dask":
        layer = viewer.add_image(dask.array.from_array(array, chunks=(1, 20, 48)))
    elif kind == "multiscale":
        layer = viewer.add_image([array, array[:, ::2, ::2]], multiscale=True)
    elif kind == "4-D":
        layer = viewer.add_image(np.stack([array, array * 0.9]))
    elif kind == "integers":
        layer = viewer.add_image(np.round(array).astype(np.uint16), scale=(3, 1, 1))
    elif kind == "foreign":
        layer = viewer.add_image(array, scale=(2, 0.5, 0.5), units=("um",) * 3, translate=(1, 2, 3))
    else:
        layer = viewer.add_image(array, rotate=30, shear=(0.1, 0, 0))
    docked.form.modality.setCurrentText("MR")
    docked.form.noise_entry.number.setValue(5)
    docked.preview_button.click()
    finish(docked, qtbot)
    assert docked.status.text().startswith("Preview of slice"), docked.status.text()
    run(docked, qtbot)
    assert docked.status.text().startswith("Done"), docked.status.text()
    result = restored(viewer)
    shown = layer.data[0] if layer.multiscale else layer.data
    assert result.data.shape == shown.shape
    corner = tuple(n - 1 for n in shown.shape)
    assert np.allclose(result.data_to_world(corner), layer.data_to_world(corner))
    assert np.corrcoef(np.asarray(shown).ravel(), result.data.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("kind", ["colours", "two axes", "five axes"])
def test_what_is_no_scan_is_said(viewer, docked, qtbot, kind):
    data = {
        "colours": np.zeros((3, 8, 8, 3), np.uint8),
        "two axes": np.ones((8, 8), np.float32),
        "five axes": np.ones((2, 2, 3, 8, 8), np.float32),
    }[kind]
    viewer.add_image(data, name="theirs", rgb=kind == "colours")
    docked.form.modality.setCurrentText("MR")
    for button in (docked.preview_button, docked.denoise_button):
        button.click()
        qtbot.waitUntil(idle(docked), timeout=60_000)
        assert "Layer 'theirs'" in docked.status.text(), docked.status.text()
        assert "choose a" in docked.status.text()
    qtbot.waitUntil(no_threads_left)


def test_a_scan_without_signal_is_said(viewer, docked, qtbot, make_volume):
    flat = make_volume(shape=(3, 32, 32))
    data, meta, _ = to_layer(flat.with_array(np.zeros(flat.array.shape, np.float32)))
    viewer.add_image(data, **meta)
    run(docked, qtbot)
    assert "The scan has no signal" in docked.status.text()


def test_a_preview_follows_its_scan(viewer, docked, opened, head, qtbot):
    def preview():
        docked.preview_button.click()
        finish(docked, qtbot)
        return [one for one in viewer.layers if one.metadata[KEY].get("preview")]

    first = preview()
    first[0].visible = False
    opened.rotate, opened.colormap = 30, "bone"
    again = preview()
    assert again == first  # the same layers
    assert again[0].visible and again[0].colormap.name == "bone"
    assert np.allclose(again[0].data_to_world((0, 5, 5)), opened.data_to_world((1, 5, 5)))

    viewer.layers.remove(opened)
    data, meta, _ = to_layer(head.with_array(head.array * 100))
    other = viewer.add_image(data, **meta)
    restored_slice, std = preview()
    assert restored_slice not in first and list(viewer.layers) == [other, restored_slice, std]
    assert restored_slice.contrast_limits == other.contrast_limits
    other.contrast_limits = (5, 500)
    assert restored_slice.contrast_limits == [5, 500]


def test_a_window_set_between_two_layers_reaches_all(viewer, docked, opened, qtbot):
    def change(event):
        if event.value.metadata[KEY]["role"] == "upper":
            QTimer.singleShot(0, lambda: setattr(opened, "contrast_limits", (3, 33)))

    viewer.layers.events.inserted.connect(change)
    run(docked, qtbot)
    shown = {r: one.contrast_limits for r, one in zip(roles(viewer), viewer.layers, strict=True)}
    assert shown["lower"] == shown["upper"] == shown["restored"] == [3, 33]


def test_abandoned_work_goes_no_further(viewer):
    waiting, done = [], []

    def turns():
        for part in range(5):
            done.append(part)
            yield
        return StatusView()

    jobs = Jobs(lambda *_: None, lambda _: None, waiting.append)
    jobs.begin(lambda: PanelJob("…", None, lambda _: turns()))
    jobs.finished(None)
    waiting.pop()()
    jobs.abandon()
    waiting.pop()()
    assert done == [0, 1] and not waiting
