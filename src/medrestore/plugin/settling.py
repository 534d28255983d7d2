"""Layers that were opened together: dressed, linked, the right one selected, the right plane."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.experimental import link_layers
from qtpy.QtCore import QTimer

from medrestore.plugin.adding import is_among
from medrestore.plugin.dressing import dress
from medrestore.plugin.layer_kinds import bare, is_restored, is_scan, result_of
from medrestore.plugin.layers import KEY
from medrestore.plugin.results import LINKED
from medrestore.plugin.view.planes import show_as_acquired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

__all__ = ["settle"]


def settle(viewer: ViewerModel, layers: Sequence[Any]) -> None:
    """Show scans as they were acquired, and results of runs as they are after the run.

    Parameters
    ----------
    layers : sequence of Image
        All with our record, in this viewer, the last one on top.
    """
    ours = [bare(layer) for layer in layers]
    results = [layer for layer in ours if not is_scan(layer)]
    for run in {id(result_of(layer)): result_of(layer) for layer in results}.values():
        linked = [one for one in results if result_of(one) is run and _role(one) in LINKED]
        if len(linked) > 1:
            link_layers(linked, ("contrast_limits",))
    for layer in results:
        dress(viewer, layer)
    restored = [layer for layer in results if is_restored(layer)]
    if restored:  # later: the layer that is being added will be selected when it is
        QTimer.singleShot(0, partial(_select, viewer, restored[-1]))
    show_as_acquired(viewer, ([layer for layer in ours if is_scan(layer)] or ours)[-1])


def _select(viewer: ViewerModel, layer: Any) -> None:
    if is_among(viewer, layer):
        viewer.layers.selection.active = layer


def _role(layer: Any) -> str:
    return str(layer.metadata[KEY]["role"])
