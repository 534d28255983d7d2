"""Regions that a user drew in the viewer, as masks on a scan's grid.

A Labels layer gives one region per label, a Shapes layer one per closed shape. What was drawn may
lie on another grid than the scan: it is looked up where the scan's voxels are in the world. A layer
is read quickly, in the thread that draws; masks are made in any thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Labels, Shapes
from skimage.draw import polygon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from numpy.typing import NDArray


__all__ = [
    "NO_REGION",
    "Drawing",
    "DrawnRegion",
    "chosen_drawing",
    "drawn_regions",
    "take",
    "union",
]


def chosen_drawing(viewer: ViewerModel) -> Any | None:
    """The Labels or Shapes layer that is selected, else the topmost one."""
    layers = [layer for layer in viewer.layers if isinstance(layer, (Labels, Shapes))]
    active = viewer.layers.selection.active
    selected = [layer for layer in layers if layer is active]
    return (selected or layers or [None])[-1]


def take(layer: Any, scan: Any, time: int = 0) -> Drawing:
    """Read what is drawn in a layer, in three dimensions (or four, with time); quick.

    Parameters
    ----------
    layer : Labels or Shapes
        Layer with the regions.
    scan : Image
        The layer whose grid the masks lie on.
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


NO_REGION = (
    "No region is drawn: add a Shapes or Labels layer, draw ellipses, polygons or labels on the "
    "picture, and select that layer in the list"
)
CLOSED = ("ellipse", "polygon", "rectangle")
FLAT = 0.5
"""Voxels that the corners of a flat shape may differ by along its slice axis."""


class DrawnRegion(NamedTuple):
    """A region: what the user may call it, and its mask (i, p, l) on the scan's layer."""

    name: str
    mask: NDArray[np.bool_]


class Drawing(NamedTuple):
    """A Labels or Shapes layer as it is at this moment.

    labels : array of int (i, p, l), or None; shapes : corners (n, 3 or more) and kind of each;
    to_scan : index in the drawing → index in the scan, (4, 4); shape : the scan's (i, p, l).
    """

    labels: NDArray[Any] | None
    shapes: tuple[tuple[NDArray[np.float64], str], ...]
    to_scan: NDArray[np.float64]
    shape: tuple[int, ...]


def drawn_regions(drawing: Drawing) -> Iterator[DrawnRegion]:
    """The regions of a drawing, one by one, the empty ones left out."""
    found = _of_shapes(drawing) if drawing.labels is None else _of_labels(drawing)
    for region in found:
        if region.mask.any():
            yield region


def union(regions: Iterator[DrawnRegion]) -> NDArray[np.bool_] | None:
    """All regions as one; None if there is none."""
    found: NDArray[np.bool_] | None = None
    for region in regions:
        found = region.mask if found is None else found | region.mask
    return found


def _of_labels(drawing: Drawing) -> Iterator[DrawnRegion]:
    there = _at_voxels(np.asarray(drawing.labels), drawing)
    for value in np.unique(there[there > 0]):
        yield DrawnRegion(f"label {value}", there == value)


def _at_voxels(labels: NDArray[Any], drawing: Drawing) -> NDArray[Any]:
    """The label at each voxel of the scan's grid, 0 outside; slab by slab."""
    shape, matrix = drawing.shape, np.linalg.inv(drawing.to_scan)
    if labels.shape == shape and np.allclose(matrix, np.eye(4), atol=1e-3):
        return labels
    there = np.zeros(shape, labels.dtype)
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    for i in range(shape[0]):
        points = np.stack([np.full(rows.shape, i), rows, columns, np.ones(rows.shape)])
        index = np.rint(np.tensordot(matrix[:3], points, 1)).astype(int)
        inside = np.all([(0 <= k) & (k < n) for k, n in zip(index, labels.shape, strict=True)], 0)
        there[i][inside] = labels[tuple(index[:, inside])]
    return there


def _of_shapes(drawing: Drawing) -> Iterator[DrawnRegion]:
    for number, (corners, kind) in enumerate(drawing.shapes, start=1):
        if kind in CLOSED and corners.shape[1] >= 3:
            outline = _ellipse(corners) if kind == "ellipse" else corners
            points = outline[:, -3:] @ drawing.to_scan[:3, :3].T + drawing.to_scan[:3, 3]
            yield DrawnRegion(f"{kind} {number}", _filled(points, drawing.shape))


def _ellipse(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on an ellipse, from the corners of the box around it."""
    angles = np.linspace(0, 2 * np.pi, 128, endpoint=False)[:, None]
    one, other = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    outline: NDArray[np.float64] = (
        corners.mean(axis=0) + one * np.cos(angles) + other * np.sin(angles)
    )
    return outline


def _filled(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The voxels inside a flat outline; none where it is not flat, or outside the scan."""
    mask = np.zeros(shape, bool)
    axis = int(np.argmin(np.ptp(points, axis=0)))
    at = round(float(points[:, axis].mean()))
    if np.ptp(points[:, axis]) > FLAT or not 0 <= at < shape[axis]:
        return mask
    plane = [a for a in range(3) if a != axis]
    fill: Any = polygon  # untyped
    rows, columns = fill(*points[:, plane].T, shape=[shape[a] for a in plane])
    mask[tuple(at if a == axis else slice(None) for a in range(3))][rows, columns] = True
    return mask
