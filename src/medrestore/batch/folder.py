"""A folder of scans in, a folder of results out: one bad scan never stops the rest."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.batch import log
from medrestore.batch.cluster import require
from medrestore.batch.forecast import forecast
from medrestore.batch.gather import gather, under
from medrestore.batch.log import Articles, Log
from medrestore.batch.results_folder import folder_lock, remove_stale
from medrestore.batch.run import Batch
from medrestore.batch.task import FileOptions
from medrestore.batch.work import LocalExecutor
from medrestore.core.meter import SILENT, Meter
from medrestore.errors import InputError, OutputError, SettingsError
from medrestore.results.preflight import check_file
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from medrestore.batch.forecast import Forecast, Step
    from medrestore.batch.gather import Gathered
    from medrestore.batch.work import Executor
    from medrestore.io.dicom.grid import Gaps

__all__ = ["Summary", "denoise_folder"]


PATIENCE_S = 120.0
"""Worker processes of this machine that are lost are back sooner."""


@dataclass(frozen=True)
class Summary:
    """Outcome of a batch; scans are named by their path under its folder.

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
        Number of the restored ones that an earlier batch had restored; 0 without ``resume``.
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
    cluster: str | None = None,
    jobs: int | None = None,
    on_step: Callable[[Step], object] | None = None,
    on_forecast: Callable[[Forecast], object] | None = None,
    **settings: Any,
) -> Summary:
    """Restore every scan under a folder.

    Parameters
    ----------
    source, destination : path
        Folders; the second mirrors the first, and is not looked at for scans.
    overwrite : bool
        Replace results of an earlier batch.
    resume : bool
        Go on with an earlier batch, however it was stopped; `Batch` says what of it stands.
    progress : Meter, optional
        Follows each scan; may cancel.
    modality, gaps, format
        As for `read` and `Result.save`.
    fallback : "CT" or "MR", optional
        The modality of scans that do not say theirs in any way.
    found : Scans, optional
        What `find` found under ``source``: saves looking again.
    cluster : str, optional
        Address of a Dask scheduler (``"tcp://host:8786"``); its workers see the same files.
    jobs : int, optional
        Worker processes on this machine; scripts need a main guard, as for `multiprocessing`.
    on_step, on_forecast : callable, optional
        Called with each `Step`; called before with a `Forecast` for this machine. May cancel.
    **settings
        As for `denoise`; ``noise`` is ``"auto"`` or a number.

    Raises
    ------
    MedrestoreError
        No scan, settings that cannot be, a destination that is taken, no cluster: what to do.
    Cancelled
        If stopped; what is restored is kept and reported.
    """
    _check_options(resume, overwrite, cluster, jobs)
    root, out, meter = Path(source), Path(destination), progress or SILENT
    files = FileOptions(modality, fallback, gaps, format, overwrite)
    requested = Settings(**settings | {"steps": settings.get("steps") or 0})
    batch = Batch(root, out, requested, files, meter, on_step or (lambda _: None))
    with _executor(cluster, jobs, meter) as executor:
        callback = on_forecast if cluster is None else None  # it would tell of this machine
        return _run(batch, _gathered(root, out, meter, found), executor, resume, callback)


def _check_options(resume: bool, overwrite: bool, cluster: str | None, jobs: int | None) -> None:
    if resume and overwrite:
        raise SettingsError("resume keeps what is done, overwrite replaces it; ask for one of them")
    if cluster is not None and jobs is not None:
        raise SettingsError("cluster has workers of its own, jobs starts some; ask for one of them")


@contextmanager
def _executor(cluster: str | None, jobs: int | None, meter: Meter) -> Iterator[Executor]:
    """Executor of the scans; Dask is loaded only if a cluster is requested."""
    if cluster is None and (jobs is None or jobs == 1):
        yield LocalExecutor(meter)
        return
    require()
    from medrestore.batch.cluster.connect import connected, on_this_machine
    from medrestore.batch.cluster.executor import ClusterExecutor

    if jobs is not None:
        with on_this_machine(jobs) as client:
            yield ClusterExecutor(client, meter, PATIENCE_S, split=False)
    else:
        with connected(cluster or "") as client:
            yield ClusterExecutor(client, meter)


def _run(
    batch: Batch,
    gathered: Gathered,
    executor: Executor,
    resume: bool,
    on_forecast: Callable[[Forecast], object] | None,
) -> Summary:
    root, out = batch.root, batch.out
    if not gathered.scans and not gathered.damaged:
        reason = next(iter(gathered.skipped.values()), "`medrestore info` says what there is")
        raise InputError(f"{root} holds no scan to restore: {reason}")
    resume = _check(out, batch.files.overwrite, resume)
    out.mkdir(parents=True, exist_ok=True)
    with folder_lock(out):
        written, articles = Log(out, resume), Articles(out, resume)
        if resume:
            remove_stale(out, written.unfinished)
        if on_forecast is not None:
            left = [scan for scan in gathered.scans if under(scan.path, root) not in written.names]
            on_forecast(forecast(left, batch.settings, batch.files.expected))
        batch.run(gathered, written, articles, executor)
    page = out / "report.html"
    return Summary(batch.restored, batch.failed, gathered.skipped, page, batch.kept)


def _check(out: Path, overwrite: bool, resume: bool) -> bool:
    """Make sure that log and page can be written; True if there is a batch to resume."""
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
