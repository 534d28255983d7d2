"""The dock widget in a real viewer."""

import numpy as np
import pytest
from driving import RUN_MS, finish, idle, no_threads_left, run
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel

import medrestore
from medrestore.plugin.contrast import spread_limits
from medrestore.plugin.explore import ExplorePanel
from medrestore.plugin.fields import NOTCHES
from medrestore.plugin.layers import KEY, displayed, to_layer, to_volume
from medrestore.plugin.rows import RESEARCH_ONLY

ROLES = ("restored", "lower", "upper", "std", "inconsistent", "removed")


def layer_of(viewer, role):
    return next(one for one in viewer.layers if one.metadata.get(KEY, {}).get("role") == role)


def test_denoise_adds_layers_that_coincide_with_the_scan(viewer, docked, opened, head, qtbot):
    run(docked, qtbot)
    assert docked.status.text().startswith("Done: 2 samples, mr_tiny on cpu.")
    source, *added = viewer.layers
    assert [layer.metadata[KEY]["role"] for layer in added] == list(ROLES)
    for layer in added:
        assert np.array_equal(layer.scale, source.scale)
        assert np.array_equal(layer.translate, source.translate)
        assert layer.units == source.units
        assert layer.axis_labels == source.axis_labels
        assert layer.data.shape == source.data.shape
        back = to_volume(layer.data, {"metadata": layer.metadata})
        assert back.geometry.same_grid(head.geometry)
    restored, lower, upper, std, inconsistent, removed = added
    assert not removed.visible and not inconsistent.visible
    assert (lower.data <= restored.data + 1e-3).all()
    assert (restored.data <= upper.data + 1e-3).all()
    assert std.colormap.name == "magma"
    std.visible = True
    assert std.colorbar.visible

    for one, other in ((source, lower), (restored, source)):  # contrast is linked, both ways
        one.contrast_limits = (one.contrast_limits[0], one.contrast_limits[1] - 1)
        assert other.contrast_limits == one.contrast_limits
    assert std.contrast_limits != source.contrast_limits

    run(docked, qtbot)  # again: nothing is overwritten, results are no scans to choose
    assert len(viewer.layers) == 13
    assert len({layer.name for layer in viewer.layers}) == 13
    assert docked.form.picker.count() == 1


def test_cancel_keeps_the_samples_drawn(viewer, docked, opened, head, qtbot):
    docked.form.fields["samples"].setValue(1000)
    docked.denoise_button.click()
    first_sample = 4 * len(head.array)
    qtbot.waitUntil(lambda: docked.job.bar.value() > first_sample, timeout=RUN_MS)
    docked.cancel_button.click()
    assert not docked.cancel_button.isEnabled()
    qtbot.waitUntil(idle(docked), timeout=RUN_MS)
    qtbot.waitUntil(no_threads_left)
    assert docked.job.bar.isHidden()
    assert docked.status.text().startswith("Cancelled: the layers rest on")
    assert 0 < viewer.layers[-1].metadata[KEY]["samples"] < 1000


@pytest.mark.parametrize("close", ["dock", "widget", "viewer"])
def test_a_run_ends_with_its_widget_or_viewer(viewer, docked, opened, qtbot, close):
    docked.form.fields["samples"].setValue(1000)
    docked.form.fields["steps"].setValue(100)
    docked.denoise_button.click()
    qtbot.waitUntil(lambda: docked.job.bar.value() > 0, timeout=RUN_MS)
    controller = docked.controller
    if close == "viewer":
        viewer.close()
    else:
        viewer.window.remove_dock_widget(docked)
    if close == "widget":
        docked.deleteLater()
    qtbot.waitUntil(no_threads_left, timeout=10_000)
    qtbot.wait(50)
    assert controller.result is None or close == "dock"


def test_a_viewer_closed_while_layers_are_added(viewer, docked, opened, qtbot):
    closed = []

    def close():
        if not closed:
            closed.append(True)
            QTimer.singleShot(0, viewer.close)

    viewer.layers.events.inserted.connect(close)
    docked.denoise_button.click()
    qtbot.waitUntil(lambda: bool(closed), timeout=60_000)
    qtbot.waitUntil(no_threads_left)
    qtbot.wait(100)  # whatever is raised meanwhile fails the test


