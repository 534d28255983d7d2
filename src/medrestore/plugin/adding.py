"""Result layers in a viewer: added beside their scan, dressed, linked, seen when shown.

Maps of a run cover each other. Whichever is made visible is seen: those of ours that lie over it
are hidden, unless the viewer shows layers side by side.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.experimental import link_layers
from napari.layers import Image
from qtpy.QtCore import QTimer

from medrestore.plugin.layers import KEY, record_in
from medrestore.plugin.result_layers import COPIED, LINKED
from medrestore.plugin.view.planes import show_as_acquired
from medrestore.plugin.viewer import (
    bare,
    grid_of,
    is_among,
    is_preview,
    is_restored,
    is_scan,
    layers_of,
    overlays_of,
    result_of,
    show_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari.components import ViewerModel

    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Snapshot
    from medrestore.results.result import Result


__all__ = [
    "UNIT_LABEL",
    "add_preview",
    "add_results",
    "changed_since",
    "dress",
    "remove_previews",
    "select_restored",
    "settle",
]

OPAQUE = ("restored", "samples", "lower", "upper", "std", "std map", "exceeds", "difference")
"""Roles of layers that hide what lies under them."""
WITH_BAR = ("std", "std map", "exceeds", "removed", "inconsistent", "difference")
"""Roles of layers in colours that mean something."""
UNIT_LABEL = "medrestore_unit"
"""Our canvas overlay, beside the bars."""


def dress(viewer: ViewerModel, layer: Any) -> None:
    """Have a result's layer of this viewer seen when it is shown, until it is removed."""

    def visible(event: Any = None) -> None:
        if layer.visible:
            _uncover(viewer, layer)
            _show_bar(layer)
        _label_bars(viewer)

    def removed(event: Any) -> None:
        if not is_among(viewer, layer):
            viewer.layers.events.removed.disconnect(removed)
            layer.events.visible.disconnect(visible)
            _label_bars(viewer)

    layer.events.visible.connect(visible)
    viewer.layers.events.removed.connect(removed)
    visible()


def _uncover(viewer: ViewerModel, layer: Any) -> None:
    """Hide those of our maps that lie over a layer."""
    if grid_of(viewer).enabled:
        return
    above = False
    for other in layers_of(viewer):
        if above and other.visible and record_in(other.metadata).get("role") in OPAQUE:
            other.visible = False
        above = above or other is layer


def _show_bar(layer: Any) -> None:
    """Show a colour bar, unless there is nothing to read off it.

    Not before the layer is shown: hidden bars cost napari as much.
    """
    record = record_in(layer.metadata)
    if record.get("role") in WITH_BAR and not record.get("empty") and hasattr(layer, "colorbar"):
        layer.colorbar.visible = True


def _label_bars(viewer: ViewerModel) -> None:
    """Say beside the bars in which unit they are; napari 0.9 and later, whose canvas has room."""
    overlays = overlays_of(viewer)
    if overlays is not None:
        bars = [layer for layer in layers_of(viewer) if layer.visible and _has_bar(layer)]
        units = dict.fromkeys(str(record_in(layer.metadata)["unit"]) for layer in bars)
        show_text(overlays, UNIT_LABEL, ", ".join(units), position="top_right", font_size=10)


def _has_bar(layer: Any) -> bool:
    bar = getattr(layer, "colorbar", None)
    return bool(record_in(layer.metadata).get("unit") and getattr(bar, "visible", False))


PLACED = ("scale", "translate", "rotate", "shear", "affine")


def add_results(viewer: ViewerModel, source: Any, tuples: Sequence[LayerTuple]) -> Iterator[None]:
    """Add layers, one between two yields; those in the scan's intensities share its contrast.

    The scan itself is left as it is; it may be removed meanwhile.
    """
    linked: list[Any] = []
    for data, meta, _ in tuples:
        layer = Image(data, **meta)
        if meta["metadata"][KEY]["role"] in LINKED:
            present = is_among(viewer, source)
            if present:  # its contrast may have been changed during the run
                layer.contrast_limits_range = source.contrast_limits_range
                layer.contrast_limits = source.contrast_limits
            linked.append(layer)
            link_layers([source, *linked] if present else linked, ("contrast_limits",))
        viewer.add_layer(layer)
        dress(viewer, layer)
        yield


