"""A viewer without a window, and a scan with results in it."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.experimental import link_layers
from napari.layers import Image

from medrestore.plugin.layers import KEY, to_layer


@pytest.fixture
def model():
    return ViewerModel()


@pytest.fixture
def add_scan(make_volume):
    """Adds a scan, or what a run made of it, to a viewer."""

    def add(viewer, role="scan", offset=0.0, **volume):
        data, meta, _ = to_layer(make_volume(**volume))
        meta["metadata"][KEY]["role"] = role
        if role != "scan":
            meta["name"] = f"{role} · {meta['name']}"
        return viewer.add_layer(Image(data + np.float32(offset), **meta))

    return add


@pytest.fixture
def pair(model, add_scan):
    """A scan and its restored layer, linked; a spread map that is hidden; a drawing."""
    a, b = add_scan(model), add_scan(model, "restored", offset=2)
    link_layers([a, b], ("contrast_limits",))
    add_scan(model, "std").visible = False
    model.add_shapes(name="drawing", ndim=3)
    return a, b
