"""Planes of the patient, and the letters at the edges."""

import numpy as np
import pytest
from napari.components import ViewerModel

from medrestore.errors import MedrestoreError
from medrestore.plugin.layers import KEY
from medrestore.plugin.view.planes import (
    Letters,
    Plane,
    edges,
    in_words,
    is_oriented,
    plane_shown,
    show_plane,
    show_volume,
)
from medrestore.plugin.viewer import camera_of

SIDES = {Plane.AXIAL: "RLAP", Plane.CORONAL: "RLSI", Plane.SAGITTAL: "APSI"}
RAS = {"R": (1, 0, 0), "A": (0, 1, 0), "S": (0, 0, 1)}
RAS |= {"L": (-1, 0, 0), "P": (0, -1, 0), "I": (0, 0, -1)}


@pytest.mark.parametrize("plane", Plane)
@pytest.mark.parametrize("times", [0, 4])
def test_a_plane_comes_out_the_radiological_way(model, add_scan, plane, times):
    layer = add_scan(model, times=times, shape=(6, 5, 9))
    model.dims.ndisplay = 3
    show_plane(model, plane, layer)
    lead = [0] if times else []
    assert list(model.dims.order[: len(lead)]) == lead
    assert plane_shown(model) is plane
    assert "".join(edges(model)) == SIDES[plane]
    row, column = model.dims.order[-2:]
    edge = zip(SIDES[plane], (column, column, row, row), (-1, 1, -1, 1), strict=True)
    for letter, axis, sign in edge:
        right, anterior, superior = RAS[letter]
        world = (0,) * len(lead) + (-superior, -anterior, -right)
        assert world[axis] == sign  # left and top are where world coordinates are small


@pytest.mark.parametrize("plane", Plane)
def test_it_goes_to_the_middle_slice_of_the_chosen_scan(model, add_scan, plane):
    layer = add_scan(model, shape=(7, 5, 9))
    other = add_scan(model, shape=(30, 30, 30))
    for one in (other, layer):
        show_plane(model, plane, one)
        axis = plane.value[0]
        index = one.world_to_data(model.dims.point)
        assert index[axis] == pytest.approx((one.data.shape[axis] - 1) // 2)


def test_time_stays_where_it_is(model, add_scan):
    layer = add_scan(model, times=4)
    model.dims.set_point(0, 3)
    show_plane(model, Plane.CORONAL, layer)
    assert model.dims.point[0] == 3


def test_three_dimensions_from_the_front_not_mirrored(model, add_scan):
    show_volume(model, add_scan(model))
    assert model.dims.order == (0, 1, 2)
    assert np.allclose(camera_of(model).view_direction, (0, 1, 0), atol=1e-6)
    assert np.allclose(camera_of(model).up_direction, (-1, 0, 0), atol=1e-6)
    assert plane_shown(model) is None
    assert edges(model) is None


def test_naparis_own_roll_is_lettered_as_it_is(model, add_scan):
    add_scan(model)
    model.dims.roll()
    model.dims.roll()
    assert model.dims.order == (1, 2, 0)  # coronal, lying
    assert plane_shown(model) is None
    assert "".join(edges(model)) == "SIRL"


def test_a_turned_canvas_turns_the_letters(model, add_scan):
    show_plane(model, Plane.AXIAL, add_scan(model))
    camera_of(model).orientation2d = ("up", "left")
    assert "".join(edges(model)) == "LRPA"


@pytest.mark.skipif("canvas" not in ViewerModel.model_fields, reason="a place for them: napari 0.9")
def test_letters_stand_on_the_canvas_while_the_orientation_is_known(model, add_scan):
    before = set(model.canvas.overlays)
    letters = Letters(model)
    layer = add_scan(model)
    letters.follow(layer)
    shown = {name: model.canvas.overlays[name].text for name in set(model.canvas.overlays) - before}
    assert sorted(shown.values()) == ["A", "L", "P", "R"]
    show_plane(model, Plane.SAGITTAL, layer)
    assert model.canvas.overlays["medrestore_left"].text == "A"
    assert in_words(model, layer) == "Left of the picture: patient's front. Top: head."
    for change, back in (
        (lambda: show_volume(model, layer), lambda: show_plane(model, Plane.AXIAL, layer)),
        (
            lambda: letters.follow(model.add_image(np.ones((3, 4, 5)))),
            lambda: letters.follow(layer),
        ),
        (lambda: letters.switch(False), lambda: letters.switch(True)),
        (letters.close, lambda: None),
    ):
        change()
        assert set(model.canvas.overlays) == before
        back()


@pytest.mark.skipif("canvas" not in ViewerModel.model_fields, reason="a place for them: napari 0.9")
def test_results_alone_have_letters_too(model, add_scan):
    """A results folder opened without its scan: nothing is chosen, and all of it is oriented."""
    before = set(model.canvas.overlays)
    letters = Letters(model)
    layer = add_scan(model, role="std")
    assert len(set(model.canvas.overlays) - before) == 4
    model.layers.remove(layer)
    assert set(model.canvas.overlays) == before
    letters.close()


def test_no_letters_where_the_file_says_nothing(model, add_scan):
    layer = add_scan(model)
    assert is_oriented(layer)
    layer.metadata[KEY]["known"] = False
    assert not is_oriented(layer)
    assert "does not say" in in_words(model, layer)
    assert in_words(model, None) == ""


def test_what_has_no_planes_is_said(model):
    with pytest.raises(MedrestoreError, match="Open a CT or MR scan"):
        show_plane(model, Plane.AXIAL, None)
    flat = model.add_image(np.ones((4, 4)), name="flat")
    with pytest.raises(MedrestoreError, match="flat is a single picture"):
        show_plane(model, Plane.AXIAL, flat)
    assert plane_shown(model) is None and edges(model) is None
