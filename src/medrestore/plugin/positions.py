"""Voxels of a scan that a position in the viewer means. No napari.

Layer data lie in display orientation; a plan numbers slices along the scan's first stored axis, the
one its slices were acquired along (`plugin.layers`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.plugin.layers import acquired_plane, record_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


__all__ = [
    "acquired_axis",
    "acquired_slice",
    "begin_at",
    "slice_in_words",
    "stored_index",
]


def acquired_axis(meta: Mapping[str, Any]) -> tuple[int, bool]:
    """The displayed axis, of the last three, along which slices were acquired; True if flipped."""
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
