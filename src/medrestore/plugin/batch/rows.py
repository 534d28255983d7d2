"""Rows of the table of scans, and sentences on a batch. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.batch.gather import under
from medrestore.plugin.messages import counted
from medrestore.settings.settings import AUTO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.batch.folder import Summary
    from medrestore.batch.gather import Gathered
    from medrestore.io import Scan
    from medrestore.settings.settings import Settings

__all__ = [
    "COLUMNS",
    "EARLIER",
    "GO_ON",
    "REPLACE",
    "RowState",
    "ScanRow",
    "details",
    "end_summary",
    "found_summary",
    "reworded",
    "rows_of",
    "settings_line",
    "skipped_title",
    "texts",
]

COLUMNS = ("Scan", "State", "Modality", "Voxels", "Spacing (mm)", "Remarks")


class RowState(Enum):
    """State of a scan."""

    WAITING = "Waiting"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True)
class ScanRow:
    """A scan, or a file named like one that cannot be read (without ``scan``).

    Parameters
    ----------
    name : str
        Path under the folder; with the scan's own name where a path holds several.
    percent : int, optional
        Percentage of a running scan that is done; None before it is known.
    reason : str
        Why it failed.
    record : Path, optional
        The record of a run that is done.
    """

    name: str
    scan: Scan | None = None
    state: RowState = RowState.WAITING
    percent: int | None = None
    reason: str = ""
    record: Path | None = None


def rows_of(gathered: Gathered, root: Path) -> list[ScanRow]:
    """Scans in the order in which they will be restored, then what cannot be read."""
    rows, names = [], set[str]()
    for scan in gathered.scans:
        name = under(scan.path, root)
        name = f"{name}#{scan.name}" if name in names else name
        names.add(name)
        rows.append(ScanRow(name, scan))
    damaged = gathered.damaged.items()
    return rows + [ScanRow(name, state=RowState.FAILED, reason=reason) for name, reason in damaged]


def texts(row: ScanRow) -> tuple[str, ...]:
    """Texts of the columns."""
    scan = row.scan
    if scan is None:
        return row.name, _state(row), "", "", "", row.reason
    remarks = row.reason or "; ".join(scan.warnings)
    return row.name, _state(row), scan.modality or "not said", _grid(scan), _spacing(scan), remarks


def details(row: ScanRow) -> str:
    """All that is known of a scan, in sentences."""
    scan, parts = row.scan, [f"{row.name}:"]
    if scan is not None:
        modality = scan.modality or "modality not said"
        parts.append(f"{modality}, {_grid(scan)} voxels of {_spacing(scan)} mm.")
        parts += [f"{warning[:1].upper()}{warning[1:].rstrip('.')}." for warning in scan.warnings]
    if row.state is RowState.FAILED:
        named = row.reason.startswith(f"{row.name} ")
        reason = f"the file{row.reason[len(row.name) :]}" if named else row.reason
        parts.append(f"Not restored: {reason.rstrip('.')}.")
    elif row.state is RowState.DONE:
        parts.append("Restored; double-click opens it.")
    return " ".join(parts)


def _state(row: ScanRow) -> str:
    if row.state is not RowState.RUNNING:
        return str(row.state.value)
    if row.percent is None:
        return "Reading…"
    return "Saving…" if row.percent >= 100 else f"{row.percent} %"


def _grid(scan: Scan) -> str:
    times = (scan.time_points,) if scan.time_points > 1 else ()
    return " × ".join(str(n) for n in (*times, *scan.shape))


def _spacing(scan: Scan) -> str:
    return " × ".join(f"{step:.3g}" for step in scan.spacing_mm)


EARLIER, GO_ON, REPLACE = "Earlier results", "Go on with them", "Replace them"
REWORDED = {
    "allow --overwrite": f"choose {REPLACE} under {EARLIER}",
    'give modality="CT" or "MR" to read(), or --modality on the command line': (
        "choose under Modality what such scans are"
    ),
    ", or pass gaps='keep' (--gaps keep) to restore the slices that are there": "",
}
"""Advice of errors for Python or a shell, and what it comes to here."""


def settings_line(settings: Settings) -> str:
    """The settings that a batch takes, on one line."""
    steps = f", {settings.steps} steps" if settings.steps else ""
    parts = [
        f"{counted(settings.samples)}{steps}" if settings.samples else "no samples",
        f"{100 * settings.level:g} % interval",
        f"model {'automatic' if settings.model == AUTO else Path(settings.model).name}",
        "noise measured in each scan",
    ]
    if settings.estimate != "mean":
        parts.append("image: " + settings.estimate.replace("-", " "))
    if settings.sampler != AUTO and settings.samples:
        parts.append(f"sampler {settings.sampler}")
    if settings.guided:
        parts.append(f"guidance {settings.guidance:g}, measurement {settings.measurement:g}")
    if settings.device != AUTO:
        parts.append(f"on {settings.device.upper() if settings.device == 'cpu' else 'the GPU'}")
    if settings.keep_samples and settings.samples:
        parts.append("samples kept")
    return f"As set under Denoise: {', '.join(parts)}."


def found_summary(gathered: Gathered, fallback: str | None = None) -> str:
    """Sentences on a folder's scans; ``fallback``: the modality of those that do not say theirs."""
    scans, damaged = len(gathered.scans), len(gathered.damaged)
    if not scans and not damaged:
        return "No scan lies there: open the list of files left alone to see why."
    unread = f", {_files(damaged)} that cannot be read" if damaged else ""
    go_on = " Start restores them." if scans > 1 else " Start restores it." if scans else ""
    silent = 0 if fallback else sum(scan.modality is None for scan in gathered.scans)
    hint = f" {silent} do not say CT or MR: choose one under Modality." if silent else ""
    return f"Found {_scans(scans)}{unread}.{hint}{go_on}"


def skipped_title(skipped: int) -> str:
    """The title of the list of files that are no scans."""
    return f"{_files(skipped)} left alone"


def end_summary(rows: Sequence[ScanRow], out: Path, summary: Summary | None) -> str:
    """Sentence on what became of the scans; no summary if the batch was cancelled."""
    done = sum(row.record is not None for row in rows)
    failed = sum(bool(row.reason) for row in rows)
    apart = f", {failed} failed" if failed else ""
    if summary is None:
        return f"Cancelled: {done} of {_scans(len(rows))} restored{apart}. Results so far: {out}."
    before = f", {summary.kept} of them by the batch before" if summary.kept else ""
    return f"Done: {_scans(done)} restored{before}{apart}. Results: {out}."


def reworded(text: str) -> str:
    """An error in the words of the panel."""
    for there, here in REWORDED.items():
        text = text.replace(there, here)
    return text


def _scans(count: int) -> str:
    return f"{count} scan{'' if count == 1 else 's'}"


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