def test_problems_are_sentences(viewer, docked, head, qtbot, monkeypatch, tmp_path):
    assert "Open a CT or MR scan first" in docked.status.text()
    docked.controller.denoise(None, docked.form.choices())  # as a script would
    assert "Open a CT or MR scan first" in docked.status.text()

    viewer.add_image(np.ones((2, 8, 8), np.float32), name="theirs")
    docked.denoise_button.click()
    assert "choose one under Modality" in docked.status.text()

    docked.form.modality.setCurrentText("MR")
    docked.form.fields["device"].setCurrentText("CUDA GPU")
    docked.form.noise_entry.number.setValue(5)
    run(docked, qtbot)
    assert "no CUDA GPU is usable" in docked.status.text()

    docked.form.fields["device"].setCurrentText("CPU")
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path))
    run(docked, qtbot)
    assert "No model for MR" in docked.status.text()
    assert len(viewer.layers) == 1


def test_the_form_follows_the_scan(viewer, docked, make_volume):
    assert docked.form.picker.layer is None
    for modality, unit, model in (("CT", "HU", "ct_tiny"), ("MR", "%", "mr_tiny")):
        data, meta, _ = to_layer(make_volume(modality=modality, name=modality))
        layer = viewer.add_image(data, **meta)
        assert docked.form.picker.currentText() == modality  # the scan just opened
        assert docked.form.noise_entry.unit == unit
        assert docked.form.noise_entry.units.isVisibleTo(docked) == (modality == "MR")
        assert [docked.form.model.itemText(i) for i in range(2)] == ["Automatic", model]
        assert docked.form.facts.text().startswith(f"{modality}, 3 × 5 × 7 voxels")
    layer.name = "renamed"
    assert docked.form.picker.currentText() == "renamed"
    viewer.layers.remove("renamed")
    assert docked.form.picker.currentText() == "CT"


def test_napari_opens_it_by_its_name(viewer, npe2pm):
    with npe2pm.tmp_plugin(manifest=f"{medrestore.__path__[0]}/napari.yaml"):
        _, widget = viewer.window.add_plugin_dock_widget("medrestore", "Denoise a scan")
    texts = [label.text() for label in widget.findChildren(QLabel)]
    assert texts.count(RESEARCH_ONLY) == 1
    assert widget.denoise.status.text().startswith("Open a CT or MR scan first")
    folded = widget.denoise.minimumSizeHint().width()
    widget.denoise.form.more.setChecked(True)  # nothing is cut off: the dock stays as wide
    assert widget.denoise.minimumSizeHint().width() == folded


def test_a_preview_lies_on_its_scan_and_goes_with_the_run(viewer, docked, opened, head, qtbot):
    viewer.dims.set_point(0, opened.data_to_world((1, 0, 0))[0])
    docked.preview_button.click()
    finish(docked, qtbot)
    docked.preview_button.click()
    finish(docked, qtbot)
    source, restored, std = viewer.layers  # the second has replaced the first
    assert restored.visible and not std.visible
    for layer in (restored, std):
        assert layer.data.shape == (1, *source.data.shape[1:])
        assert np.allclose(layer.data_to_world((0, 5, 7)), source.data_to_world((1, 5, 7)))
    assert "Preview of axial slice 1." in docked.status.text()
    middle = restored.data
    viewer.dims.set_point(0, opened.data_to_world((2, 0, 0))[0])
    docked.preview_button.click()
    finish(docked, qtbot)
    assert list(viewer.layers) == [source, restored, std]  # the same layers, elsewhere
    assert np.allclose(restored.data_to_world((0, 5, 7)), source.data_to_world((2, 5, 7)))
    shown = restored.metadata[KEY]["run"].result.restored
    assert np.array_equal(restored.data, displayed(shown))
    assert not np.array_equal(restored.data, middle)
    assert std.contrast_limits == pytest.approx(spread_limits(std.data))
    run(docked, qtbot)
    whole = layer_of(viewer, "restored")
    assert len(viewer.layers) == 7
    assert np.allclose(whole.data[1], middle[0], atol=1e-3)


