"""B − A as a layer."""

import numpy as np
import pytest
from napari.layers import Image

from medrestore.errors import InputError
from medrestore.plugin.layers import KEY, to_volume
from medrestore.plugin.view.compare_box import check_same_grid, difference_layer
from medrestore.plugin.viewer import is_restored, is_scan


def subtracted(a, b):
    check_same_grid(a, b)
    data, meta, kind = difference_layer(a.as_layer_data_tuple(), b.as_layer_data_tuple())
    assert kind == "image"
    return Image(data, **meta)


def test_it_is_b_minus_a_on_the_scans_grid(pair, make_volume):
    a, b = pair
    difference = subtracted(a, b)
    assert np.allclose(difference.data, 2)
    assert difference.data.dtype == np.float32
    assert difference.name == "difference · restored · scan − scan"
    low, high = difference.contrast_limits
    assert low == -high < 0
    assert np.array_equal(difference.scale, a.scale)
    assert np.array_equal(difference.translate, a.translate)
    assert (difference.units, difference.axis_labels) == (a.units, a.axis_labels)
    back = to_volume(difference.data, {"metadata": difference.metadata})
    assert back.geometry.same_grid(make_volume().geometry)


def test_it_is_no_scan_to_restore_and_says_what_its_colours_mean(pair):
    difference = subtracted(*pair)
    assert difference.metadata[KEY]["role"] == "difference"
    assert not is_scan(difference)
    assert not is_restored(difference)
    assert "orange where the first is larger" in difference.metadata[KEY]["notes"][-1]
    assert difference.colormap.name == "blue-black-orange"
    blue, black, orange = difference.colormap.map(np.array([0.25, 0.5, 0.75]))[:, :3]
    assert black.max() == 0
    assert blue[2] > blue[0] and orange[0] > orange[2]


def test_whole_numbers_do_not_wrap_around(model):
    dark = model.add_image(np.full((2, 3, 4), 5, np.uint8), name="dark")
    bright = model.add_image(np.full((2, 3, 4), 250, np.uint8), name="bright")
    assert (subtracted(bright, dark).data == -245).all()
    assert subtracted(bright, dark).name == "difference · dark − bright"


def test_of_a_multiscale_image_the_finest_level(model):
    levels = [np.full((4, 6, 8), 3.0), np.full((2, 3, 4), 3.0)]
    coarse = model.add_image(levels, multiscale=True, name="levels")
    plain = model.add_image(np.ones((4, 6, 8)), name="plain")
    assert (subtracted(plain, coarse).data == 2).all()


def test_a_window_per_slice_is_none_of_its_business(pair):
    """NaN, where a scan has no data, stays NaN and does not spoil the colours."""
    a, b = pair
    a.data[0, 0, 0] = np.nan
    difference = subtracted(a, b)
    assert np.isnan(difference.data[0, 0, 0])
    assert np.isfinite(difference.contrast_limits).all()


def test_grids_that_differ_are_refused_with_the_numbers(model, add_scan, pair):
    a, _ = pair
    small = add_scan(model, shape=(3, 5, 6), name="small")
    with pytest.raises(InputError, match="A, scan, has 3 × 5 × 7 voxels and B, small, 3 × 5 × 6"):
        check_same_grid(a, small)
    moved = add_scan(model, name="moved")
    moved.translate = moved.translate + np.array((0, 0, 2.5))
    with pytest.raises(InputError, match=r"scan and moved lie up to 2\.5 millimeter apart"):
        check_same_grid(a, moved)
    turned = add_scan(model, name="turned")
    turned.rotate = [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]  # within the slice
    with pytest.raises(InputError, match="apart"):
        check_same_grid(a, turned)
    pixels = add_scan(model, name="pixels")
    pixels.units = ("pixel",) * 3
    with pytest.raises(InputError, match="lies in millimeter and B, pixels, in pixel"):
        check_same_grid(a, pixels)
    ct = add_scan(model, modality="CT", name="ct")
    with pytest.raises(InputError, match=r"A, scan, is in a\.u\. and B, ct, in HU"):
        check_same_grid(a, ct)
