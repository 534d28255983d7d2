"""The difference of two layers as a layer of its own. No Qt, no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import InputError
from medrestore.plugin.contrast import balanced_limits
from medrestore.plugin.layers import KEY
from medrestore.plugin.results import COPIED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.plugin.layers import LayerTuple

__all__ = ["check_same_grid", "difference_layer"]

TOLERANCE = 1e-2
"""Corners further apart than this, in voxels, are different places."""
_COLORS = ((0.6, 0.85, 1.0), (0.1, 0.45, 0.95), (0.0, 0.0, 0.0), (0.9, 0.3, 0.1), (1.0, 0.85, 0.5))
COLORMAP = {"name": "blue-black-orange", "colors": [(*color, 1.0) for color in _COLORS]}
"""Blue where B is darker, black at zero, orange where B is brighter."""


def check_same_grid(a: Any, b: Any) -> None:
    """Refuse layers whose voxels do not coincide.

    Raises
    ------
    InputError
        That says in what they differ.
    """
    shapes = [tuple(layer.data.shape) for layer in (a, b)]
    if shapes[0] != shapes[1]:
        said = [" × ".join(map(str, shape)) for shape in shapes]
        raise InputError(
            f"layer A, {a.name}, has {said[0]} voxels and B, {b.name}, {said[1]}; choose two on "
            "one grid, such as a scan and its restored layer"
        )
    units = [", ".join(dict.fromkeys(str(u) for u in layer.units)) for layer in (a, b)]
    if units[0] != units[1]:
        raise InputError(
            f"layer A, {a.name}, lies in {units[0]} and B, {b.name}, in {units[1]}; give both "
            "one unit"
        )
    apart = _apart(a, b, shapes[0])
    if apart > TOLERANCE * min(abs(float(s)) for s in a.scale):
        raise InputError(
            f"voxels of {a.name} and {b.name} lie up to {apart:.3g} {a.units[-1]} apart; choose "
            "two layers on one grid"
        )
    values = [_unit(layer.metadata) for layer in (a, b)]
    if None not in values and values[0] != values[1]:
        raise InputError(
            f"layer A, {a.name}, is in {values[0]} and B, {b.name}, in {values[1]}; these cannot "
            "be subtracted"
        )


def difference_layer(a: LayerTuple, b: LayerTuple) -> LayerTuple:
    """B − A, of layers that have passed `check_same_grid`.

    Parameters
    ----------
    a, b : layer tuples
        As ``layer.as_layer_data_tuple()`` gives them; neither is changed.

    Returns
    -------
    layer tuple
        float32, on A's place, colours balanced about zero, role "difference".
    """
    data, meta = _finest(a), a[1]
    difference = np.subtract(_finest(b), data, dtype=np.float32)
    unit = _unit(meta.get("metadata") or {}) or _unit(b[1].get("metadata") or {})
    name = f"{b[1].get('name', 'B')} − {meta.get('name', 'A')}"
    record = _record(meta.get("metadata") or {})
    note = f"{name}: orange where the first is larger, blue where it is smaller"
    notes = (*record.get("notes", ()), note)
    copied = {key: meta[key] for key in COPIED if meta.get(key) is not None}
    new = {
        **copied,
        "name": f"difference · {name}",
        "rgb": False,
        "contrast_limits": balanced_limits(difference),
        "colormap": COLORMAP,
        "metadata": {
            KEY: {
                **record,
                "unit": unit,
                "role": "difference",
                "notes": notes,
                "meaning": f"{note}.",
                "empty": not difference.any(),
            }
        },
    }
    return difference, new, "image"


def _apart(a: Any, b: Any, shape: tuple[int, ...]) -> float:
    """Largest distance between the corners of two grids, in world units."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(len(shape), -1).T
    places = [np.array([layer.data_to_world(c) for c in corners]) for layer in (a, b)]
    return float(np.linalg.norm(places[0] - places[1], axis=1).max())


def _finest(layer: LayerTuple) -> Any:
    data, meta, _ = layer
    return np.asarray(data[0] if meta.get("multiscale") else data)


def _record(metadata: Mapping[str, Any]) -> dict[str, Any]:
    record = metadata.get(KEY)
    return record if isinstance(record, dict) else {}


def _unit(metadata: Mapping[str, Any]) -> str | None:
    unit = _record(metadata).get("unit")
    return None if unit is None else str(unit)