def test_some_slices_lie_where_they_are_in_the_scan(viewer, docked, opened, qtbot):
    docked.form.first.setValue(1)
    run(docked, qtbot)
    for layer in list(viewer.layers)[1:]:
        assert len(layer.data) == 2
        assert np.allclose(layer.data_to_world((0, 0, 0)), opened.data_to_world((1, 0, 0)))


def test_samples_play_on_a_leading_axis(viewer, docked, opened, qtbot):
    docked.form.fields["keep_samples"].setChecked(True)
    run(docked, qtbot)
    samples = next(one for one in viewer.layers if one.metadata[KEY]["role"] == "samples")
    assert samples.data.shape == (2, *opened.data.shape)
    assert np.allclose(samples.data_to_world((1, 2, 3, 4))[1:], opened.data_to_world((2, 3, 4)))
    assert docked.form.picker.count() == 1
    docked.preview_button.click()  # the viewer now has an axis more than the scan
    finish(docked, qtbot)
    assert "Preview of axial slice" in docked.status.text()


def test_noise_is_measured_in_a_drawn_region(viewer, docked, opened, qtbot):
    labels = viewer.add_labels(np.zeros(opened.data.shape, int), scale=opened.scale,
                               translate=opened.translate)  # fmt: skip
    labels.data[:, 12:28, 16:32] = 1
    docked.form.noise_entry.region.click()
    finish(docked, qtbot)
    assert docked.form.noise_entry.unit == "a.u."
    assert docked.form.noise_entry.number.value() == pytest.approx(5, rel=0.2)
    assert 0 < docked.form.noise_entry.slider.value() < NOTCHES
    docked.form.noise_entry.slider.setValue(NOTCHES)
    assert docked.form.noise_entry.number.value() > 10
    docked.form.noise_entry.units.setCurrentText("%")  # 10 a.u. are not 10 %
    assert docked.form.noise_entry.value is None


def test_from_run_to_regions_and_back_from_disk(viewer, docked, head, tmp_path, qtbot):
    path = medrestore.write(head, tmp_path / "head.nii.gz")
    data, meta, _ = to_layer(medrestore.read(path, "MR"))
    opened = viewer.add_image(data, **meta)
    explore = ExplorePanel(viewer)
    viewer.window.add_dock_widget(explore)
    assert not explore.measure_button.isEnabled()
    run(docked, qtbot)
    explore.draw_button.click()
    drawing = viewer.layers["regions"]
    corners = [[1, 12, 16], [1, 12, 32], [1, 28, 32], [1, 28, 16]]
    drawing.add_rectangles(np.array(corners, float))
    explore.measure_button.click()
    qtbot.waitUntil(lambda: explore.measure_button.isEnabled(), timeout=RUN_MS)
    qtbot.waitUntil(no_threads_left)
    inside = np.zeros(head.array.shape, bool)
    inside[1, 11:28, 15:32] = True  # displayed with both axes turned
    (row,) = explore.rows
    again = docked.controller.result.region(inside)  # redrawn, on another number of threads
    assert row.region[:4] == pytest.approx(again[:4], rel=1e-3)
    assert explore.table.item(0, 0).text() == "rectangle 1"
    explore.read(tuple(opened.data_to_world((1, 20, 24))))
    assert "90 %:" in explore.readout.text()
    explore.save(str(tmp_path / "regions.csv"))
    assert "rectangle 1" in (tmp_path / "regions.csv").read_text()

    for role, said in (("removed", "that noise does not explain"), ("lower", "in 90 % of the")):
        viewer.layers.selection.active = layer_of(viewer, role)
        assert said in explore.meaning.text()
    viewer.layers.selection.active = opened
    assert not explore.meaning.text()

    docked.controller.save(tmp_path / "out")
    finish(docked, qtbot)
    count = len(viewer.layers)
    docked.controller.reopen(tmp_path / "out" / "head_run.json")
    finish(docked, qtbot)
    assert len(viewer.layers) == count + 6  # its scan is open already
    for layer in list(viewer.layers)[count:]:
        assert np.allclose(layer.translate, opened.translate)
    explore.measure_button.click()
    qtbot.waitUntil(lambda: explore.measure_button.isEnabled(), timeout=RUN_MS)
    drawn_again = explore.rows[0].region[:4]
    assert drawn_again == pytest.approx(row.region[:4], rel=1e-3)  # in another batch
