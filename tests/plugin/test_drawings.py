"""Regions drawn in napari as masks on the scan."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from medrestore.plugin.drawings import chosen_drawing, drawn_regions, take, union


@pytest.fixture
def scan():
    return Image(np.zeros((6, 40, 50), np.float32), scale=(3, 1, 2), translate=(-9, 5, 7))


def square(z, low, high):
    return np.array([[z, low, low], [z, low, high], [z, high, high], [z, high, low]], float)


def test_labels_on_the_scans_grid(scan):
    data = np.zeros((6, 40, 50), int)
    data[2, 3:6, 4:8], data[5, 0, 0] = 1, 7
    labels = Labels(data, scale=scan.scale, translate=scan.translate)
    one, seven = drawn_regions(take(labels, scan))
    assert [one.name, seven.name] == ["label 1", "label 7"]
    assert np.array_equal(one.mask, data == 1)
    assert np.argwhere(seven.mask).tolist() == [[5, 0, 0]]


def test_labels_on_another_grid_are_looked_up_where_the_voxels_are(scan):
    """DrawnRegion on a grid of half the step that begins elsewhere."""
    data = np.zeros((20, 90, 90), int)
    world = np.array([3.0, 25.0, 47.0])  # (i, p, l) mm: voxel (4, 20, 20) of the scan
    labels = Labels(data, scale=(1.5, 0.5, 1.0), translate=(-8, 0, 0))
    low = np.rint((world - (-8, 0, 0)) / (1.5, 0.5, 1.0)).astype(int)
    labels.data[low[0] - 1 : low[0] + 2, low[1] - 1 : low[1] + 2, low[2] - 1 : low[2] + 2] = 3
    (region,) = drawn_regions(take(labels, scan))
    assert region.mask[4, 20, 20]
    assert region.mask.sum() <= 2


def test_closed_shapes_are_filled_in_their_slice(scan):
    shapes = Shapes(scale=scan.scale, translate=scan.translate, ndim=3)
    shapes.add_rectangles(square(3, 10, 20))
    shapes.add_ellipses(square(1, 5, 25))
    shapes.add_lines(np.array([[2, 0, 0], [2, 9, 9]], float))
    rectangle, ellipse = drawn_regions(take(shapes, scan))
    assert [rectangle.name, ellipse.name] == ["rectangle 1", "ellipse 2"]
    assert rectangle.mask.any(axis=(1, 2)).tolist() == [False, False, False, True, False, False]
    assert rectangle.mask.sum() == 11 * 11
    assert ellipse.mask[1].sum() == pytest.approx(np.pi * 10**2, rel=0.03)
    assert np.array_equal(union(iter([rectangle, ellipse])), rectangle.mask | ellipse.mask)


def test_shapes_in_other_planes_and_outside(scan):
    upright = Shapes(scale=scan.scale, translate=scan.translate, ndim=3)
    upright.add_polygons(np.array([[0, 7, 2], [4, 7, 2], [4, 7, 9], [0, 7, 9]], float))
    upright.add_rectangles(square(9, 10, 20))  # below the last slice
    upright.add_polygons(np.array([[0, 0, 0], [3, 9, 2], [5, 20, 30]], float))  # not flat
    (region,) = drawn_regions(take(upright, scan))
    assert np.array_equal(np.unique(np.argwhere(region.mask)[:, 1]), [7])


def test_nothing_drawn_is_no_region(scan):
    assert union(drawn_regions(take(Labels(np.zeros((6, 40, 50), int)), scan))) is None
    assert list(drawn_regions(take(Shapes(ndim=3), scan))) == []


def test_the_selected_drawing_counts_else_the_topmost():
    viewer = ViewerModel()
    assert chosen_drawing(viewer) is None
    first = viewer.add_labels(np.zeros((2, 3, 4), int))
    second = viewer.add_shapes(ndim=3)
    viewer.add_image(np.zeros((2, 3, 4)))
    assert chosen_drawing(viewer) is second
    viewer.layers.selection.active = first
    assert chosen_drawing(viewer) is first
