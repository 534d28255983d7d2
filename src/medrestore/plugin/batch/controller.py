"""Decisions of the Batch panel, without Qt: find, start, what became of each scan."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.batch.forecast import Step
from medrestore.batch.gather import Gathered
from medrestore.errors import InputError
from medrestore.plugin.batch.rows import (
    RowState,
    ScanRow,
    end_summary,
    found_summary,
    reworded,
    rows_of,
)
from medrestore.plugin.batch.task import BatchRequest, ScanProgress, find_scans, restore_all
from medrestore.plugin.jobs import PanelJob, State, StatusView
from medrestore.settings.settings import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.batch.folder import Summary
    from medrestore.plugin.batch.task import ScansFound
    from medrestore.plugin.jobs import Jobs
    from medrestore.plugin.requests import Choices


__all__ = ["BatchController", "BatchInputs"]

NO_SOURCE = "Choose the folder that holds the scans, under Scans in."
NO_DESTINATION = "Choose a folder for the results, under Results in."
STATES = {"begun": RowState.RUNNING, "restored": RowState.DONE, "failed": RowState.FAILED}
NOT_FOUND = "Press Find first: it lists what would be restored."


@dataclass(frozen=True)
class BatchInputs:
    """Fields of the panel; paths as they are written there.

    Results of an earlier batch are kept, and it is gone on with, unless they are to be replaced.
    """

    source: str
    destination: str
    fallback: str | None = None
    replace: bool = False


class BatchController:
    """From two folders to results; ``jobs`` runs what takes time.

    Parameters
    ----------
    jobs : Jobs
        Runs one thing at a time.
    choices : callable
        The settings as they are now; noise and slices are a single scan's, and not taken.
    show_rows : callable
        Show these rows, and these files that were skipped with the reasons.
    show_row : callable
        Show the row with this number anew.
    """

    def __init__(
        self,
        jobs: Jobs,
        choices: Callable[[], Choices],
        show_rows: Callable[[list[ScanRow], dict[str, str]], object],
        show_row: Callable[[int, ScanRow], object],
    ) -> None:
        self.jobs, self._choices = jobs, choices
        self._show_rows, self._show_row = show_rows, show_row
        self._found: ScansFound | None = None
        self._row_of: dict[int, int] = {}
        self.rows: list[ScanRow] = []
        self.report: Path | None = None

    @property
    def ready(self) -> bool:
        """True if there is something to restore."""
        return self._found is not None and bool(self._found.gathered.scans)

    def forget(self) -> None:
        """Another folder was named: nothing is known of it."""
        if self.jobs.view.state is State.IDLE and self._found is not None:
            self._found, self.report = None, None
            self._list(Gathered([], {}, {}), Path())
            self.jobs.show(StatusView())

    def find(self, inputs: BatchInputs) -> None:
        """List the scans under the folder, or say why not."""

        def prepare() -> PanelJob:
            root = _folder(inputs.source, NO_SOURCE)
            out = Path(inputs.destination).expanduser() if inputs.destination else None
            task = partial(find_scans, root, out)
            then = partial(self._listed, inputs.fallback)
            return PanelJob(f"Looking for scans in {root}…", task, then)

        self.jobs.begin(prepare)

    def start(self, inputs: BatchInputs) -> None:
        """Restore what was found, or say why not."""

        def prepare() -> PanelJob:
            if self._found is None or self._found.root != _folder(inputs.source, NO_SOURCE):
                raise InputError(NOT_FOUND)
            out = _folder(inputs.destination, NO_DESTINATION)
            settings = asdict(replace(self._choices().settings, noise=AUTO))
            request = BatchRequest(self._found, out, inputs.fallback, inputs.replace, settings)
            self.report = None
            task = partial(restore_all, request)
            return PanelJob("Loading the model…", task, partial(self._ended, out), self._on_news)

        self.jobs.begin(prepare)

    def settle(self) -> None:
        """Nothing runs any more: a scan that was being restored is not."""
        for i, row in enumerate(self.rows):
            if row.state is RowState.RUNNING:
                self._set(i, replace(row, state=RowState.WAITING, percent=None))

    def _listed(self, fallback: str | None, scans: ScansFound | None) -> StatusView:
        if scans is None:
            return StatusView(status="Cancelled; nothing was listed.")
        self._found, self.report = scans, None
        self._list(scans.gathered, scans.root)
        return StatusView(
            status=found_summary(scans.gathered, fallback), problem=not scans.gathered.scans
        )

    def _list(self, gathered: Gathered, root: Path) -> None:
        rows = rows_of(gathered, root)
        self.rows = [replace(row, reason=reworded(row.reason)) for row in rows]
        self._row_of = {id(scan): i for i, scan in enumerate(gathered.scans)}
        self._show_rows(self.rows, gathered.skipped)

    def _on_news(self, news: Any) -> None:
        if isinstance(news, Gathered) and self._found is not None:
            self._list(news, self._found.root)
        elif isinstance(news, ScanProgress):
            i = self._row_of[id(news.scan)]
            self._set(i, replace(self.rows[i], percent=news.percent))
        elif isinstance(news, Step):
            self._followed(news)

    def _followed(self, step: Step) -> None:
        i = self._row_of[id(step.scan)]
        row = ScanRow(self.rows[i].name, step.scan, STATES[step.state], record=step.record)
        self._set(i, replace(row, reason=reworded(step.reason)))
        if step.state == "begun" and self.jobs.view.state is State.RUNNING:
            status = f"Restoring {i + 1} of {len(self._row_of)}: {self.rows[i].name}"
            self.jobs.show(replace(self.jobs.view, status=status))

    def _ended(self, out: Path, summary: Summary | None) -> StatusView:
        self.report = out / "report.html"
        failed = any(row.reason for row in self.rows)
        return StatusView(status=end_summary(self.rows, out, summary), problem=failed)

    def _set(self, i: int, row: ScanRow) -> None:
        self.rows[i] = row
        self._show_row(i, row)


def _folder(written: str, otherwise: str) -> Path:
    if not written:
        raise InputError(otherwise)
    return Path(written).expanduser()
