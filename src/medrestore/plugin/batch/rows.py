"""The rows of the table of scans. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from medrestore.batch.gather import under

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.batch.gather import Gathered
    from medrestore.io import Scan

__all__ = ["COLUMNS", "Row", "RowState", "details", "rows_of", "texts"]

COLUMNS = ("Scan", "State", "Modality", "Voxels", "Spacing (mm)", "Remarks")


class RowState(Enum):
    """What became of a scan."""

    WAITING = "Waiting"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True)
class Row:
    """A scan, or a file named like one that cannot be read (without ``scan``).

    Parameters
    ----------
    name : str
        Path under the folder; with the scan's own name where a path holds several.
    percent : int, optional
        How much of a running scan is done; None before it is known.
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


def rows_of(gathered: Gathered, root: Path) -> list[Row]:
    """Scans in the order in which they will be restored, then what cannot be read."""
    rows, names = [], set[str]()
    for scan in gathered.scans:
        name = under(scan.path, root)
        name = f"{name}#{scan.name}" if name in names else name
        names.add(name)
        rows.append(Row(name, scan))
    damaged = gathered.damaged.items()
    return rows + [Row(name, state=RowState.FAILED, reason=reason) for name, reason in damaged]


def texts(row: Row) -> tuple[str, ...]:
    """What the columns show."""
    scan = row.scan
    if scan is None:
        return row.name, _state(row), "", "", "", row.reason
    remarks = row.reason or "; ".join(scan.warnings)
    return row.name, _state(row), scan.modality or "not said", _grid(scan), _spacing(scan), remarks


def details(row: Row) -> str:
    """All that is known of a scan, in sentences."""
    scan, said = row.scan, [f"{row.name}:"]
    if scan is not None:
        modality = scan.modality or "modality not said"
        said.append(f"{modality}, {_grid(scan)} voxels of {_spacing(scan)} mm.")
        said += [f"{warning[:1].upper()}{warning[1:].rstrip('.')}." for warning in scan.warnings]
    if row.state is RowState.FAILED:
        named = row.reason.startswith(f"{row.name} ")
        reason = f"the file{row.reason[len(row.name) :]}" if named else row.reason
        said.append(f"Not restored: {reason.rstrip('.')}.")
    elif row.state is RowState.DONE:
        said.append("Restored; double-click opens it.")
    return " ".join(said)


def _state(row: Row) -> str:
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
