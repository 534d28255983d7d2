"""Tasks of the Batch panel, for any thread: find scans, restore them. No Qt.

torch is loaded here, when the first batch begins.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore import io
from medrestore.batch.gather import gather
from medrestore.errors import Cancelled, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from medrestore.batch.folder import Summary
    from medrestore.batch.gather import Gathered
    from medrestore.batch.progress import Step
    from medrestore.io import Scan, Scans
    from medrestore.plugin.jobs import RunMeter

__all__ = ["BatchMeter", "BatchRequest", "ScanProgress", "ScansFound", "find_scans", "restore_all"]

UNITS = 100_000
"""Steps of a whole batch."""
EVERY_S = 0.1
"""A scan's percentage comes no faster."""


class ScansFound(NamedTuple):
    """Scans found under ``root``: as `find` gives it, and sorted out."""

    root: Path
    scans: Scans
    gathered: Gathered


class ScanProgress(NamedTuple):
    """Progress of one scan."""

    scan: Scan
    percent: int


@dataclass(frozen=True)
class BatchRequest:
    """A batch as it was requested.

    Parameters
    ----------
    found : ScansFound
        Scans to restore.
    out : Path
        Folder of the results.
    fallback : str, optional
        The modality of scans that do not say theirs.
    replace : bool
        Replace results of an earlier batch; False goes on with it.
    settings : mapping
        Arguments of `settings.Settings`.
    """

    found: ScansFound
    out: Path
    fallback: str | None
    replace: bool
    settings: Mapping[str, Any]


def find_scans(root: Path, out: Path | None, meter: RunMeter) -> ScansFound | None:
    """Find the scans under ``root`` and not under ``out``; None if stopped.

    Raises
    ------
    InputError
        If ``root`` is no folder.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; choose the folder that holds the scans")
    try:
        scans = io.find(root, meter)
    except Cancelled:
        return None
    return ScansFound(root, scans, gather(scans, root, out))


def restore_all(request: BatchRequest, meter: RunMeter) -> Summary | None:
    """Restore the scans, telling a `Gathered` first, then a `Step` or `ScanProgress` of each scan.

    Returns
    -------
    Summary or None
        Outcome of the scans; None if stopped, where the report shows what was restored by then.

    Raises
    ------
    MedrestoreError
        As `denoise_folder`.
    """
    meter.start(0, "Loading the model")
    from medrestore.batch.folder import denoise_folder
    from medrestore.plugin.run import leave_one_core

    leave_one_core()
    gathered = gather(request.found.scans, request.found.root, request.out)
    meter.tell(gathered)
    watch = BatchMeter(meter, gathered.scans)
    try:
        return denoise_folder(
            request.found.root,
            request.out,
            overwrite=request.replace,
            resume=not request.replace,
            progress=watch,
            fallback=request.fallback,
            found=request.found.scans,
            on_step=watch.step,
            **request.settings,
        )
    except Cancelled:
        return None


class BatchMeter:
    """A `core.meter.Meter` for `denoise_folder`: large scans count for more than small ones.

    Parameters
    ----------
    meter : RunMeter
        Shows the whole, and is told each scan's steps and percentages.
    scans : sequence of Scan
        Scans that are restored.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self,
        meter: RunMeter,
        scans: Sequence[Scan],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meter, self._clock = meter, clock
        self._all = max(1, sum(map(_voxels, scans)))
        self._scan: Scan | None = None
        self._behind, self._units = 0, 0  # voxels of scans that are done with; units shown
        self._total, self._done, self._share = 0, 0, 0.0  # of the scan at hand
        self._percent, self._reported = -1, clock()
        meter.start(UNITS, "Restoring")

    def step(self, step: Step) -> None:
        """A scan was begun or is done with; raises ``Cancelled`` once the batch is to stop."""
        if step.state == "begun":
            self._scan, self._share, self._percent = step.scan, 0.0, -1
        else:
            self._behind += _voxels(step.scan)
            self._scan = None
        self._meter.tell(step)
        self._show()

    def start(self, total: int, label: str) -> None:
        """Begin a scan's stage, or its run again with less memory."""
        self._total, self._done = total, 0

    def tick(self, n: int = 1) -> None:
        """Count ``n`` of its steps; raises ``Cancelled`` once the batch is to stop."""
        self._done += n
        if self._total:
            self._share = max(self._share, min(1.0, self._done / self._total))
        self._show()
        percent, now = int(100 * self._share), self._clock()
        if percent == 100 or now - self._reported >= EVERY_S:
            self._tell(percent, now)

    def _tell(self, percent: int, now: float) -> None:
        if self._scan is not None and percent != self._percent:
            self._percent, self._reported = percent, now
            self._meter.tell(ScanProgress(self._scan, percent))

    def _show(self) -> None:
        current = self._share * _voxels(self._scan) if self._scan is not None else 0
        units = int(UNITS * (self._behind + current) / self._all)
        new, self._units = units - self._units, units
        self._meter.tick(new)


def _voxels(scan: Scan) -> int:
    return prod(scan.shape) * scan.time_points
