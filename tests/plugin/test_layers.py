"""Volume → layer → volume: positions, orientation, units, names."""

from itertools import permutations, product

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from medrestore.errors import InputError
from medrestore.plugin.contrast import contrast_limits, spread_limits
from medrestore.plugin.layers import KEY, describe, to_layer, to_volume

SPACING = (3.0, 0.7, 1.9)
ORIENTATIONS = [
    [tuple(sign * SPACING[i] * (axis == p) for axis in range(3)) for i, (p, sign) in enumerate(ps)]
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
    for ps in [tuple(zip(order, signs, strict=True))]
]
MARKED = (2, 1, 4)


def world_of(meta, index):
    """Layer position (inferior, posterior, left) of a displayed voxel, mm."""
    return np.array(meta["translate"]) + np.array(meta["scale"]) * index


@pytest.mark.parametrize("axes", ORIENTATIONS, ids=str)
def test_a_marked_voxel_lies_where_it_lies_in_the_patient(axes, make_volume):
    volume = make_volume(axes)
    volume.array[MARKED] = 1000
    data, meta, kind = to_layer(volume)
    shown = np.unravel_index(data.argmax(), data.shape)
    right, anterior, superior = volume.geometry.world(MARKED)
    assert kind == "image"
    assert np.allclose(world_of(meta, shown), (-superior, -anterior, -right), atol=1e-9)
    assert min(meta["scale"]) > 0


@pytest.mark.parametrize("axes", ORIENTATIONS, ids=str)
def test_the_way_back_ends_on_the_same_grid(axes, make_volume):
    volume = make_volume(axes)
    back = to_volume(*to_layer(volume)[:2])
    assert np.array_equal(back.array, volume.array)
    assert np.array_equal(back.geometry.affine, volume.geometry.affine)
    assert (back.modality, back.unit, back.source) == ("MR", "a.u.", volume.source)


def test_the_way_back_is_a_copy(make_volume):
    volume = make_volume()
    data, meta, _ = to_layer(volume)
    back = to_volume(data, meta)
    assert np.shares_memory(data, volume.array)
    assert not np.shares_memory(back.array, volume.array)


def test_two_scans_of_one_patient_overlay(make_volume):
    """An axial and a sagittal scan see the same point of the patient at the same place."""
    axial = make_volume([(0, 0, 4), (0, 1, 0), (1, 0, 0)])
    sagittal = make_volume([(5, 0, 0), (0, 0, -2), (0, 2, 0)])
    for volume in (axial, sagittal):
        index = np.linalg.solve(
            volume.geometry.affine[:3, :3], np.array((1.0, 2, 3)) - volume.geometry.affine[:3, 3]
        )
        order, flip = volume.geometry.display_axes()
        shown = [index[a] for a in order]
        size = [volume.array.shape[a] for a in order]
        shown = [n - 1 - i if f else i for i, n, f in zip(shown, size, flip, strict=True)]
        assert np.allclose(world_of(to_layer(volume)[1], shown), (-3, -2, -1))


def test_napari_gets_units_labels_and_no_rotation(make_volume):
    layer = ViewerModel().add_layer(Layer.create(*to_layer(make_volume())))
    assert {str(unit) for unit in layer.units} == {"millimeter"}
    assert layer.axis_labels == ("inferior", "posterior", "left")
    assert not layer.rgb
    assert np.array_equal(layer.rotate, np.eye(3))


@pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5, 4)])
def test_a_last_axis_of_three_is_no_colour(make_volume, shape):
    layer = ViewerModel().add_layer(Layer.create(*to_layer(make_volume(shape=shape))))
    assert layer.ndim == 3


def turned(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(0, -4 * s, 4 * c), (0, c, s), (1, 0, 0)]


def test_an_oblique_scan_says_so_and_is_shown_about_its_centre(make_volume):
    volume = make_volume(turned(10))
    data, meta, _ = to_layer(volume)
    assert meta["metadata"][KEY]["notes"] == ("oblique 10.0°, displayed unrotated",)
    assert np.allclose(sorted(meta["scale"]), (1, 1, 4))
    assert not {"affine", "rotate", "shear"} & meta.keys()
    centre = volume.geometry.world((1, 2, 3))
    assert np.allclose(world_of(meta, (np.array(data.shape) - 1) / 2), -centre[::-1])
    assert np.array_equal(to_volume(data, meta).geometry.affine, volume.geometry.affine)


