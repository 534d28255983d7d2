"""A folder of scans in, a folder of results out: one bad scan never stops the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.batch import log
from medrestore.batch.alone import alone_in
from medrestore.batch.destination import check_file
from medrestore.batch.forecast import forecast
from medrestore.batch.gather import gather, under
from medrestore.batch.handling import Handling
from medrestore.batch.here import Here
from medrestore.batch.leftovers import clear
from medrestore.batch.log import Log
from medrestore.batch.parts import Parts
from medrestore.batch.run import Batch
from medrestore.core.meter import SILENT, Meter
from medrestore.errors import InputError, OutputError, SettingsError
from medrestore.plan import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from medrestore.batch.forecast import Forecast
    from medrestore.batch.gather import Gathered
    from medrestore.batch.step import Step
    from medrestore.io.dicom.grid import Gaps

__all__ = ["Summary", "denoise_folder"]


@dataclass(frozen=True)
class Summary:
    """What became of a folder; scans are named by their path under it.

    Parameters
    ----------
    restored : dict of str to Path
        Scans restored, and the folder that holds the results of each.
    failed : dict of str to str
        Scans that could not be restored, and why.
    skipped : dict of str to str
        Files that are no scans, and why they were left alone.
    report : Path
        The page that shows all of them.
    kept : int
        How many of the restored ones an earlier batch had restored; 0 without ``resume``.
    """

    restored: dict[str, Path]
    failed: dict[str, str]
    skipped: dict[str, str]
    report: Path
    kept: int = 0


def denoise_folder(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Meter | None = None,
    modality: str | None = None,
    gaps: Gaps = "error",
    format: str = "source",
    fallback: str | None = None,
    found: io.Scans | None = None,
    on_step: Callable[[Step], object] | None = None,
    on_forecast: Callable[[Forecast], object] | None = None,
    **settings: Any,
) -> Summary:
    """Restore every scan under a folder.

    Parameters
    ----------
    source, destination : path
        Folders; the second mirrors the first. Scans under ``destination`` are not looked at.
    overwrite : bool
        Replace results of an earlier batch.
    resume : bool
        Go on with an earlier batch, however it was stopped. What is done stands if the scan's place
        and content, the settings and the model are the same (`Batch`); all else is done.
    progress : Meter, optional
        Follows each scan; may cancel.
    modality, gaps, format
        As for `read` and `Result.save`.
    fallback : "CT" or "MR", optional
        The modality of scans of which neither ``modality``, nor the file, nor the values say it.
    found : Scans, optional
        What `find` found under ``source``, if it was asked already: saves looking again.
    on_step, on_forecast : callable, optional
        Told in this thread when a scan is begun and what became of it; told before the first of
        them what they will take. May raise ``Cancelled``.
    **settings
        As for `denoise`; ``noise`` is ``"auto"`` or a number.

    Raises
    ------
    InputError
        If the folder does not exist or holds no scan.
    SettingsError
        If a setting is out of range, or ``resume`` and ``overwrite`` are both asked for.
    OutputError
        If the destination cannot be written, or holds a batch that is not to be resumed.
    Cancelled
        If stopped; scans already restored are kept and reported.
    """
    if resume and overwrite:
        raise SettingsError("resume keeps what is done, overwrite replaces it; ask for one of them")
    root, out, meter = Path(source), Path(destination), progress or SILENT
    handling = Handling(modality, fallback, gaps, format, overwrite)
    batch = Batch(root, out, Settings(**settings), handling, meter, on_step or (lambda _: None))
    return _run(batch, _gathered(root, out, meter, found), resume, on_forecast)


def _run(
    batch: Batch,
    gathered: Gathered,
    resume: bool,
    on_forecast: Callable[[Forecast], object] | None,
) -> Summary:
    root, out = batch.root, batch.out
    if not gathered.scans and not gathered.damaged:
        raise InputError(f"{root} holds no scan; `medrestore info` says why files were skipped")
    resume = _check(out, batch.handling.overwrite, resume)
    out.mkdir(parents=True, exist_ok=True)
    with alone_in(out):
        written, parts = Log(out, resume), Parts(out, resume)
        if resume:
            clear(out, written.unfinished)
        if on_forecast is not None:
            left = [scan for scan in gathered.scans if under(scan.path, root) not in written.names]
            on_forecast(forecast(left, batch.settings, batch.handling.expected))
        batch.run(gathered, written, parts, Here(batch.meter))
    page = out / "report.html"
    return Summary(batch.restored, batch.failed, gathered.skipped, page, batch.kept)


def _check(out: Path, overwrite: bool, resume: bool) -> bool:
    """Make sure that log and page can be written; whether there is a batch to resume."""
    record = out / log.NAME
    if resume and record.is_file():
        check_file(record, overwrite=True)
        return True
    if record.is_file() and not overwrite:
        raise OutputError(
            f"{record} exists already: go on with that batch (--resume), replace it (--overwrite) "
            "or choose another folder"
        )
    check_file(record, overwrite)
    check_file(out / "report.html", overwrite)
    return False


def _gathered(root: Path, out: Path, meter: Meter, found: io.Scans | None) -> Gathered:
    if root.resolve() == out.resolve():
        raise OutputError(f"results would lie among the scans of {root}; choose another folder")
    return gather(io.find(root, meter) if found is None else found, root, out)
