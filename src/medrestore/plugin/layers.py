"""`Volume` ↔ napari layer tuples, without napari.

World coordinates are millimetres towards (inferior, posterior, left): axial, coronal and sagittal
views then come out the radiological way and two scans of one patient overlay. An array is permuted
and flipped, never resampled or rotated; ``layer.metadata["medrestore"]`` keeps the exact affine and
what undoes the display, so that a result lies on its source's own grid, voxel for voxel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import InputError
from medrestore.modalities import modality_named
from medrestore.plugin.contrast import contrast_limits
from medrestore.volume import Geometry, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Axes = tuple[int, int, int]
    Flips = tuple[bool, bool, bool]
    LayerTuple = tuple[Any, dict[str, Any], str]

__all__ = [
    "AXIS_LABELS",
    "KEY",
    "acquired_plane",
    "describe",
    "displayed",
    "oriented",
    "placement",
    "record_in",
    "record_of",
    "stored",
    "to_layer",
    "to_volume",
]

KEY = "medrestore"
"""Our entry in a layer's metadata."""

AXIS_LABELS = ("inferior", "posterior", "left")
PLANES = ("axial", "coronal", "sagittal")
"""The plane across each of these axes."""
TIME = ("time", "pixel")
"""Label and unit of a leading time axis, whose step is not known."""

MILLIMETRES = {
    "mm": 1.0,
    "millimeter": 1.0,
    "cm": 10.0,
    "centimeter": 10.0,
    "m": 1000.0,
    "meter": 1000.0,
    "um": 1e-3,
    "µm": 1e-3,
    "micrometer": 1e-3,
    "micron": 1e-3,
}


def to_layer(volume: Volume, name: str | None = None) -> LayerTuple:
    """A scan as napari shows it.

    Parameters
    ----------
    volume : Volume
        Any orientation; its array is viewed, not copied.
    name : str, optional
        Layer name instead of the scan's own.

    Returns
    -------
    data : ndarray of float32, shape (i, p, l) or (t, i, p, l)
    meta : dict
        Arguments of ``napari.layers.Image``.
    layer_type : "image"
    """
    meta = {
        "name": name or volume.source.name,
        "rgb": False,
        "contrast_limits": contrast_limits(volume.array, volume.modality),
        **placement(volume.geometry, time=volume.is_4d),
        "metadata": {KEY: record_of(volume)},
    }
    return displayed(volume), meta, "image"


def displayed(volume: Volume) -> NDArray[np.float32]:
    """The array with its last axes towards (inferior, posterior, left); a view."""
    return oriented(volume.array, volume.geometry)


