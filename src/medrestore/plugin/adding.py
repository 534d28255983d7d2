"""Result layers into a viewer, beside their scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.experimental import link_layers
from napari.layers import Image

from medrestore.plugin.layer_kinds import bare, is_preview
from medrestore.plugin.layers import KEY
from medrestore.plugin.results import LINKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from medrestore.plugin.layers import LayerTuple

__all__ = ["add_preview", "add_results", "remove_previews"]


def add_results(viewer: ViewerModel, source: Any, tuples: Sequence[LayerTuple]) -> list[Any]:
    """Add layers; those in the scan's intensities share its contrast, both ways.

    The scan itself is left as it is; it may have been removed meanwhile.
    """
    present = any(bare(layer) is source for layer in viewer.layers)
    linked, added = [source] if present else [], []
    for data, meta, _ in tuples:
        layer = Image(data, **meta)
        if meta["metadata"][KEY]["role"] in LINKED:
            if present:  # its contrast may have been changed during the run
                layer.contrast_limits_range = source.contrast_limits_range
                layer.contrast_limits = source.contrast_limits
            linked.append(layer)
        elif hasattr(layer, "colorbar"):  # younger than napari 0.7
            layer.colorbar.visible = True
        viewer.add_layer(layer)
        added.append(layer)
    link_layers(linked, ("contrast_limits",))
    return added


def add_preview(viewer: ViewerModel, source: Any, tuples: Sequence[LayerTuple]) -> None:
    """Show a preview instead of the last one; the layer that was selected stays selected."""
    active = viewer.layers.selection.active
    remove_previews(viewer)
    add_results(viewer, source, tuples)
    if active is not None and active in viewer.layers:
        viewer.layers.selection.active = active


def remove_previews(viewer: ViewerModel) -> None:
    """Take the layers of previews away."""
    for layer in [layer for layer in viewer.layers if is_preview(layer)]:
        viewer.layers.remove(layer)
