"""The layers that a run adds beside its source; no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.plugin.contrast import difference_limits, spread_limits
from medrestore.plugin.layers import KEY, displayed, placement, record_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.plugin.layers import LayerTuple
    from medrestore.result import Result
    from medrestore.volume import Volume

__all__ = ["LINKED", "result_layers"]

LINKED = ("restored", "lower", "upper")
"""Results in the scan's own intensities: their contrast follows it."""

BOTTOM_TO_TOP = ("lower", "upper", "std", "restored", "inconsistent", "removed")
SHOWN = ("restored",)
SPREAD_COLORMAP = "magma"
GUARDS = {
    "removed": "Removed: what was taken away that noise does not explain, smoothed; red where the "
    "scan was brighter than the restoration, blue where it was darker.",
    "inconsistent": "Inconsistent: by how much the scan differs from the restoration where the two "
    "and the noise do not fit together.",
}
"""What an overlay means, in one sentence."""
_SIGNED = np.linspace(-1, 1, 33)[:, None]
GUARD_COLORMAP = np.hstack(
    [np.where(_SIGNED < 0, (0.15, 0.5, 1.0), (1.0, 0.2, 0.1)), np.sqrt(np.abs(_SIGNED))]
)
"""Blue below zero, red above, clear at zero."""
COPIED = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def result_layers(result: Result, source: Mapping[str, Any]) -> list[LayerTuple]:
    """Layer tuples of a result, bottom first.

    Parameters
    ----------
    result : Result
        On the grid of the scan that ``source`` shows.
    source : mapping
        Attributes of the source's layer; position, units, labels, contrast, colours and foreign
        metadata are taken over, so that results coincide with it wherever it was put.
    """
    volumes = result.layers()
    return [
        _layer(name, volumes[name], result, source) for name in BOTTOM_TO_TOP if name in volumes
    ]


def _layer(name: str, volume: Volume, result: Result, source: Mapping[str, Any]) -> LayerTuple:
    place = placement(volume.geometry, time=volume.is_4d)
    copied = {key: source[key] for key in COPIED if source.get(key) is not None}
    record = {
        **record_of(volume, role=name),
        "level": result.plan.settings.level,
        "samples": result.drawn,
        "model": result.plan.model,
    }
    meta = {
        **place,
        **copied,
        "name": f"{source.get('name', volume.source.name)} {_title(name, volume, result)}",
        "rgb": False,
        "visible": name in SHOWN,
        "metadata": {**(source.get("metadata") or {}), KEY: record},
    }
    if name in LINKED:
        taken = ("contrast_limits", "colormap", "gamma")
        meta |= {key: source[key] for key in taken if source.get(key) is not None}
    elif name in GUARDS:
        record["notes"] = (*record["notes"], GUARDS[name])
        meta |= {
            "contrast_limits": difference_limits(volume.array),
            "colormap": GUARD_COLORMAP,
            "blending": "translucent",
        }
    else:
        meta |= {"contrast_limits": spread_limits(volume.array), "colormap": SPREAD_COLORMAP}
    return displayed(volume), meta, "image"


def _title(name: str, volume: Volume, result: Result) -> str:
    if name == "std" or name in GUARDS:
        return f"{name} ({volume.unit})"
    if name in ("lower", "upper"):
        return f"{name} {100 * result.plan.settings.level:g} %"
    return name
