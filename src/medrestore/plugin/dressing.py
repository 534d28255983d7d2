"""How a result's layer behaves in a viewer: it is seen when it is shown, with bar and unit.

Maps of a run cover each other. Whichever is made visible is seen: those of ours that lie over it
are hidden, unless the viewer shows layers side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay

from medrestore.plugin.layer_kinds import bare
from medrestore.plugin.layers import KEY
from medrestore.plugin.view.names import grid_of, overlays_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["UNIT_LABEL", "dress"]

OPAQUE = ("restored", "samples", "lower", "upper", "std", "std map", "difference")
"""Roles of layers that hide what lies under them."""
WITH_BAR = ("std", "std map", "removed", "inconsistent", "difference")
"""Roles of layers in colours that mean something."""
UNIT_LABEL = "medrestore_unit"
"""Our canvas overlay, beside the bars."""
FONT_SIZE = 10


def dress(viewer: ViewerModel, layer: Any) -> None:
    """Have a result's layer of this viewer seen when it is shown, until it is removed."""

    def follow(event: Any = None) -> None:
        if layer.visible:
            _uncover(viewer, layer)
            _show_bar(layer)
        _label_bars(viewer)

    def removed(event: Any) -> None:
        if not any(bare(one) is layer for one in viewer.layers):
            viewer.layers.events.removed.disconnect(removed)
            layer.events.visible.disconnect(follow)
            _label_bars(viewer)

    layer.events.visible.connect(follow)
    viewer.layers.events.removed.connect(removed)
    follow()


def _uncover(viewer: ViewerModel, layer: Any) -> None:
    """Hide those of our maps that lie over a layer."""
    if grid_of(viewer).enabled:
        return
    layers = [bare(one) for one in viewer.layers]
    above = next((layers[i + 1 :] for i, one in enumerate(layers) if one is layer), [])
    for one in above:
        if one.visible and _record(one).get("role") in OPAQUE:
            one.visible = False


def _show_bar(layer: Any) -> None:
    """Show a colour bar, unless there is nothing to read off it.

    Not before the layer is shown: hidden bars cost napari as much.
    """
    record = _record(layer)
    if record.get("role") in WITH_BAR and not record.get("empty") and hasattr(layer, "colorbar"):
        layer.colorbar.visible = True


def _label_bars(viewer: ViewerModel) -> None:
    """Say beside the bars in which unit they are; napari 0.9 and later, whose canvas has room."""
    overlays = overlays_of(viewer)
    if overlays is None:
        return
    bars = [one for one in map(bare, viewer.layers) if one.visible and _has_bar(one)]
    units = dict.fromkeys(str(_record(one).get("unit")) for one in bars)
    if not units:
        overlays.pop(UNIT_LABEL, None)
    elif UNIT_LABEL in overlays:
        overlays[UNIT_LABEL].text = ", ".join(units)
    else:
        overlays[UNIT_LABEL] = TextOverlay(
            text=", ".join(units),
            position="top_right",
            font_size=FONT_SIZE,
            gridded=True,
            visible=True,
        )


def _has_bar(layer: Any) -> bool:
    return bool(_record(layer).get("unit")) and bool(
        getattr(getattr(layer, "colorbar", None), "visible", False)
    )


def _record(layer: Any) -> dict[str, Any]:
    record = layer.metadata.get(KEY)
    return record if isinstance(record, dict) else {}
