"""Places in the viewer as voxels of the scan."""

import numpy as np
import pytest
from napari.layers import Image

from medrestore.plugin.layers import placement, stored, to_layer
from medrestore.plugin.positions import acquired_slice, begin_at, stored_index

ORIENTED = {
    "axial": [(0, 0, 4), (0, 1, 0), (1, 0, 0)],
    "axial, upside down": [(0, 0, -4), (0, -1, 0), (-1, 0, 0)],
    "sagittal": [(3, 0, 0), (0, 0, 1), (0, 1, 0)],
    "coronal, flipped": [(0, -2, 0), (0, 0, -1), (1, 0, 0)],
}


@pytest.mark.parametrize("axes", ORIENTED.values(), ids=ORIENTED)
def test_a_marked_voxel_is_found_from_the_display(make_volume, axes):
    volume = make_volume(axes)
    data, meta, _ = to_layer(volume)
    marked = (1, 3, 2)
    place = np.argwhere(data == volume.array[marked])[0]
    assert stored_index(place + 0.3, meta, data.shape) == marked
    assert stored(data, meta)[marked] == volume.array[marked]
    assert stored_index((-1, 0, 0), meta, data.shape) is None
    assert stored_index((0, 0, data.shape[2]), meta, data.shape) is None


@pytest.mark.parametrize("axes", ORIENTED.values(), ids=ORIENTED)
def test_a_part_of_a_scan_lies_where_it_was(make_volume, axes):
    """The first displayed slice of slices 1 and 2 is where they are in the whole."""
    volume = make_volume(axes)
    data, meta, _ = to_layer(volume)
    part, _, _ = to_layer(volume.slices((1, 2)))
    axis = next(a for a in range(3) if part.shape[a] != data.shape[a])
    first = min(acquired_slice(meta, 3, z) for z in (1, 2))
    assert begin_at(meta, axis, first) == pytest.approx(
        placement(volume.slices((1, 2)).geometry)["translate"]
    )


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing:UserWarning")
def test_a_turned_layer_begins_where_napari_puts_its_slice():
    turned = {"rotate": [10, 20, 5], "shear": [0.1, 0, 0.2]}
    layer = Image(np.zeros((3, 4, 5)), scale=[2, 1, 3], translate=[1, 2, 3], **turned)
    _, meta, _ = layer.as_layer_data_tuple()
    assert begin_at(meta, 0, 2) == pytest.approx(tuple(layer.data_to_world((2, 0, 0))))
    assert begin_at(meta, 2, 4) == pytest.approx(tuple(layer.data_to_world((0, 0, 4))))


def test_slices_are_numbered_as_the_slider_does(make_volume):
    _, meta, _ = to_layer(make_volume([(0, 0, 4), (0, 1, 0), (1, 0, 0)]))
    up = [acquired_slice(meta, 3, i) for i in (0, 1, 2, 9)]
    assert up == [2, 1, 0, 0]  # the scan counts from its feet, the slider from the head
    assert [acquired_slice(meta, 3, z) for z in up[:3]] == [0, 1, 2]
