"""Layers that a user drew in, read at once and quickly, for `drawn` to make masks of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Shapes

from medrestore.plugin.drawn import Drawing

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

__all__ = ["chosen_drawing", "take"]


def chosen_drawing(viewer: ViewerModel) -> Any | None:
    """The Labels or Shapes layer that is selected, else the topmost one."""
    layers = [layer for layer in viewer.layers if isinstance(layer, (Labels, Shapes))]
    active = viewer.layers.selection.active
    selected = [layer for layer in layers if layer is active]
    return (selected or layers or [None])[-1]


def take(layer: Any, scan: Any, time: int = 0) -> Drawing:
    """What is drawn in a layer, in three dimensions (or four, with time); quick.

    Parameters
    ----------
    layer : Labels or Shapes
        What was drawn.
    scan : Image
        The layer whose grid the masks are wanted on.
    time : int
        Time point that counts where labels were drawn on a series.
    """
    to_scan = np.linalg.inv(_to_world(scan)) @ _to_world(layer)
    if isinstance(layer, Labels):
        labels = layer.data[time] if layer.data.ndim == 4 else layer.data
        return Drawing(labels if labels.ndim == 3 else None, (), to_scan, _shape(scan))
    shapes = tuple(
        (np.array(corners, dtype=float), str(kind))
        for corners, kind in zip(layer.data, layer.shape_type, strict=True)
    )
    return Drawing(None, shapes, to_scan, _shape(scan))


def _shape(layer: Any) -> tuple[int, ...]:
    return tuple((layer.data[0] if getattr(layer, "multiscale", False) else layer.data).shape[-3:])


def _to_world(layer: Any) -> NDArray[np.float64]:
    """Index → world of a layer's last three axes, (4, 4)."""
    ndim = layer.ndim
    origin = np.array(layer.data_to_world((0.0,) * ndim))[-3:]
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    for axis in range(3):
        step = np.zeros(ndim)
        step[ndim - 3 + axis] = 1
        matrix[:3, axis] = np.array(layer.data_to_world(step))[-3:] - origin
    return matrix
