"""Probabilities in the viewer: asked for with a run, after it, and opened from files."""

import numpy as np
import pytest
from driving import finish, idle, no_threads_left, run

import medrestore as mr
from medrestore.plugin.exceeding import NO_VALUE
from medrestore.plugin.explore import ExplorePanel
from medrestore.plugin.fields import ValueBox
from medrestore.plugin.layers import KEY, displayed
from medrestore.plugin.requests import Choices, command_line, python_lines
from medrestore.plugin.result_layers import result_layers
from medrestore.plugin.saved_runs import results_at
from medrestore.settings.settings import Settings
from scans import ct_array, write_ct

RUN_MS = 60_000


def of_probability(viewer):
    return [one for one in viewer.layers if one.metadata.get(KEY, {}).get("role") == "exceeds"]


def asked(explore, qtbot):
    """Click, and wait for the layer or for what is wrong."""
    explore.exceeding.button.click()
    qtbot.waitUntil(lambda: explore.exceeding.isEnabled(), timeout=RUN_MS)
    qtbot.waitUntil(no_threads_left)
    return explore.jobs.view


def test_a_run_gives_the_layer_that_the_form_asks_for(viewer, docked, opened, qtbot):
    docked.form.fields["exceeds"].setText("80")
    run(docked, qtbot)
    (layer,) = of_probability(viewer)
    result = docked.controller.result
    assert np.array_equal(layer.data, displayed(result.exceedance(80)))
    assert tuple(layer.contrast_limits) == (0, 1) and layer.colormap.name == "viridis"
    assert layer.name == "above 80 a.u. · head" and not layer.visible
    assert np.allclose(layer.translate, opened.translate)
    record = layer.metadata[KEY]
    assert record["meaning"].endswith("the true value lies above 80 a.u., 0 to 1.")
    assert record["unit"] == "probability"
    layer.visible = True
    if hasattr(layer, "colorbar"):
        assert layer.colorbar.visible


def test_a_finished_run_is_asked_again(viewer, docked, opened, qtbot):
    explore = ExplorePanel(viewer)
    viewer.window.add_dock_widget(explore)
    assert not explore.exceeding.isEnabled()
    run(docked, qtbot)
    assert not of_probability(viewer)
    assert explore.exceeding.unit.text() == "a.u."
    assert asked(explore, qtbot).status == NO_VALUE
    explore.exceeding.value.setText("90")
    asked(explore, qtbot)
    (layer,) = of_probability(viewer)
    result = docked.controller.result
    assert np.array_equal(layer.data, displayed(result.exceedance(90)))
    assert layer.name == "above 90 a.u. · head" and layer.visible
    assert np.allclose(layer.translate, opened.translate)
    assert "above 90 a.u." in explore.jobs.view.status

    explore.exceeding.than_region.setChecked(True)
    explore.exceeding.value.setText("-5.5")
    view = asked(explore, qtbot)
    assert view.problem and view.status.startswith("No region is drawn")
    explore.draw_button.click()
    corners = [[1, 12, 16], [1, 12, 32], [1, 28, 32], [1, 28, 16]]
    viewer.layers["regions"].add_rectangles(np.array(corners, float))
    asked(explore, qtbot)
    compared = of_probability(viewer)[-1]
    inside = np.zeros(result.plan.shape, bool)
    inside[1, 11:28, 15:32] = True  # displayed with both axes turned
    expected = displayed(result.exceedance(-5.5, inside))
    np.testing.assert_allclose(compared.data, expected, atol=1e-5)
    assert compared.name == "more than -5.5 a.u. above the region · head"


def test_a_part_of_a_scan_is_compared_with_a_region_in_it(viewer, docked, opened, qtbot):
    explore = ExplorePanel(viewer)
    viewer.window.add_dock_widget(explore)
    docked.form.first.setValue(1)
    run(docked, qtbot)
    layer = explore.picker.layer
    assert len(layer.data) == 2
    explore.draw_button.click()
    explore.exceeding.value.setText("0")
    explore.exceeding.than_region.setChecked(True)
    corners = [[0, 12, 16], [0, 12, 32], [0, 28, 32], [0, 28, 16]]
    viewer.layers["regions"].add_rectangles(np.array(corners, float))
    assert not asked(explore, qtbot).problem
    (found,) = of_probability(viewer)
    assert found.data.shape == layer.data.shape
    assert np.allclose(found.translate, layer.translate)


def test_the_form_repeats_it_in_python_and_on_the_command_line():
    choices = Choices(Settings(exceeds=80.0), modality="MR")
    assert "--exceeds 80.0" in command_line(None, choices)
    assert "exceeds=80.0" in python_lines(None, choices)


@pytest.mark.parametrize(
    ("text", "value"),
    [("", None), ("-", None), ("-50", -50), ("1e2", 100), ("1e999", None), ("0.5", 0.5)],
)
def test_a_field_for_a_number_or_none(qtbot, text, value):
    box = ValueBox()
    qtbot.addWidget(box)
    box.setText(text)
    assert box.given() == value
    again = ValueBox(value)
    qtbot.addWidget(again)
    assert again.given() == value


@pytest.mark.parametrize("format", ["nifti", "dicom"])
def test_it_is_opened_from_files_as_after_the_run(tmp_path, tiny_models, format):
    scan = mr.read(write_ct(tmp_path / "torso", ct_array()))
    result = mr.denoise(scan, samples=0, noise=20, exceeds=-50)
    result.save(tmp_path / "out", format)
    wanted = {meta["name"]: (data, meta) for data, meta, _ in result_layers(result, {})}
    found, _ = results_at(tmp_path / "out" / "torso_run.json")
    data, meta = {meta["name"]: (data, meta) for data, meta, _ in found}["above -50 HU · torso"]
    assert np.array_equal(data, wanted["above -50 HU · torso"][0])
    assert meta["contrast_limits"] == (0, 1)
    assert meta["metadata"][KEY]["meaning"].endswith("lies above -50 HU, 0 to 1.")
    ending = "" if format == "dicom" else ".nii.gz"
    single, scans = results_at(tmp_path / "out" / f"torso_exceeds{ending}")
    assert [meta["name"] for _, meta, _ in single] == ["above -50 HU · torso"]
    assert scans == []


def test_it_is_shown_in_no_preview(viewer, docked, opened, qtbot):
    docked.form.fields["exceeds"].setText("80")
    docked.preview_button.click()
    finish(docked, qtbot)
    assert idle(docked)()
    assert not of_probability(viewer)
