"""Voxels of a scan that positions and drawings in the viewer mean.

Layer data lie in display orientation; a plan numbers slices along the scan's first stored axis, the
one its slices were acquired along (`plugin.layers`).

A Labels layer gives one region per label, a Shapes layer one per closed shape. They may be drawn on
another grid than the scan: labels and outlines are looked up at the scan's voxels in the world. A
layer is read quickly, in the thread that draws; masks are made in any thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Labels, Shapes
from skimage.draw import polygon

from medrestore.plugin.layers import acquired_plane, record_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari.components import ViewerModel
    from numpy.typing import NDArray

__all__ = [
    "NO_REGION",
    "Drawing",
    "DrawnRegion",
    "acquired_axis",
    "acquired_slice",
    "begin_at",
    "chosen_drawing",
    "drawn_regions",
    "slice_in_words",
    "stored_index",
    "take",
    "union",
]


def acquired_axis(meta: Mapping[str, Any]) -> tuple[int, bool]:
    """The displayed axis, of the last three, along which slices were acquired; whether flipped."""
    record = record_in(meta.get("metadata"))
    order = tuple(record.get("order", (0, 1, 2)))
    return order.index(0), bool(record.get("flip", (False,) * 3)[order.index(0)])


def acquired_slice(meta: Mapping[str, Any], count: int, index: float) -> int:
    """A slice's number in the scan, from its place along the displayed axis; clipped to the scan.

    Its own inverse: also the place of a slice of the scan.
    """
    _, flipped = acquired_axis(meta)
    z = min(max(round(float(index)), 0), count - 1)
    return count - 1 - z if flipped else z


def slice_in_words(meta: Mapping[str, Any], number: int) -> str:
    """A slice by its plane and its number on the viewer's slider, such as "sagittal slice 12"."""
    plane = acquired_plane(record_in(meta.get("metadata")))
    return f"{plane} slice {number}".lstrip()


def stored_index(
    index: Sequence[float], meta: Mapping[str, Any], shape: Sequence[int]
) -> tuple[int, int, int] | None:
    """The voxel (z, y, x) of the scan at a place in a layer's data; None outside it.

    Parameters
    ----------
    index : sequence of float
        Place along the layer's axes; the last three count.
    shape : sequence of int
        Size of the layer's last three axes.
    """
    record = record_in(meta.get("metadata"))
    order, flip = record.get("order", (0, 1, 2)), record.get("flip", (False,) * 3)
    voxel = [round(float(i)) for i in tuple(index)[-3:]]
    if any(not 0 <= i < n for i, n in zip(voxel, shape, strict=True)):
        return None
    voxel = [n - 1 - i if f else i for i, n, f in zip(voxel, shape, flip, strict=True)]
    return voxel[order.index(0)], voxel[order.index(1)], voxel[order.index(2)]


def begin_at(meta: Mapping[str, Any], axis: int, index: int) -> tuple[float, ...]:
    """The layer's translation if its data began at ``index`` of one of its last three axes."""
    translate = np.array(meta["translate"], dtype=float)
    lead = len(translate) - 3
    step = _linear(meta)[:, lead + axis]
    return tuple(float(t) for t in translate + index * step)


def _linear(meta: Mapping[str, Any]) -> NDArray[np.float64]:
    """Index → world of a layer without its translation, as napari composes it."""
    scale: Sequence[float] = meta["scale"]
    ndim = len(scale)
    shear = np.eye(ndim)
    if meta.get("shear") is not None:
        given = np.array(meta["shear"], dtype=float)
        shear[np.triu_indices(ndim, 1)] = (
            given if given.ndim == 1 else given[np.triu_indices(ndim, 1)]
        )
    rotate = np.eye(ndim) if meta.get("rotate") is None else np.array(meta["rotate"], dtype=float)
    return rotate @ shear @ np.diag(np.array(scale, dtype=float))


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
