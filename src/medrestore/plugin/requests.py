"""The choices made in the widget as a request of a run, and as lines that repeat it. No Qt."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.errors import MedrestoreError
from medrestore.modalities import names
from medrestore.plugin.layers import record_in
from medrestore.plugin.positions import acquired_axis, acquired_slice, slice_in_words
from medrestore.plugin.run import Request
from medrestore.settings.settings import AUTO, SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.volume import Source

__all__ = [
    "NO_MODALITY",
    "NO_SCAN",
    "Choices",
    "Snapshot",
    "chosen_slices",
    "command_line",
    "modality_of",
    "on_display",
    "preview_of",
    "python_lines",
    "request_for",
    "stated_modality",
]

NO_SCAN = (
    "Open a CT or MR scan first: File ▸ Open Files, or File ▸ Open Sample ▸ medrestore; "
    "then choose it under Scan."
)
NO_MODALITY = "This layer does not say whether it is CT or MR: choose one under Modality."


@dataclass(frozen=True)
class Choices:
    """Choices made in the widget.

    Parameters
    ----------
    settings : Settings
        Settings of the run.
    modality : str
        ``"CT"``, ``"MR"``, or ``"auto"`` for what the layer says.
    slices : tuple of int, optional
        First and last position along the axis that slices were acquired along, as the viewer's
        slider numbers them; all by default.
    cluster : str
        Address of a Dask scheduler; empty for this machine.
    """

    settings: Settings = field(default_factory=Settings)
    modality: str = AUTO
    slices: tuple[int, int] | None = None
    cluster: str = ""


class Snapshot(NamedTuple):
    """A layer as it is at this moment: its data and the attributes of a layer tuple."""

    data: Any
    meta: Mapping[str, Any]


def modality_of(scan: Snapshot | None, chosen: str) -> str | None:
    """The modality that the user chose, else that of the layer."""
    return chosen if chosen in names() else stated_modality(scan)


def stated_modality(scan: Snapshot | None) -> str | None:
    """The modality that the layer says."""
    record = record_in(scan.meta.get("metadata")) if scan else {}
    found = record.get("modality")
    return found if found in names() else None


def request_for(scan: Snapshot | None, choices: Choices) -> Request:
    """The request of a run.

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
    slices = chosen_slices(scan, choices.slices)
    settings, cluster = choices.settings, choices.cluster
    return Request(scan.data, scan.meta, settings, modality, slices, cluster=cluster)


def preview_of(
    scan: Snapshot | None, choices: Choices, point: tuple[float, ...]
) -> tuple[Request, str]:
    """The request for the acquired slice at a position, and that slice in words.

    Of a series in time, the time point on display is taken as a scan of its own.

    Parameters
    ----------
    point : tuple of float
        The position in the layer's data, one number per axis.

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
    position = acquired_slice(meta, count, z)
    preview = replace(request, slices=(z,), preview=True, meant=request.slices, cluster="")
    return preview, slice_in_words(meta, position)


def on_display(request: Request, point: tuple[float, ...]) -> Request:
    """The request for the time point on display alone, as a scan of its own; 3-D ones as they are.

    Parameters
    ----------
    point : tuple of float
        The position in the layer's data, one number per axis.
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


def chosen_slices(scan: Snapshot, positions: tuple[int, int] | None) -> tuple[int, ...] | None:
    """The acquired slices, as a plan numbers them, between two positions on the viewer's slider."""
    if positions is None:
        return None
    axis, _ = acquired_axis(scan.meta)
    count = _shape(scan.data, scan.meta)[axis]
    first, last = sorted(acquired_slice(scan.meta, count, position) for position in positions)
    return None if last - first + 1 == count else tuple(range(first, last + 1))


def _shape(data: Any, meta: Mapping[str, Any]) -> tuple[int, ...]:
    """Of the last three axes; of a multiscale image, its finest level's."""
    return tuple((data[0] if meta.get("multiscale") else data).shape[-3:])


SAVE = 'result.save("restored")'


def python_lines(scan: Snapshot | None, choices: Choices) -> str:
    """A script that does what the Denoise button does with these choices."""
    path, modality, given = _input(scan, choices)
    arguments = [f"{name}={value!r}" for name, value in given.items()]
    of = f", modality={modality!r}" if modality else ""
    read = f"volume = mr.read({str(path)!r}{of})"
    slices = None if scan is None else chosen_slices(scan, choices.slices)
    if slices is None:
        run = [read, f"result = mr.denoise({', '.join(['volume', *arguments])})"]
        return "\n".join(["import medrestore as mr", "", *run, SAVE])
    return "\n".join(
        [
            "import medrestore as mr",
            "from medrestore.api import make_plan, run_plan",
            "",
            read,
            f"plan = make_plan(volume, mr.Settings({', '.join(arguments)}))",
            f"slices = tuple(range({slices[0]}, {slices[-1] + 1}))  # as the file numbers them",
            "result = run_plan(plan.for_slices(slices), volume)",
            SAVE,
        ]
    )


def command_line(scan: Snapshot | None, choices: Choices) -> str:
    """The same for a shell."""
    path, modality, given = _input(scan, choices)
    words = ["medrestore", "denoise", str(path), "-o", "restored"]
    if modality:
        words += ["--modality", modality]
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        words += [option] if value is True else [option, str(value)]
    return "\n".join([shlex.join(words), *_remark(choices)])


def _input(scan: Snapshot | None, choices: Choices) -> tuple[Path, str | None, dict[str, Any]]:
    """The scan's path, its modality, and the settings that differ from their defaults."""
    modality = modality_of(scan, choices.modality)
    settings = asdict(choices.settings).items()
    given = {name: value for name, value in settings if value != SETTINGS[name].default}
    record = record_in(scan.meta.get("metadata")) if scan else {}
    source: Source | None = record.get("source")
    if source is None or not source.paths:
        return Path("scan.nii.gz"), modality, given
    path = Path(source.paths[0])
    return (path.parent if source.format == "dicom" else path), modality, given


def _remark(choices: Choices) -> list[str]:
    if choices.slices is None:
        return []
    first, last = choices.slices
    return [
        f"# restores the whole scan; in napari slices {first} to {last} were chosen, which the "
        "lines of Python do alone"
    ]