def select_restored(viewer: ViewerModel, result: Result) -> None:
    """Select the restored image of a run, which is what napari's controls then act on."""
    for layer in viewer.layers:
        if is_restored(layer) and result_of(layer) is result:
            viewer.layers.selection.active = layer


def add_preview(
    viewer: ViewerModel, source: Any, tuples: Sequence[LayerTuple], again: bool
) -> Iterator[None]:
    """Show a preview instead of the last one; the layer that was selected stays selected.

    ``again``: the last one was of this scan, too; its layers then show the new one, which takes a
    tenth of the time.
    """
    last = [layer for layer in layers_of(viewer) if is_preview(layer)]
    if again and len(last) == len(tuples) and all(map(_fits, last, tuples)):
        for layer, made in zip(last, tuples, strict=True):
            _replace(layer, made)
            yield
        return
    active = viewer.layers.selection.active
    yield from remove_previews(viewer)
    for _ in add_results(viewer, source, tuples):
        if active is not None and active in viewer.layers:
            viewer.layers.selection.active = active
        yield


def _fits(layer: Any, made: LayerTuple) -> bool:
    data, meta, _ = made
    role = meta["metadata"][KEY]["role"]
    return bool(layer.data.shape == data.shape and layer.metadata[KEY]["role"] == role)


def _replace(layer: Any, made: LayerTuple) -> None:
    """Show other voxels, wherever and however the scan is shown now."""
    data, meta, _ = made
    for key in ("metadata", *COPIED, "colormap", "gamma"):
        if key in meta:
            setattr(layer, key, meta[key])
    layer.data, layer.visible = data, meta["visible"] or layer.visible
    if meta["metadata"][KEY]["role"] not in LINKED:
        layer.contrast_limits_range = layer.contrast_limits = meta["contrast_limits"]


def remove_previews(viewer: ViewerModel) -> Iterator[None]:
    """Take the layers of previews away, one between two yields."""
    for layer in filter(is_preview, list(viewer.layers)):
        if layer in viewer.layers:
            viewer.layers.remove(layer)
            yield


def changed_since(viewer: ViewerModel, layer: Any, then: Snapshot) -> str:
    """Sentence on what became of a scan's layer since a run was requested; empty for nothing.

    Voxels that a script changed in place are not noticed.
    """
    if not is_among(viewer, layer):
        return "The scan was removed meanwhile; its results stay."
    data, meta, _ = layer.as_layer_data_tuple()
    moved = any(not np.array_equal(meta[key], then.meta[key]) for key in PLACED)
    if data is then.data and not moved:
        return ""
    return "The scan was changed meanwhile: the results are of the scan as it was."


def settle(viewer: ViewerModel, layers: Sequence[Any]) -> None:
    """Show scans as they were acquired, and results of runs as they are after the run.

    Parameters
    ----------
    layers : sequence of Image
        All with our record, in this viewer, the last one on top.
    """
    ours = [bare(layer) for layer in layers]
    results = [layer for layer in ours if not is_scan(layer)]
    linked: dict[int, list[Any]] = {}
    for layer in results:
        if layer.metadata[KEY]["role"] in LINKED:
            linked.setdefault(id(result_of(layer)), []).append(layer)
    for of_run in linked.values():
        if len(of_run) > 1:
            link_layers(of_run, ("contrast_limits",))
    for layer in results:
        dress(viewer, layer)
    restored = [layer for layer in results if is_restored(layer)]
    if restored:  # later: the layer that is being added will be selected when it is
        QTimer.singleShot(0, partial(_select, viewer, restored[-1]))
    show_as_acquired(viewer, ([layer for layer in ours if is_scan(layer)] or ours)[-1])


def _select(viewer: ViewerModel, layer: Any) -> None:
    if is_among(viewer, layer):
        viewer.layers.selection.active = layer
