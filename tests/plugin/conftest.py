"""Small scans of any orientation, and a viewer with the dock."""

import numpy as np
import pytest

from medrestore.plugin.layers import to_layer
from medrestore.volume import Geometry, Source, Volume


@pytest.fixture
def make_volume():
    def make(axes=None, shape=(3, 5, 7), modality="MR", times=0, name="scan", **changes):
        """`axes`: three columns, the step (R, A, S) in mm along z, y and x."""
        affine = np.eye(4)
        affine[:3, :3] = np.diag([1, 1, 1])[:, ::-1] if axes is None else np.transpose(axes)
        affine[:3, 3] = (11.0, -7.0, 23.0)
        grid = (times, *shape) if times else shape
        array = np.random.default_rng(0).uniform(10, 100, grid).astype(np.float32)
        return Volume(
            array,
            Geometry(shape, affine),
            modality,
            "HU" if modality == "CT" else "a.u.",
            Source(name=name),
            **changes,
        )

    return make


@pytest.fixture
def head(make_volume):
    """A noisy disc in three slices: enough for every step of a run."""
    volume = make_volume(axes=[(0, 0, 4), (0, 1, 0), (1, 0, 0)], shape=(3, 40, 48), name="head")
    y, x = np.mgrid[:40, :48]
    disc = np.where((y - 20) ** 2 + (x - 24) ** 2 < 300, 100, 3)
    noise = np.random.default_rng(1).normal(0, 5, volume.array.shape)
    return volume.with_array(np.abs(disc + noise))


@pytest.fixture
def viewer(make_napari_viewer_proxy, npe2pm):
    return make_napari_viewer_proxy()


@pytest.fixture
def docked(viewer, tiny_models):
    from medrestore.plugin.widget import DenoiseWidget

    widget = DenoiseWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget.form.fields["samples"].setValue(2)
    widget.form.noise_entry.number.setValue(0)
    return widget


@pytest.fixture
def opened(viewer, head):
    data, meta, _ = to_layer(head)
    return viewer.add_image(data, **meta)
