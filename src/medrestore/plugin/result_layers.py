"""The layers that a run adds beside its source; no napari."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.method import ESTIMATED
from medrestore.plugin.contrast import contrast_limits, difference_limits, spread_limits
from medrestore.plugin.layers import KEY, displayed, oriented, placement, record_of
from medrestore.plugin.positions import acquired_axis, begin_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.plugin.layers import LayerTuple
    from medrestore.results.result import Result
    from medrestore.volume import Volume

__all__ = ["LINKED", "Run", "exceeds_layer", "preview_layers", "result_layers", "samples_layer"]

LINKED = ("restored", "lower", "upper", "samples")
"""Results in the scan's own intensities: their contrast follows it."""

BOTTOM_TO_TOP = (
    *("restored", "lower", "upper", "std", "std map", "exceeds"),
    *("inconsistent", "removed"),
)
"""Order of layers: those shown at first lie under what may be shown over them."""
SHOWN = ("restored",)
SPREAD_COLORMAP, PROBABILITY_COLORMAP = "magma", "viridis"
PROBABILITY = "probability"
"""What is read off the colour bar of probabilities, in the place of a unit."""
GUARDS = ("removed", "inconsistent")
MEANINGS = {
    "restored": "Restored: {estimate}.",
    "std": "Std: how far the expected image is thought to be from the truth, in the scan's unit.",
    "std map": "Std map: std as it stands in its DICOM Parametric Map, in float32.",
    "lower": "Lower: the true value is expected to lie between lower and upper in {level} of the "
    "voxels{counted}.",
    "upper": "Upper: the true value is expected to lie between lower and upper in {level} of the "
    "voxels{counted}.",
    "exceeds": "Exceeds: how probable it is that the true value lies {above}, 0 to 1{counted}.",
    "samples": "Samples: images that fit the scan equally well; what differs between them is not "
    "known.",
    "removed": "Removed: what was taken away that noise does not explain, smoothed; red where the "
    "scan was brighter than the restoration, blue where it was darker.",
    "inconsistent": "Inconsistent: the part of removed that the restoration shows and the scan "
    "does not.",
}
"""Meaning of each layer of a result, in one sentence."""
NOTHING = "Here it is 0 everywhere."
ESTIMATES = {
    "mean": "the scan without its noise, as the model expects it",
    "sample": "one of the images that fit the scan; std is that of the expected one",
    "posterior-mean": "the mean of the posterior samples",
}
_SIGNED = np.linspace(-1, 1, 33)[:, None]
_COLOURS = np.hstack(
    [np.where(_SIGNED < 0, (0.15, 0.5, 1.0), (1.0, 0.2, 0.1)), np.sqrt(np.abs(_SIGNED))]
)
GUARD_COLORMAP = {"name": "blue-clear-red", "colors": _COLOURS}
"""Blue below zero, red above, clear at zero."""
PREVIEWED = ("restored", "std")
COPIED = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


@dataclass(frozen=True, eq=False)
class Run:
    """A result as its layers carry it, so that regions can be read from any of them.

    A layer that is copied shares it: a result is never changed.
    """

    result: Result

    def __deepcopy__(self, memo: object) -> Run:
        return self


def result_layers(
    result: Result, source: Mapping[str, Any], spread: Volume | None = None
) -> list[LayerTuple]:
    """Layer tuples of a result, bottom first.

    Parameters
    ----------
    result : Result
        On the grid of the scan that ``source`` shows.
    source : mapping
        Attributes of the source's layer; position, units, labels, contrast, colours and foreign
        metadata are taken over, so that results coincide with it wherever it was put. Empty where
        the source is not shown.
    spread : Volume, optional
        The standard deviation as it stands in a Parametric Map.
    """
    volumes, run = result.layers(), Run(result)
    if spread is not None:
        same = replace(spread, modality=result.std.modality, source=result.std.source)
        volumes["std map"] = same
    layers = [_layer(name, volumes[name], run, source) for name in BOTTOM_TO_TOP if name in volumes]
    if result.samples is not None:
        layers.insert(1, samples_layer(run, source))
    return layers


def preview_layers(result: Result, source: Mapping[str, Any]) -> list[LayerTuple]:
    """The same of a preview: restored image and its spread only."""
    volumes, run = result.layers(), Run(result)
    layers = [_layer(name, volumes[name], run, source) for name in PREVIEWED]
    for name, (_, meta, _) in zip(PREVIEWED, layers, strict=True):
        meta["name"] = _named(f"{name} preview", result.restored, source)
        meta["metadata"][KEY]["preview"] = True
    return layers


