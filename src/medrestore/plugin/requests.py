"""From what is set in the widget to what runs. No Qt."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.errors import MedrestoreError
from medrestore.modalities import modality_named, names
from medrestore.plugin.layers import KEY
from medrestore.plugin.place import acquired_axis, acquired_slice, slice_in_words
from medrestore.plugin.run import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AUTO",
    "NO_MODALITY",
    "NO_SCAN",
    "Choices",
    "Snapshot",
    "chosen_slices",
    "modality_of",
    "on_display",
    "preview_of",
    "request_for",
    "settings_of",
    "stated_modality",
]

AUTO = "auto"

NO_SCAN = (
    "Open a CT or MR scan first: File ▸ Open Files, or File ▸ Open Sample ▸ medrestore; "
    "then choose it under Scan."
)
NO_MODALITY = "This layer does not say whether it is CT or MR: choose one under Modality."


@dataclass(frozen=True)
class Choices:
    """What is set in the widget, in the units shown.

    ``noise`` in ``noise_unit`` (CT: HU; MR: % of the foreground, or a.u.), None for automatic;
    ``slices`` first and last place along the
    axis that slices were acquired along, as the viewer's slider numbers them, None for all;
    ``steps`` 0 for the model's own; ``memory_gb`` 0 for no limit; ``cluster`` a Dask scheduler's
    address, empty for this machine.
    """

    modality: str = AUTO
    model: str = AUTO
    noise: float | None = None
    noise_unit: str = ""
    samples: int = 8
    steps: int = 0
    level_percent: float = 90
    seed: int = 0
    device: str = AUTO
    sampler: str = AUTO
    estimate: str = "mean"
    keep_samples: bool = False
    slices: tuple[int, int] | None = None
    memory_gb: float = 0
    cluster: str = ""
    guidance: float = 1.0
    measurement: float = 0.0


class Snapshot(NamedTuple):
    """A layer as it is at this moment: its data and the attributes of a layer tuple."""

    data: Any
    meta: Mapping[str, Any]


def modality_of(scan: Snapshot | None, chosen: str) -> str | None:
    """What the user chose, else what the layer says."""
    return chosen if chosen in names() else stated_modality(scan)


def stated_modality(scan: Snapshot | None) -> str | None:
    """What the layer says."""
    record = ((scan.meta.get("metadata") or {}).get(KEY) or {}) if scan else {}
    found = record.get("modality") if isinstance(record, dict) else None
    return found if found in names() else None


def settings_of(choices: Choices, modality: str | None) -> dict[str, Any]:
    """The choices as arguments of `settings.Settings`; without samples, none that need some."""
    settings = asdict(choices)
    for name in ("modality", "slices", "cluster", "noise_unit"):
        del settings[name]
    settings["memory_gb"] = choices.memory_gb or None
    settings["level"] = settings.pop("level_percent") / 100
    if choices.noise is None:
        settings["noise"] = AUTO
    elif modality is not None and modality_named(modality).noise.relative:
        unit = modality_named(modality).unit
        own = choices.noise_unit == unit
        settings["noise"] = f"{choices.noise:g} {unit}" if own else choices.noise / 100
    if not choices.samples:
        settings |= {"keep_samples": False, "estimate": "mean", "guidance": 1.0, "measurement": 0.0}
    return settings


def request_for(scan: Snapshot | None, choices: Choices) -> Request:
    """What to run.

    Raises
    ------
    MedrestoreError
        If no scan is chosen or its modality is unknown.
    """
    if scan is None:
        raise MedrestoreError(NO_SCAN)
    modality = modality_of(scan, choices.modality)
    if modality is None:
        raise MedrestoreError(NO_MODALITY)
    settings = settings_of(choices, modality)
    slices = chosen_slices(scan, choices.slices)
    return Request(scan.data, scan.meta, settings, modality, slices, cluster=choices.cluster)


def preview_of(
    scan: Snapshot | None, choices: Choices, point: tuple[float, ...]
) -> tuple[Request, str]:
    """What to run for the acquired slice at a place, and that slice in words.

    Of a series in time, the time point on display is taken as a scan of its own.

    Parameters
    ----------
    point : tuple of float
        The place in the layer's data, one number per axis.

    Raises
    ------
    MedrestoreError
        As `request_for`.
    """
    request = on_display(request_for(scan, choices), point)
    data, meta = request.data, request.meta
    axis, _ = acquired_axis(meta)
    count = _shape(data, meta)[axis]
    z = acquired_slice(meta, count, point[len(point) - 3 + axis])
    place = acquired_slice(meta, count, z)
    preview = replace(request, slices=(z,), preview=True, meant=request.slices, cluster="")
    return preview, slice_in_words(meta, place)


def on_display(request: Request, point: tuple[float, ...]) -> Request:
    """The request for the time point on display alone, as a scan of its own; 3-D ones as they are.

    Parameters
    ----------
    point : tuple of float
        The place in the layer's data, one number per axis.
    """
    data, meta = request.data, request.meta
    if getattr(data, "ndim", 0) != 4:
        return request
    data = data[min(max(round(point[0]), 0), len(data) - 1)]
    meta = {**meta, **{key: tuple(meta[key])[1:] for key in LEADING if key in meta}}
    meta = {key: value for key, value in meta.items() if key not in TURNED}
    return replace(request, data=data, meta=meta)


LEADING = ("scale", "translate", "units", "axis_labels")
TURNED = ("rotate", "shear", "affine")


def chosen_slices(scan: Snapshot, places: tuple[int, int] | None) -> tuple[int, ...] | None:
    """The acquired slices, as a plan numbers them, between two places on the viewer's slider."""
    if places is None:
        return None
    axis, _ = acquired_axis(scan.meta)
    count = _shape(scan.data, scan.meta)[axis]
    first, last = sorted(acquired_slice(scan.meta, count, place) for place in places)
    return None if last - first + 1 == count else tuple(range(first, last + 1))


def _shape(data: Any, meta: Mapping[str, Any]) -> tuple[int, ...]:
    """Of the last three axes; of a multiscale image, its finest level's."""
    return tuple((data[0] if meta.get("multiscale") else data).shape[-3:])
