"""What is made visible is seen, with its colours explained."""

import numpy as np
import pytest
from driving import finish, run, widget_on
from napari.components import ViewerModel

from medrestore.plugin.adding import UNIT_LABEL
from medrestore.plugin.layers import KEY, to_layer
from medrestore.plugin.view.comparison import Comparison

OVERLAYS = ("inconsistent", "removed")


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def docked(viewer, tiny_models, qtbot):
    widget = widget_on(viewer, qtbot, noise=5)
    widget.form.fields["keep_samples"].setChecked(True)
    return widget


@pytest.fixture
def restored(viewer, docked, opened, qtbot):
    """The layers of a run, by role."""
    run(docked, qtbot)
    return {layer.metadata[KEY]["role"]: layer for layer in viewer.layers}


def seen(viewer):
    """The role of what one looks at: the topmost layer that is visible and hides what it covers."""
    shown = [one for one in viewer.layers if one.visible and role(one) not in OVERLAYS]
    return role(shown[-1])


def role(layer):
    return layer.metadata[KEY]["role"]


def test_after_a_run_the_restored_image_is_seen_and_selected(viewer, restored):
    assert viewer.layers.selection.active is restored["restored"]
    assert seen(viewer) == "restored"
    assert [layer.name for layer in viewer.layers] == [
        "head",
        "restored · head",
        "samples · head",
        "lower 90 % · head",
        "upper 90 % · head",
        "std · head",
        "inconsistent · head",
        "removed · head",
    ]


def test_what_is_made_visible_is_seen(viewer, restored):
    order = ("std", "lower", "upper", "lower", "samples", "std", "restored", "std")
    for name in order:
        restored[name].visible = False  # an eye that was open is closed first
        restored[name].visible = True
        assert seen(viewer) == name
    for name in OVERLAYS:  # over everything, and clear where there is nothing
        restored[name].visible = True
        assert seen(viewer) == "std"
        above = list(viewer.layers)[list(viewer.layers).index(restored[name]) + 1 :]
        assert all(role(one) in OVERLAYS for one in above)
        assert restored[name].blending.startswith("translucent")


def test_the_last_run_does_not_hide_the_one_before(viewer, docked, restored, qtbot):
    run(docked, qtbot)
    last = viewer.layers.selection.active
    assert last is not restored["restored"] and role(last) == "restored"
    restored["std"].visible = True
    assert not last.visible
    last.visible = True
    assert last.visible and restored["std"].visible  # which it covers


def test_side_by_side_hides_nothing_and_all_comes_back(viewer, restored):
    comparison = Comparison(viewer, lambda: None)
    restored["std"].visible = True
    before = {name: layer.visible for name, layer in restored.items()}
    for a, b in (("std", "restored"), ("restored", "std"), ("lower", "upper")):
        comparison.side_by_side(restored[a], restored[b])
        assert restored[a].visible and restored[b].visible
        comparison.end()
        assert {name: layer.visible for name, layer in restored.items()} == before
        comparison.flicker(restored[a], restored[b])
        comparison.flicker(restored[a], restored[b])
        comparison.end()
        assert {name: layer.visible for name, layer in restored.items()} == before


def test_bars_say_their_unit(viewer, restored):
    overlays = viewer.canvas.overlays
    assert not restored["std"].colorbar.visible and UNIT_LABEL not in overlays
    restored["std"].visible = True
    assert restored["std"].colorbar.visible
    assert overlays[UNIT_LABEL].text == "a.u."
    restored["std"].visible = False
    assert UNIT_LABEL not in overlays
    restored["std"].visible = True
    viewer.layers.remove(restored["std"])
    assert UNIT_LABEL not in overlays


def test_a_map_of_zeros_has_no_bar_and_says_so(viewer, docked, opened, head, qtbot):
    flat = head.with_array(np.full(head.array.shape, 100.0, np.float32))
    data, meta, _ = to_layer(flat)
    viewer.add_image(data, **meta)
    docked.form.noise_entry.number.setValue(0.1)  # less than the model removes: nothing changes
    run(docked, qtbot)
    removed = next(one for one in viewer.layers if role(one) == "removed")
    assert not removed.data.any()
    removed.visible = True
    assert not removed.colorbar.visible and UNIT_LABEL not in viewer.canvas.overlays
    assert removed.metadata[KEY]["meaning"].endswith("Here it is 0 everywhere.")


def test_of_a_preview_std_is_seen_when_shown(viewer, docked, opened, qtbot):
    docked.preview_button.click()
    finish(docked, qtbot)
    _, shown, std = viewer.layers
    assert [shown.name, std.name] == ["restored preview · head", "std preview · head"]
    assert seen(viewer) == "restored"
    std.visible = True
    assert seen(viewer) == "std"