def test_a_tenth_of_a_degree_is_not_worth_a_word(make_volume):
    assert to_layer(make_volume(turned(0.09)))[1]["metadata"][KEY]["notes"] == ()


def test_a_series_in_time_keeps_its_leading_axis(make_volume):
    volume = make_volume(ORIENTATIONS[13], times=4)
    data, meta, _ = to_layer(volume)
    assert data.shape[0] == 4
    layer = ViewerModel().add_layer(Layer.create(data, meta, "image"))
    assert layer.axis_labels[0] == "time"
    assert np.array_equal(to_volume(data, meta).array, volume.array)


def test_kept_gaps_survive_the_display(make_volume):
    from dataclasses import replace

    volume = make_volume()
    uneven = replace(volume.geometry, slice_positions_mm=(0.0, 1.0, 3.0))
    back = to_volume(*to_layer(replace(volume, geometry=uneven))[:2])
    assert back.geometry.slice_positions_mm == (0.0, 1.0, 3.0)


def test_the_chosen_modality_brings_its_unit(make_volume):
    data, meta, _ = to_layer(make_volume(modality=None))
    volume = to_volume(data, meta, modality="CT")
    assert (volume.modality, volume.unit) == ("CT", "HU")


def test_a_layer_of_another_plugin_keeps_its_place():
    data = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    meta = {"name": "theirs", "scale": (2, 1, 1), "translate": (5, 0, 0), "units": ("mm",) * 3}
    volume = to_volume(data, meta)
    shown, placed, _ = to_layer(volume)
    assert volume.array.dtype == np.float32
    assert not volume.geometry.known
    assert np.array_equal(shown, data)
    assert placed["scale"] == (2, 1, 1)
    assert placed["translate"] == (5, 0, 0)
    assert not volume.warnings


def test_micrometres_become_millimetres():
    meta = {"scale": (2000, 1000, 1000), "units": ("micrometer",) * 3}
    assert to_volume(np.ones((2, 3, 4)), meta).geometry.spacing_mm == (2, 1, 1)


def test_voxels_without_a_unit_are_said_to_be_taken_as_millimetres():
    volume = to_volume(np.ones((2, 3, 4)), {"scale": (1, 1, 1), "units": ("pixel",) * 3})
    assert "taken as mm" in volume.warnings[0]


def test_a_cropped_layer_is_no_longer_on_its_source_grid(make_volume):
    data, meta, _ = to_layer(make_volume())
    assert not to_volume(data[1:], meta).geometry.known


def test_the_finest_level_of_a_multiscale_image_counts():
    volume = to_volume([np.ones((4, 4, 4)), np.ones((2, 2, 2))], {"multiscale": True})
    assert volume.array.shape == (4, 4, 4)


@pytest.mark.parametrize(
    ("data", "meta", "says"),
    [
        (np.ones((4, 4, 3)), {"rgb": True, "name": "photo"}, "layer 'photo' is a colour image"),
        (np.ones((4, 4)), {"name": "flat"}, r"layer 'flat' has shape \(4, 4\)"),
        (np.ones((2, 3, 4), complex), {"name": "raw"}, "layer 'raw' holds complex128"),
        (np.ones((0, 3, 4)), {"name": "empty"}, "layer 'empty' has shape"),
    ],
)
def test_what_is_no_volume_is_refused_by_name(data, meta, says):
    with pytest.raises(InputError, match=says):
        to_volume(data, meta)


def test_contrast():
    assert contrast_limits(np.zeros((2, 2, 2)), "CT") == (-150, 250)
    ramp = np.linspace(0, 1000, 27_000, dtype=np.float32).reshape(30, 30, 30)
    ramp[0, 0, 0] = 1e6  # a spike does not darken the image
    assert contrast_limits(ramp, "MR") == pytest.approx((5, 997), abs=1)
    assert contrast_limits(np.full((2, 2, 2), 7.0), "MR") == (7, 8)
    assert contrast_limits(np.full((2, 2, 2), np.nan), "MR") == (0, 1)
    assert spread_limits(np.zeros((2, 2, 2))) == (0, 1)


def test_a_line_for_a_person(make_volume):
    layer = Layer.create(*to_layer(make_volume(turned(10))))
    assert describe(layer, "MR").splitlines() == [
        "MR, 3 × 5 × 7 voxels",
        "4 × 1 × 1 mm, axial slices",
        "oblique 10.0°, displayed unrotated",
    ]
    assert describe(layer, None).startswith("CT or MR?")
