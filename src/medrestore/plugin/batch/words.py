"""What the Batch panel says. No Qt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.plugin.words import counted
from medrestore.settings.settings import AUTO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.batch.folder import Summary
    from medrestore.batch.gather import Gathered
    from medrestore.plugin.batch.rows import Row
    from medrestore.settings.settings import Settings

__all__ = ["EARLIER", "GO_ON", "REPLACE", "ended", "found", "left_alone", "mended", "settings_line"]

EARLIER, GO_ON, REPLACE = "Earlier results", "Go on with them", "Replace them"
REWORDED = {
    "allow --overwrite": f"choose {REPLACE} under {EARLIER}",
    'give modality="CT" or "MR" to read(), or --modality on the command line': (
        "choose under Modality what such scans are"
    ),
    ", or pass gaps='keep' (--gaps keep) to restore the slices that are there": "",
}
"""What an error advises in Python or a shell, and what it comes to here."""


def settings_line(settings: Settings) -> str:
    """The settings that a batch takes, on one line."""
    steps = f", {settings.steps} steps" if settings.steps else ""
    said = [
        f"{counted(settings.samples)}{steps}" if settings.samples else "no samples",
        f"{100 * settings.level:g} % interval",
        f"model {'automatic' if settings.model == AUTO else Path(settings.model).name}",
        "noise measured in each scan",
    ]
    if settings.estimate != "mean":
        said.append("image: " + settings.estimate.replace("-", " "))
    if settings.sampler != AUTO and settings.samples:
        said.append(f"sampler {settings.sampler}")
    if settings.guided:
        said.append(f"guidance {settings.guidance:g}, measurement {settings.measurement:g}")
    if settings.device != AUTO:
        said.append(f"on {settings.device.upper() if settings.device == 'cpu' else 'the GPU'}")
    if settings.keep_samples and settings.samples:
        said.append("samples kept")
    return f"As set under Denoise: {', '.join(said)}."


def found(gathered: Gathered, asked: str | None = None) -> str:
    """What lies in a folder; ``asked``: the modality of scans that do not say theirs."""
    scans, damaged = len(gathered.scans), len(gathered.damaged)
    if not scans and not damaged:
        return "No scan lies there: open the list of files left alone to see why."
    unread = f", {_files(damaged)} that cannot be read" if damaged else ""
    go_on = " Start restores them." if scans > 1 else " Start restores it." if scans else ""
    silent = 0 if asked else sum(scan.modality is None for scan in gathered.scans)
    hint = f" {silent} do not say CT or MR: choose one under Modality." if silent else ""
    return f"Found {_scans(scans)}{unread}.{hint}{go_on}"


def left_alone(skipped: int) -> str:
    """The title of the list of files that are no scans."""
    return f"{_files(skipped)} left alone"


def ended(rows: Sequence[Row], out: Path, summary: Summary | None) -> str:
    """What became of the scans; no summary if the batch was cancelled."""
    done = sum(row.record is not None for row in rows)
    failed = sum(bool(row.reason) for row in rows)
    apart = f", {failed} failed" if failed else ""
    if summary is None:
        return f"Cancelled: {done} of {_scans(len(rows))} restored{apart}. Results so far: {out}."
    before = f", {summary.kept} of them by the batch before" if summary.kept else ""
    return f"Done: {_scans(done)} restored{before}{apart}. Results: {out}."


def mended(text: str) -> str:
    """An error in the words of the panel."""
    for there, here in REWORDED.items():
        text = text.replace(there, here)
    return text


def _scans(count: int) -> str:
    return f"{count} scan{'' if count == 1 else 's'}"


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
