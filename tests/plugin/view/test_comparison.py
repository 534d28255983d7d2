"""Side by side and flicker: what is shown, and that all comes back."""

import numpy as np
import pytest
from napari.components.grid import GridCanvas

from medrestore.errors import MedrestoreError
from medrestore.plugin.view.comparison import Comparison, Mode, grid_stride
from medrestore.plugin.viewer import camera_of, grid_of

GRID = ("shape", "stride", "spacing", "enabled")


def state(viewer):
    grid = grid_of(viewer)
    return [layer.visible for layer in viewer.layers], [getattr(grid, name) for name in GRID]


def place(grid, index, layers):
    """Row and column of a layer; napari before 0.9 asks for the number of layers."""
    try:
        return grid.position(index, layers)
    except TypeError:
        return grid.position(index, len(layers))


def shown(viewer):
    return [layer.name for layer in viewer.layers if layer.visible]


@pytest.fixture
def comparison(model):
    return Comparison(model, lambda: None)


def test_the_grid_stride_puts_a_left_of_b():
    """In napari's own rule, and in that of 0.7 and 0.8: every layer counts, groups wrap."""

    class Layer:
        def __init__(self, visible):
            self.visible = visible

    for count in range(2, 9):
        for a in range(count):
            for b in set(range(count)) - {a}:
                stride = grid_stride(a, b, count)
                grid = GridCanvas(enabled=True, shape=(1, 2), stride=stride)
                layers = [Layer(i in (a, b)) for i in range(count)]
                assert [place(grid, i, layers) for i in (a, b)] == [(0, 0), (0, 1)]
                places = [i if stride > 0 else count - 1 - i for i in (a, b)]
                assert [place // abs(stride) % 2 for place in places] == [0, 1]


@pytest.mark.parametrize("swapped", [False, True])
def test_side_by_side_shows_the_two_alone_and_everything_comes_back(
    model, comparison, pair, swapped
):
    a, b = reversed(pair) if swapped else pair
    grid_of(model).shape = (2, -1)
    grid_of(model).spacing = 0.1
    before = state(model)
    comparison.side_by_side(a, b)
    assert shown(model) == ["scan", "restored · scan"]
    grid = grid_of(model)
    places = [place(grid, model.layers.index(one), model.layers) for one in (a, b)]
    assert places == [(0, 0), (0, 1)]
    comparison.end()
    assert state(model) == before
    comparison.end()
    assert state(model) == before


def test_the_place_looked_at_stays(model, comparison, pair):
    camera = camera_of(model)
    model.reset_view()
    fitted = camera.zoom
    camera.center, camera.zoom = (0, 3.5, -8.25), 3 * fitted
    comparison.side_by_side(*pair)
    assert tuple(camera.center) == (0, 3.5, -8.25)
    assert camera.zoom < 3 * fitted
    comparison.end()
    assert tuple(camera.center) == (0, 3.5, -8.25)
    assert camera.zoom == pytest.approx(3 * fitted)


def test_flicker_shows_one_then_the_other(model, comparison, pair):
    before = state(model)
    seen = []
    for _ in range(3):
        comparison.flicker(*pair)
        seen.append(shown(model))
    a, b = ["scan", "drawing"], ["restored · scan", "drawing"]  # drawn regions stay
    assert seen == [a, b, a]
    comparison.end()
    assert state(model) == before


def test_one_way_of_comparing_after_the_other(model, comparison, pair):
    before = state(model)
    comparison.side_by_side(*pair)
    comparison.flicker(*pair)
    assert not grid_of(model).enabled
    comparison.side_by_side(*reversed(pair))
    assert len(shown(model)) == 2
    comparison.end()
    assert state(model) == before


def test_a_layer_that_is_added_waits_until_the_end(model, comparison, pair, add_scan):
    comparison.side_by_side(*pair)
    new, hidden = add_scan(model, "upper"), add_scan(model, "lower")
    assert shown(model) == ["scan", "restored · scan"]
    grid = grid_of(model)
    places = [place(grid, model.layers.index(one), model.layers) for one in pair]
    assert places == [(0, 0), (0, 1)]
    hidden.visible = False
    comparison.end()
    assert new.visible


def test_layers_may_be_moved_or_removed_meanwhile(model, comparison, pair):
    a, b = pair
    comparison.side_by_side(a, b)
    model.layers.move(model.layers.index(a), len(model.layers))
    grid = grid_of(model)
    assert place(grid, model.layers.index(a), model.layers) == (0, 0)
    model.layers.remove("drawing")
    assert comparison.mode is Mode.SIDE_BY_SIDE
    model.layers.remove(b)
    assert comparison.mode is Mode.OFF
    assert not grid.enabled
    assert shown(model) == ["scan"]


def test_napari_may_switch_the_grid_off(model, comparison, pair):
    before = state(model)
    comparison.side_by_side(*pair)
    grid_of(model).enabled = False
    assert comparison.mode is Mode.OFF
    assert state(model) == before


def test_clearing_the_viewer_ends_it(model, comparison, pair):
    comparison.flicker(*pair)
    model.layers.clear()
    assert comparison.mode is Mode.OFF


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_two_layers_are_needed(model, comparison, pair, missing):
    two = [(None, pair[1]), (pair[0], None), (pair[0], pair[0])][missing]
    before = state(model)
    for compare in (comparison.side_by_side, comparison.flicker):
        with pytest.raises(MedrestoreError, match="two different layers"):
            compare(*two)
    assert state(model) == before


def test_closed_it_lets_go(model, comparison, pair, add_scan):
    before = state(model)
    comparison.side_by_side(*pair)
    comparison.close()
    assert state(model) == before
    assert add_scan(model, "upper").visible
    grid_of(model).enabled = True
    grid_of(model).enabled = False


def test_voxels_and_contrast_are_never_touched(model, comparison, pair):
    data = [layer.data.copy() for layer in pair]
    limits = [list(layer.contrast_limits) for layer in pair]
    comparison.side_by_side(*pair)
    comparison.flicker(*pair)
    comparison.end()
    for layer, values, window in zip(pair, data, limits, strict=True):
        assert np.array_equal(layer.data, values)
        assert list(layer.contrast_limits) == window
