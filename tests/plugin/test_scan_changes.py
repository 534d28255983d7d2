"""What is set and said goes with the scan: kept while it stays, gone when it changes."""

import numpy as np
import pytest
from driving import finish, run, widget_on
from napari.components import ViewerModel

from medrestore.plugin.explore import ExplorePanel
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.requests import NO_MODALITY, NO_SCAN
from medrestore.plugin.view.panel import ViewPanel
from medrestore.plugin.viewer import ScanPicker


@pytest.fixture
def viewer():
    """A viewer without a window, which all this does not need."""
    return ViewerModel()


@pytest.fixture
def docked(viewer, tiny_models, qtbot):
    return widget_on(viewer, qtbot, noise=5)


@pytest.fixture
def add(viewer):
    def add(volume):
        data, meta, _ = to_layer(volume)
        return viewer.add_image(data, **meta)

    return add


def slices(widget):
    return widget.form.first.value(), widget.form.last.value()


def test_slices_stay_until_the_scan_changes(viewer, docked, opened, make_volume, add, qtbot):
    docked.form.first.setValue(1)
    docked.form.last.setValue(1)
    docked.preview_button.click()
    finish(docked, qtbot)
    assert slices(docked) == (1, 1)
    assert "The slice chosen: about" in docked.status.text()
    run(docked, qtbot)
    assert slices(docked) == (1, 1)
    docked.form.fields["samples"].setValue(1000)
    docked.denoise_button.click()
    docked.cancel_button.click()
    finish(docked, qtbot)
    opened.name = "another name"
    viewer.layers.move(0, len(viewer.layers))
    viewer.add_labels(np.zeros(opened.data.shape, int))
    docked.form.modality.setCurrentText("MR")
    assert slices(docked) == (1, 1)
    assert "slices 1 to 1" in _copied(docked, "copy_command")
    assert "range(1, 2)" in _copied(docked, "copy_python")

    add(make_volume(shape=(9, 12, 12), name="other"))  # becomes the chosen one
    assert slices(docked) == (0, 8)
    docked.form.first.setValue(3)
    docked.form.picker.setCurrentText("another name")
    assert slices(docked) == (0, 2)
    opened.data = np.concatenate([opened.data, opened.data])  # other slices than those chosen
    assert slices(docked) == (0, 5)
    assert docked.form.facts.text().startswith("MR, 6 × 40 × 48 voxels")


def _copied(widget, how):
    from qtpy.QtWidgets import QApplication

    getattr(widget.run_bar, how)()
    return QApplication.clipboard().text()


def test_the_list_may_change_around_the_choice(viewer, make_volume, add, qtbot):
    picker = ScanPicker(viewer)
    qtbot.addWidget(picker)
    told = []
    picker.chosen.connect(lambda: told.append(picker.layer))
    first, second = add(make_volume(name="a")), add(make_volume(name="b"))
    assert told == [first, second]
    viewer.add_labels(np.zeros((3, 5, 7), int))
    viewer.layers.move(0, 2)
    second.name = "c"
    viewer.layers.remove(first)
    assert told == [first, second]
    viewer.layers.remove(second)
    assert told == [first, second, None]


def test_nothing_is_enabled_without_a_scan(viewer, docked, opened, qtbot):
    form, keeping = docked.form, docked.run_bar
    of_scan = (docked.preview_button, docked.denoise_button, keeping.copy_button)
    of_scan += (form.first, form.last, form.noise_entry.region)
    assert all(part.isEnabled() for part in of_scan)
    assert not keeping.save_button.isEnabled()  # no run yet
    assert docked.status.text() == "Ready."
    run(docked, qtbot)
    assert keeping.save_button.isEnabled()
    viewer.layers.clear()
    assert not any(part.isEnabled() for part in (*of_scan, keeping.save_button))
    assert not docked.cancel_button.isEnabled()
    assert keeping.open_button.isEnabled()
    assert docked.status.text() == NO_SCAN
    assert docked.form.facts.isHidden()