def samples_layer(run: Run, source: Mapping[str, Any]) -> LayerTuple:
    """The posterior samples one after the other on a leading axis; the viewer's slider plays them.

    The samples are those that the result keeps, (k, z, y, x), viewed and not copied.
    """
    result = run.result
    assert result.samples is not None
    lead = {"scale": 1.0, "translate": 0.0, "units": "pixel", "axis_labels": "sample"}
    _, meta, kind = _layer("restored", result.restored, run, source)
    meta |= {key: (first, *meta[key]) for key, first in lead.items()}
    for key in ("rotate", "shear", "affine"):  # of the last axes: the display is unrotated anyway
        meta.pop(key, None)
    meta |= {"name": _named("samples", result.restored, source), "visible": False}
    meta["metadata"][KEY] |= {"role": "samples", "meaning": MEANINGS["samples"]}
    return oriented(result.samples, result.restored.geometry), meta, kind


def exceeds_layer(
    result: Result, volume: Volume, above: str, restored: Mapping[str, Any]
) -> LayerTuple:
    """Layer tuple of probabilities that were asked for after the run.

    Parameters
    ----------
    result : Result
        Of the run.
    volume : Volume
        The probabilities (`Result.exceedance`), on the result's grid.
    above : str
        What is exceeded, in words: ``"above 100 HU"``.
    restored : mapping
        Attributes of the layer of the run's restored image, where this one is put.
    """
    data, meta, kind = _layer("exceeds", volume, Run(result), restored, above)
    copied = {key: restored[key] for key in COPIED if restored.get(key) is not None}
    meta |= {**copied, "name": _named(above + _counted(result, ", "), volume, {}), "visible": True}
    return data, meta, kind


def _layer(
    name: str, volume: Volume, run: Run, source: Mapping[str, Any], above: str = ""
) -> LayerTuple:
    result = run.result
    position = placement(volume.geometry, time=volume.is_4d)
    copied = {key: source[key] for key in COPIED if source.get(key) is not None}
    if copied and result.plan.slices is not None:
        copied["translate"] = _begin(result, source)
    record = {
        **record_of(volume, role=name),
        "level": result.plan.settings.level,
        "samples": result.drawn,
        "model": result.plan.model,
        "run": run,
        "meaning": _meaning(name, result, above or _above(result)),
    }
    if not np.nan_to_num(volume.array).any():
        record |= {"empty": True, "meaning": f"{record['meaning']} {NOTHING}"}
    meta = {
        **position,
        **copied,
        "name": _named(_title(name, result), volume, source),
        "rgb": False,
        "visible": name in SHOWN,
        "metadata": {**(source.get("metadata") or {}), KEY: record},
    }
    if name in LINKED:
        meta["contrast_limits"] = contrast_limits(result.restored.array, volume.modality)
        taken = ("contrast_limits", "colormap", "gamma")
        meta |= {key: source[key] for key in taken if source.get(key) is not None}
    elif name in GUARDS:
        meta |= {
            "contrast_limits": difference_limits(volume.array),
            "colormap": GUARD_COLORMAP,
            "blending": "translucent",
        }
    elif name == "exceeds":
        record |= {"unit": PROBABILITY}
        meta |= {"contrast_limits": (0.0, 1.0), "colormap": PROBABILITY_COLORMAP}
    else:
        meta |= {"contrast_limits": spread_limits(volume.array), "colormap": SPREAD_COLORMAP}
    return displayed(volume), meta, "image"


def _meaning(name: str, result: Result, above: str) -> str:
    settings = result.plan.settings
    level, estimate = f"{100 * settings.level:g} %", ESTIMATES[settings.estimate]
    counted = "" if result.plan.calibrated else f". Not calibrated: {ESTIMATED}"
    return MEANINGS[name].format(level=level, estimate=estimate, counted=counted, above=above)


def _above(result: Result) -> str:
    """The value whose probability the run gives, in words."""
    value = result.plan.settings.exceeds
    return "" if value is None else f"above {value:g} {result.restored.unit}"


def _counted(result: Result, lead: str) -> str:
    return "" if result.plan.calibrated else f"{lead}not calibrated"


def _begin(result: Result, source: Mapping[str, Any]) -> tuple[float, ...]:
    """Position of the first displayed slice of a part of a scan."""
    chosen, count = result.plan.chosen, result.plan.shape[0]
    axis, flipped = acquired_axis(source)
    return begin_at(source, axis, count - 1 - chosen[-1] if flipped else chosen[0])


def _title(name: str, result: Result) -> str:
    if name in ("lower", "upper"):
        return f"{name} {100 * result.plan.settings.level:g} %{_counted(result, ', ')}"
    if name == "exceeds":
        return _above(result) + _counted(result, ", ")
    return name


def _named(title: str, volume: Volume, source: Mapping[str, Any]) -> str:
    """A layer's name: what it is comes first, where a narrow list still shows it."""
    return f"{title} · {source.get('name', volume.source.name)}"
