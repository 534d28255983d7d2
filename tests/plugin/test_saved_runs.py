"""Results on the disk look in the viewer as they did after the run."""

import shutil

import numpy as np
import pytest
from driving import finish, run
from napari.components import ViewerModel
from npe2 import io_utils
from qtpy.QtWidgets import QFileDialog

import medrestore as mr
from medrestore import io
from medrestore.api import make_plan, run_plan
from medrestore.plugin.files import get_reader
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.result_layers import result_layers
from medrestore.plugin.widget import DenoiseWidget
from scans import ct_array, write_ct

MANIFEST = f"{mr.__path__[0]}/napari.yaml"
COLOURED = ("std", "std map", "removed", "inconsistent")
LOOK = ("name", "visible", "units", "axis_labels", "blending")


@pytest.fixture
def opened(npe2pm):
    with npe2pm.tmp_plugin(manifest=MANIFEST):
        yield lambda path: io_utils.read([str(path)], stack=False)


@pytest.fixture
def saved(tmp_path, tiny_models):
    """Restores a DICOM scan, whole or in part, and saves that; the result and its folder."""

    def made(format="source", slices=None, beside=True):
        volume = mr.read(write_ct(tmp_path / "archive" / "torso", ct_array()))
        plan = make_plan(volume, mr.Settings(samples=1, noise=30.0))
        result = run_plan(plan if slices is None else plan.for_slices(slices), volume)
        folder = tmp_path / ("archive" if beside else "elsewhere") / "results"
        result.save(folder, format)
        return result, folder

    return made


def by_role(layers):
    return {meta["metadata"][KEY]["role"]: (data, meta) for data, meta, _ in layers}


@pytest.mark.parametrize("slices", [None, (2, 3, 4)])
@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("format", ["dicom", "nifti", "zarr"])
def test_a_folder_of_results_opens_as_it_was(saved, opened, format, slices, beside):
    result, folder = saved(format, slices, beside)
    assert get_reader(str(folder)) is not None
    found = by_role(opened(folder))
    wanted = by_role(result_layers(result, {}))
    assert found.keys() - {"std map"} == wanted.keys()
    for role, (data, meta) in wanted.items():
        shown, looks = found[role]
        atol = 0 if format != "dicom" else np.abs(data).max() / 32767
        assert np.allclose(shown, data, atol=atol), role
        for key in LOOK:
            assert looks.get(key) == meta.get(key), (role, key)
        for key in ("scale", "translate"):
            assert looks[key] == pytest.approx(meta[key], abs=1e-4)
        for key in ("unit", "level", "samples", "model", "modality"):
            assert looks["metadata"][KEY][key] == meta["metadata"][KEY][key]
        if role in COLOURED:
            assert looks["colormap"] == meta["colormap"]
    assert ("std map" in found) == (format == "dicom")
    has_scan = found["restored"][1]["metadata"][KEY]["run"].result.scan is not None
    assert has_scan == beside


def test_the_parametric_map_is_exact(saved, opened):
    result, folder = saved("dicom")
    data, meta = by_role(opened(folder))["std map"]
    std, looks = by_role(result_layers(result, {}))["std"]
    assert np.array_equal(data, std)  # float32, where the derived series has 16 bits
    assert meta["name"] == looks["name"].replace("std", "std map")
    assert not meta["visible"] and meta["colormap"] == looks["colormap"] == "magma"
    assert meta["metadata"][KEY]["unit"] == "HU"
    assert meta["translate"] == pytest.approx(looks["translate"])


@pytest.mark.parametrize("format", ["dicom", "nifti"])
def test_one_result_opens_as_what_it_is(saved, opened, format):
    _, folder = saved(format)
    suffix = "" if format == "dicom" else ".nii.gz"
    [(_, meta, _)] = opened(folder / f"torso_std{suffix}")
    assert meta["name"] == "std · torso" and meta["visible"]
    assert meta["colormap"] == "magma"
    if format == "dicom":
        [(_, meta, _)] = opened(folder / "torso_std_map" / "00001.dcm")
        assert meta["name"] == "std map · torso" and meta["visible"]
    assert len(opened(folder / "torso_run.json")) == (7 if format == "dicom" else 6)


def test_scans_among_results_open_besides(saved, opened):
    _, folder = saved("nifti")
    layers = opened(folder.parent)  # with the scan beside the results
    assert [meta["metadata"][KEY]["role"] for _, meta, _ in layers][:2] == ["scan", "restored"]
    assert len(layers) == 7