def oriented(array: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """The same for any array whose last axes are the geometry's."""
    order, flip = geometry.display_axes()
    return _flipped(_transposed(array, order), flip)


def placement(geometry: Geometry, time: bool = False) -> dict[str, Any]:
    """Scale, translation, units and axis labels of the displayed array.

    An oblique scan is shown unrotated about its true centre.
    """
    shown = geometry.transposed(*geometry.display_axes())
    scale = np.array(shown.spacing_mm)
    middle = (np.array(shown.shape) - 1) / 2
    centre = -shown.world(middle)[::-1]  # (R, A, S) → (I, P, L)
    lead = 1 if time else 0
    return {
        "scale": (1.0,) * lead + tuple(float(s) for s in scale),
        "translate": (0.0,) * lead + tuple(float(c) for c in centre - scale * middle),
        "units": (TIME[1],) * lead + ("mm",) * 3,
        "axis_labels": (TIME[0],) * lead + AXIS_LABELS,
    }


def record_of(volume: Volume, role: str = "scan") -> dict[str, Any]:
    """Facts that `to_volume` needs to undo the display, and what a person may want to know."""
    geometry = volume.geometry
    order, flip = geometry.display_axes()
    return {
        "role": role,
        "modality": volume.modality,
        "unit": volume.unit,
        "affine": geometry.affine,
        "shape": geometry.shape,
        "known": geometry.known,
        "slice_positions_mm": geometry.slice_positions_mm,
        "order": order,
        "flip": flip,
        "source": volume.source,
        "notes": notes_on(volume),
    }


def record_in(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return our entry in a layer's metadata; empty for layers of others."""
    record = (metadata or {}).get(KEY)
    return record if isinstance(record, dict) else {}


def notes_on(volume: Volume) -> tuple[str, ...]:
    """Notes for the user on a scan on display."""
    oblique = volume.geometry.oblique_degrees
    turned = (f"oblique {oblique:.1f}°, displayed unrotated",) if volume.geometry.is_oblique else ()
    return turned + volume.warnings


def acquired_plane(record: Mapping[str, Any]) -> str:
    """Plane of a scan's slices: axial, coronal or sagittal; empty where that is not known.

    Oblique slices go by the plane that they are closest to. ``record`` is our entry in a layer's
    metadata.
    """
    if "order" not in record or not record.get("known", True):
        return ""
    return PLANES[tuple(record["order"]).index(0)]


def describe(layer: Any, modality: str | None) -> str:
    """Lines on a layer for a person: modality and grid, voxels and slices, what is unusual."""
    record = record_in(layer.metadata)
    grid = " × ".join(str(n) for n in layer.data.shape)
    size = " × ".join(f"{float(s):.3g}" for s in tuple(layer.scale)[-3:])
    unit = {"millimeter": "mm"}.get(str(layer.units[-1]), str(layer.units[-1]))
    known, plane = modality or "CT or MR?", acquired_plane(record)
    lie = f", {plane} slices" if plane else ""
    return "\n".join([f"{known}, {grid} voxels", f"{size} {unit}{lie}", *record.get("notes", ())])


def to_volume(data: Any, meta: Mapping[str, Any], modality: str | None = None) -> Volume:
    """The scan behind a layer, as a copy on its source's own grid.

    Parameters
    ----------
    data : array-like, shape (i, p, l) or (t, i, p, l)
        A layer's data; dask arrays are computed, of a multiscale image the finest level counts.
    meta : mapping
        The layer's attributes as in a layer tuple. Without our record in its metadata (a layer of
        another plugin) the grid follows from scale, translate and units; rotation and shear are
        left to the display.
    modality : "CT" or "MR", optional
        Overrides what the layer says.

    Raises
    ------
    InputError
        If the layer is no scalar volume.
    """
    name = str(meta.get("name", "unnamed"))
    if meta.get("rgb"):
        raise InputError(f"layer {name!r} is a colour image; choose a layer with a CT or MR scan")
    array = np.asarray(data[0] if meta.get("multiscale") else data)
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"layer {name!r} holds {array.dtype} values; choose a layer of real numbers"
        )
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise InputError(
            f"layer {name!r} has shape {array.shape}; choose a volume (slices, rows, columns), "
            "or a series of them in time"
        )
    record = _fitting(meta, array.shape)
    volume = _recorded(array, meta, record) if record else _foreign(array, meta, name)
    if modality is None:
        return volume
    return replace(volume, modality=modality, unit=modality_named(modality).unit)


def _fitting(meta: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any] | None:
    """Our record, unless there is none or the layer was cropped since it was written."""
    record = record_in(meta.get("metadata"))
    if not {"affine", "shape", "order", "flip"} <= record.keys():
        return None
    return record if shape[-3:] == tuple(record["shape"][a] for a in record["order"]) else None


def stored(array: NDArray[Any], meta: Mapping[str, Any]) -> NDArray[Any]:
    """Return an array (…, i, p, l) on a layer's grid as (…, z, y, x) on its scan's own; a view."""
    record = record_in(meta.get("metadata"))
    order, flip = record.get("order", (0, 1, 2)), record.get("flip", (False,) * 3)
    return _transposed(_flipped(array, flip), (order.index(0), order.index(1), order.index(2)))


def _recorded(array: NDArray[Any], meta: Mapping[str, Any], record: dict[str, Any]) -> Volume:
    return Volume(
        np.array(stored(array, meta), dtype=np.float32, order="C"),
        Geometry(
            record["shape"],
            record["affine"],
            record.get("known", True),
            record.get("slice_positions_mm"),
        ),
        record.get("modality"),
        record.get("unit", "a.u."),
        record.get("source") or Source(),
    )


def _foreign(array: NDArray[Any], meta: Mapping[str, Any], name: str) -> Volume:
    """A layer that says only how large its voxels are, taken as displayed our way."""
    scale = [abs(float(s)) or 1.0 for s in meta.get("scale", (1.0,) * array.ndim)][-3:]
    translate = [float(t) for t in meta.get("translate", (0.0,) * array.ndim)][-3:]
    factors = [MILLIMETRES.get(str(u)) for u in (meta.get("units") or ("pixel",) * 3)][-3:]
    unsure = None in factors
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, factor in enumerate(factors):
        affine[2 - axis, axis] = -scale[axis] * (factor or 1.0)  # (I, P, L) → (R, A, S)
        affine[2 - axis, 3] = -translate[axis] * (factor or 1.0)
    warnings = ("the layer's unit is no length: its voxel size is taken as mm",) if unsure else ()
    return Volume(
        np.array(array, dtype=np.float32, order="C"),
        Geometry((array.shape[-3], array.shape[-2], array.shape[-1]), affine, known=False),
        source=Source(name=name),
        warnings=warnings,
    )


def _transposed(array: NDArray[Any], order: Axes) -> NDArray[Any]:
    lead = array.ndim - 3
    return array.transpose(*range(lead), *(axis + lead for axis in order))


def _flipped(array: NDArray[Any], flip: Flips) -> NDArray[Any]:
    return array[(..., *(slice(None, None, -1 if f else None) for f in flip))]
