"""Display windows: presets, the layer's own, the drag."""

from types import SimpleNamespace

import numpy as np
import pytest
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)

from medrestore.errors import MedrestoreError
from medrestore.plugin.files import ct_torso
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.view.window import DisplayWindow, WindowDrag, Windowing, presets_for
from medrestore.plugin.viewer import camera_of


def named(layer):
    return {preset.name: preset for preset in presets_for(layer)}


def test_ct_windows_are_those_of_the_text_books(model, add_scan):
    presets = named(add_scan(model, modality="CT"))
    for name, limits in {
        "Abdomen": (-150, 250),
        "Brain": (0, 80),
        "Lung": (-1350, 150),
        "Bone": (-450, 1050),
        "Stroke": (28, 36),
    }.items():
        assert presets[name].window().limits == limits
        assert presets[name].fixed == presets[name].window()


def test_mr_windows_are_percentiles(model, add_scan):
    layer = add_scan(model, modality="MR")
    layer.data = np.linspace(0, 1000, layer.data.size, dtype=np.float32).reshape(layer.data.shape)
    presets = named(layer)
    assert list(presets) == ["Usual", "Full", "Narrow"]
    assert presets["Full"].window().limits == (0, 1000)
    assert presets["Narrow"].window().limits == pytest.approx((50, 950))
    assert presets["Usual"].fixed.limits == pytest.approx((5, 997))


def test_the_files_own_window(model):
    data, meta, _ = ct_torso()[0]
    layer = model.add_image(data, **meta)
    assert named(layer)["From the file"].window() == DisplayWindow(40, 400)
    gone = meta["metadata"][KEY]["source"].__class__(format="dicom", name="gone")
    layer.metadata = {KEY: {**layer.metadata[KEY], "source": gone}}
    with pytest.raises(MedrestoreError, match="files of gone state no display window"):
        named(layer)["From the file"].window()


def test_the_window_follows_its_layer_and_those_linked_follow_it(pair):
    a, b = pair
    told = []
    windowing = Windowing(lambda: told.append(windowing.window))
    windowing.follow(a)
    windowing.set(DisplayWindow(50, 20))
    assert tuple(b.contrast_limits) == (40, 60)
    b.contrast_limits = (0, 10)
    assert told[-1] == DisplayWindow(5, 10)
    windowing.follow(b)
    windowing.close()
    count = len(told)
    a.contrast_limits = b.contrast_limits = (0, 1)
    assert len(told) == count


@pytest.mark.parametrize("width", [0, -3, float("nan"), float("inf")])
def test_a_window_without_width_is_refused(pair, width):
    windowing = Windowing(lambda: None)
    with pytest.raises(MedrestoreError, match="Open a CT or MR scan"):
        windowing.set(DisplayWindow(50, 20))
    windowing.follow(pair[0])
    before = pair[0].contrast_limits
    with pytest.raises(MedrestoreError, match="choose a width above 0"):
        windowing.set(DisplayWindow(50, width))
    assert pair[0].contrast_limits == before


def test_a_drag_of_150_pixels_doubles_the_width():
    start = DisplayWindow(40, 80)
    assert start.dragged(150, 0) == DisplayWindow(40, 160)
    assert start.dragged(-300, 0) == DisplayWindow(40, 20)
    assert start.dragged(0, 150) == DisplayWindow(80, 80)
    assert start.dragged(-1e4, -1e4).width > 0


class Mouse:
    """A mouse over a viewer without a window."""

    def __init__(self, viewer, button=2, modifiers=()):
        self.viewer, self.button, self.modifiers = viewer, button, modifiers

    def event(self, kind, x, y):
        return SimpleNamespace(
            type=kind,
            pos=np.array([x, y]),
            button=self.button,
            modifiers=self.modifiers,
            is_dragging=True,
            handled=False,
        )

    def press(self):
        mouse_press_callbacks(self.viewer, self.wrapped("mouse_press", 100, 100))

    def move(self, right, down):
        mouse_move_callbacks(self.viewer, self.wrapped("mouse_move", 100 + right, 100 + down))

    def release(self):
        mouse_release_callbacks(self.viewer, self.wrapped("mouse_release", 100, 100))

    def wrapped(self, *args):
        from napari.utils._proxies import ReadOnlyWrapper

        return ReadOnlyWrapper(self.event(*args), exceptions=("handled",))


@pytest.fixture
def dragging(model, pair):
    windowing = Windowing(lambda: None)
    windowing.follow(pair[0])
    windowing.set(DisplayWindow(50, 100))
    model.layers.selection.active = pair[0]
    drag = WindowDrag(model, windowing)
    drag.switch(True)
    return drag, windowing


def test_a_right_drag_sets_the_window_and_napari_does_not_zoom_meanwhile(model, dragging):
    _, windowing = dragging
    mouse = Mouse(model)
    mouse.press()
    assert not camera_of(model).mouse_pan
    mouse.move(150, 0)
    assert windowing.window == DisplayWindow(50, 200)
    mouse.move(0, -150)
    assert windowing.window == DisplayWindow(0, 100)
    mouse.release()
    assert camera_of(model).mouse_pan
    mouse.move(300, 0)
    assert windowing.window == DisplayWindow(0, 100)


def test_a_drag_outlives_the_panel_without_harm(model, dragging):
    drag, windowing = dragging
    mouse = Mouse(model)
    mouse.press()
    drag.switch(False)
    windowing.close()
    mouse.move(10, 10)
    mouse.release()
    assert camera_of(model).mouse_pan


def test_other_drags_are_naparis(model, pair, dragging):
    drag, windowing = dragging
    before = windowing.window

    def nothing(**how):
        mouse = Mouse(model, **how)
        mouse.press()
        assert camera_of(model).mouse_pan
        mouse.move(100, 100)
        mouse.release()
        assert windowing.window == before

    nothing(button=1)
    nothing(modifiers=("Shift",))
    model.dims.ndisplay = 3
    nothing()
    model.dims.ndisplay = 2
    windowing.follow(None)
    before = None
    nothing()
    windowing.follow(pair[0])
    before = windowing.window
    drag.switch(False)
    assert not drag.on
    nothing()


def test_a_drawing_tool_keeps_the_right_button(model, pair, dragging):
    _, windowing = dragging
    before = windowing.window
    labels = model.add_labels(np.zeros(pair[0].data.shape, int))
    labels.mode = "paint"
    mouse = Mouse(model)
    mouse.press()
    mouse.move(100, 100)
    mouse.release()
    assert windowing.window == before


def test_a_layer_of_another_plugin_gets_percentiles(model):
    assert list(named(model.add_image(np.ones((3, 4, 5)), name="theirs"))) == [
        "Usual",
        "Full",
        "Narrow",
    ]


def test_the_opening_window_is_the_usual_one(model, make_volume):
    data, meta, _ = to_layer(make_volume(modality="MR"))
    layer = model.add_image(data, **meta)
    usual = named(layer)["Usual"].fixed
    assert usual.close_to(DisplayWindow.between(layer.contrast_limits))