def test_a_broken_record_is_no_record(opened, make_volume, tmp_path):
    io.write(make_volume(), tmp_path / "a_restored.nii.gz")
    (tmp_path / "a_run.json").write_text("{")
    [(_, meta, _)] = opened(tmp_path / "a_restored.nii.gz")
    assert meta["metadata"][KEY]["role"] == "scan"


def test_in_a_viewer_results_are_linked_dressed_and_selected(viewer, npe2pm, saved, qtbot):
    _, folder = saved("dicom")
    with npe2pm.tmp_plugin(manifest=MANIFEST):
        viewer.open(str(folder), plugin="medrestore")
    layers = {layer.metadata[KEY]["role"]: layer for layer in viewer.layers}
    qtbot.waitUntil(lambda: viewer.layers.selection.active.name == "restored · torso")
    assert [role for role, layer in layers.items() if layer.visible] == ["restored"]
    layers["lower"].contrast_limits = (0, 50)
    assert layers["restored"].contrast_limits == [0, 50]
    layers["std map"].visible = True
    assert layers["std map"].colorbar.visible
    layers["restored"].visible = False
    layers["restored"].visible = True
    assert not layers["std map"].visible


@pytest.fixture
def panel(tiny_models, qtbot):
    widget = DenoiseWidget(ViewerModel())
    qtbot.addWidget(widget)
    return widget


def test_a_run_asks_for_its_scan(saved, panel, qtbot, monkeypatch, tmp_path):
    result, folder = saved("dicom")
    scan = next(p for p in (tmp_path / "archive" / "torso").rglob("*") if p.is_file())
    moved = tmp_path / "moved"
    shutil.move(scan.parent, moved)
    wrong = mr.write(result.restored, tmp_path / "wrong.nii.gz")
    answers, titles = [str(moved / scan.name), str(wrong), ""], []

    def ask(parent, title):
        titles.append(title)
        return answers.pop(), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    record = folder / "torso_run.json"
    panel._reopen(record)
    finish(panel, qtbot)
    assert "open that scan, choose it under Scan" in panel.status.text()  # nobody knew
    assert not len(panel._viewer.layers)
    panel._reopen(record)  # a wrong one first, then one of its files
    finish(panel, qtbot)
    assert panel.status.text().startswith("Opened again"), (panel.status.text(), titles)
    assert "is not beside its record" in titles[0] and "wrong.nii.gz is not the scan" in titles[2]
    roles = [layer.metadata[KEY]["role"] for layer in panel._viewer.layers]
    assert roles[:2] == ["scan", "restored"] and "std map" in roles
    assert panel._viewer.layers.selection.active.metadata[KEY]["role"] == "restored"


def test_some_slices_of_a_dicom_scan_are_saved_in_each_format(panel, qtbot, tmp_path, monkeypatch):
    volume = mr.read(write_ct(tmp_path / "torso", ct_array()))
    data, meta, _ = to_layer(volume)
    panel._viewer.add_image(data, **meta)
    panel.form.fields["samples"].setValue(1)
    panel.form.noise_entry.number.setValue(30)
    panel.form.first.setValue(1)
    panel.form.last.setValue(2)
    run(panel, qtbot)
    result = panel.controller.result
    assert len(result.restored.array) == 2
    actions = {action.data(): action for action in panel.run_bar.formats.actions()}
    assert list(actions) == ["dicom", "nifti", "zarr"]
    assert all(action.isEnabled() for action in actions.values())
    for format, action in actions.items():
        folder = tmp_path / "out" / format
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, f=folder: str(f))
        action.trigger()
        finish(panel, qtbot)
        assert panel.status.text().startswith("Saved"), panel.status.text()
        suffix = {"dicom": "", "nifti": ".nii.gz", "zarr": ".zarr"}[format]
        again = io.read(folder / f"torso_restored{suffix}", "CT")
        assert again.geometry.same_grid(result.restored.geometry, 1e-3)
        atol = np.abs(result.restored.array).max() / 32767
        assert np.allclose(again.array, result.restored.array, atol=atol)
    assert (tmp_path / "out" / "dicom" / "torso_std_map").is_dir()
    assert len(list((tmp_path / "out" / "dicom" / "torso_std").iterdir())) == 2


def test_derived_series_are_offered_for_dicom_only(panel, head, qtbot):
    data, meta, _ = to_layer(head)
    panel._viewer.add_image(data, **meta)
    panel.form.fields["samples"].setValue(1)
    panel.form.noise_entry.number.setValue(5)
    run(panel, qtbot)
    enabled = {action.data(): action.isEnabled() for action in panel.run_bar.formats.actions()}
    assert enabled == {"dicom": False, "nifti": True, "zarr": True}
