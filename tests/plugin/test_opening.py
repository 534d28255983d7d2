"""A scan opens in the plane it was acquired in, and a preview leads to that plane."""

import numpy as np
import pytest
from driving import finish
from napari.components import ViewerModel

import medrestore
from medrestore import io
from medrestore.plugin.layers import acquired_plane, to_layer
from medrestore.plugin.positions import slice_in_words
from medrestore.plugin.view.planes import Plane, plane_shown, show_plane, show_volume
from medrestore.plugin.widget import DenoiseWidget

STEPS = {
    Plane.AXIAL: [(0, 0, 4), (0, 1, 0), (1, 0, 0)],
    Plane.CORONAL: [(0, 4, 0), (0, 0, -1), (1, 0, 0)],
    Plane.SAGITTAL: [(-4, 0, 0), (0, 0, -1), (0, 1, 0)],
}
"""Steps (R, A, S) in mm along z, y and x of scans acquired in each plane."""


@pytest.fixture
def disc(head, make_volume):
    """A scan of a disc, its slices in a plane."""

    def made(plane, shape=(5, 40, 48), **changes):
        volume = make_volume(axes=STEPS[plane], shape=shape, name=plane.name.lower(), **changes)
        return volume.with_array(np.resize(head.array, volume.array.shape))

    return made


@pytest.mark.parametrize("plane", Plane)
def test_a_scan_opens_in_its_plane(viewer, npe2pm, disc, tmp_path, plane):
    path = tmp_path / "scan.nii.gz"
    io.write(disc(plane), path)
    with npe2pm.tmp_plugin(manifest=f"{medrestore.__path__[0]}/napari.yaml"):
        viewer.open(str(path), plugin="medrestore")
        assert plane_shown(viewer) is plane
        place = viewer.layers[0].world_to_data(viewer.dims.point)
        assert place[plane.value[0]] == pytest.approx(2, abs=0.51)  # the middle of five slices
        for other in Plane:  # whatever was looked at before
            show_plane(viewer, other, viewer.layers[0])
            viewer.open(str(path), plugin="medrestore")
            assert plane_shown(viewer) is plane


def test_the_last_of_several_counts_and_3d_stays(viewer, npe2pm, disc, tmp_path):
    for plane in (Plane.AXIAL, Plane.SAGITTAL):
        io.write(disc(plane), tmp_path / f"{plane.value}.nii.gz")
    paths = sorted(map(str, tmp_path.glob("*.nii.gz")))
    with npe2pm.tmp_plugin(manifest=f"{medrestore.__path__[0]}/napari.yaml"):
        viewer.open(paths, plugin="medrestore")
        assert plane_shown(viewer) is Plane.SAGITTAL
        show_volume(viewer, viewer.layers[0])
        viewer.open(paths[0], plugin="medrestore")
        assert viewer.dims.ndisplay == 3
        viewer.dims.ndisplay = 2
        show_plane(viewer, Plane.CORONAL, viewer.layers[0])
        viewer.add_image(np.ones((4, 5, 6)))  # another plugin's turns nothing
        assert plane_shown(viewer) is Plane.CORONAL


@pytest.mark.parametrize("plane", Plane)
def test_planes_have_names(disc, plane):
    _, meta, _ = to_layer(disc(plane))
    assert acquired_plane(meta["metadata"]["medrestore"]) == plane.name.lower()
    assert slice_in_words(meta, 3) == f"{plane.name.lower()} slice 3"
    assert slice_in_words({}, 3) == "slice 3"


@pytest.fixture
def model():
    return ViewerModel()


@pytest.fixture
def panel(model, tiny_models, qtbot):
    widget = DenoiseWidget(model)
    qtbot.addWidget(widget)
    widget.form.noise_entry.number.setValue(5)
    return widget


@pytest.mark.parametrize("times", [0, 2])
@pytest.mark.parametrize("shown", Plane)
@pytest.mark.parametrize("plane", [Plane.AXIAL, Plane.SAGITTAL])
def test_a_preview_leads_to_its_plane(model, panel, disc, qtbot, plane, shown, times):
    volume = disc(plane)
    if times:
        volume = volume.with_array(np.stack([volume.array] * times))
    data, meta, _ = to_layer(volume)
    layer = model.add_image(data, **meta)
    show_plane(model, shown, layer)
    axis = plane.value[0] + (1 if times else 0)
    model.dims.set_point(axis, layer.data_to_world([3] * layer.ndim)[axis])
    panel.preview_button.click()
    finish(panel, qtbot)
    said = panel.status.text()
    assert said.startswith(f"Preview of {plane.name.lower()} slice 3.")
    assert said.endswith("The view was turned to it.") == (plane is not shown)
    assert plane_shown(model) is plane
    preview = next(one for one in model.layers if one.name.startswith("restored preview"))
    place = preview.world_to_data(model.dims.point[-preview.ndim :])
    assert place[plane.value[0]] == pytest.approx(0, abs=1e-6)  # its one slice is on display


def test_a_preview_leads_out_of_3d(model, panel, disc, qtbot):
    data, meta, _ = to_layer(disc(Plane.CORONAL))
    layer = model.add_image(data, **meta)
    show_volume(model, layer)
    panel.preview_button.click()
    finish(panel, qtbot)
    assert plane_shown(model) is Plane.CORONAL