def test_nothing_of_the_last_scan_stays(viewer, docked, opened, make_volume, add, qtbot):
    run(docked, qtbot)
    said = docked.status.text()
    assert said.startswith("Done")
    other = add(make_volume(name="other", shape=(4, 12, 12)))
    assert docked.status.text() == "Ready."
    assert not docked.run_bar.save_button.isEnabled()  # of other there is no run
    docked.form.picker.setCurrentText("head")
    assert docked.run_bar.save_button.isEnabled()
    assert "head" in docked.run_bar.save_button.toolTip()
    docked.form.picker.setCurrentText("other")
    viewer.layers.remove(other)
    assert docked.form.picker.layer is opened and docked.status.text() == "Ready."
    docked.denoise_button.click()
    add(make_volume(name="third"))
    finish(docked, qtbot)
    assert docked.status.text().startswith("Done")
    assert docked.status.text().endswith("These results are of head.")


def test_a_layer_that_does_not_say_what_it_is(viewer, docked, make_volume, add):
    viewer.add_image(np.ones((2, 8, 8), np.float32), name="theirs")
    assert docked.status.text() == NO_MODALITY
    docked.form.modality.setCurrentText("MR")
    assert docked.status.text() == "Ready."
    viewer.add_image(np.ones((2, 8, 8), np.float32), name="theirs, too")
    assert docked.form.modality.currentText() == "MR"
    add(make_volume(modality="CT"))  # says it: what was chosen for another does not count
    assert docked.form.modality.currentText() == "Automatic"
    assert docked.form.noise_entry.number.suffix() == " HU"


def test_noise_measured_in_a_scan_goes_with_it(viewer, docked, opened, make_volume, add, qtbot):
    labels = viewer.add_labels(np.zeros(opened.data.shape, int), scale=opened.scale,
                               translate=opened.translate)  # fmt: skip
    labels.data[:, 12:28, 16:32] = 1
    docked.form.noise_entry.region.click()
    finish(docked, qtbot)
    assert docked.form.noise_entry.value == pytest.approx(5, rel=0.2)
    add(make_volume(name="other"))
    assert docked.form.noise_entry.value is None
    docked.form.noise_entry.number.setValue(4)  # of the user's own
    docked.form.picker.setCurrentText("head")
    assert docked.form.noise_entry.value == 4


def test_noise_measured_too_late_is_not_another_scans(
    viewer, docked, opened, make_volume, add, qtbot
):
    labels = viewer.add_labels(np.zeros(opened.data.shape, int), scale=opened.scale,
                               translate=opened.translate)  # fmt: skip
    labels.data[:, 12:28, 16:32] = 1
    docked.form.noise_entry.number.setValue(0)
    docked.form.noise_entry.region.click()
    add(make_volume(name="other"))
    finish(docked, qtbot)
    assert docked.form.noise_entry.value is None


def test_a_preview_goes_with_its_scan(viewer, docked, opened, qtbot):
    def previews():
        return [one for one in viewer.layers if one.metadata[KEY].get("preview")]

    for leave in (lambda: setattr(opened, "data", opened.data * 2), lambda: viewer.layers.pop(0)):
        docked.preview_button.click()
        finish(docked, qtbot)
        assert len(previews()) == 2
        leave()
        assert not previews()


def test_the_view_panel_without_a_scan(viewer, make_volume, add, qtbot):
    panel = ViewPanel(viewer)
    qtbot.addWidget(panel)
    compare = panel.compare
    planes = tuple(panel.planes.buttons.values())
    pairs = (compare.side_button, compare.flicker_button, compare.difference_button)
    assert not any(part.isEnabled() for part in (*planes, *pairs, compare.back_button))
    layer = add(make_volume())
    assert all(button.isEnabled() for button in planes)
    assert not any(button.isEnabled() for button in pairs)  # nothing to compare it with
    add(make_volume())
    compare.b.setCurrentIndex(0)
    assert all(button.isEnabled() for button in pairs)
    viewer.layers.remove(layer)
    assert not any(button.isEnabled() for button in pairs)


def test_regions_stay_while_their_result_does(viewer, docked, opened, qtbot):
    explore = ExplorePanel(viewer)
    qtbot.addWidget(explore)
    assert explore.picker.placeholderText() == "no result yet"
    run(docked, qtbot)
    explore.rows = ["a row"]
    docked.preview_button.click()
    finish(docked, qtbot)
    assert explore.rows == ["a row"]
    run(docked, qtbot)  # another result
    assert explore.rows == []
