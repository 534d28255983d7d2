"""The story of a batch: a task for each scan, and its outcome in log and page."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from medrestore.batch.entry import failed_entry
from medrestore.batch.forecast import RemainingTime, Step, time_left
from medrestore.batch.log import RECORD
from medrestore.batch.page import Article, Entry, draw_article, write_page
from medrestore.batch.results_folder import ResultPaths
from medrestore.batch.task import Done, Task, key_of
from medrestore.batch.work import failure
from medrestore.errors import Cancelled, MedrestoreError, ModelError
from medrestore.io.uids import without_uids
from medrestore.models.model import find_card
from medrestore.results.preflight import check_source
from medrestore.settings.settings import SETTINGS
from medrestore.volume import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from medrestore.batch.gather import Gathered
    from medrestore.batch.log import Articles, Line, Log
    from medrestore.batch.task import Failed, FileOptions, Outcome
    from medrestore.batch.work import Executor
    from medrestore.core.meter import Meter
    from medrestore.io import Scan
    from medrestore.settings.settings import Settings

__all__ = ["Batch"]

NO_VOXELS = [name for name, one in SETTINGS.items() if not one.alters_voxels]
"""Settings that change how a run goes and not what comes out."""


@dataclass
class Batch:
    """State of a batch; the scans themselves are restored by an `Executor`.

    An earlier result of a scan stands if `key_of` the scan (path, content, settings) and the
    SHA-256 of the model's weights are those in the log, and no file of the result is missing.
    Otherwise the scan is restored again, and the new result replaces the old. Failures that the
    scan itself caused stand; those of the machine are tried again.

    Parameters
    ----------
    root, out : Path
        Folders of the scans and of the results.
    settings, files
        Settings of each run; options on files.
    meter : Meter
        Follows the search for scans that are done already; may cancel.
    on_step : callable
        Called with each `Step`.
    """

    root: Path
    out: Path
    settings: Settings
    files: FileOptions
    meter: Meter
    on_step: Callable[[Step], object]
    restored: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    kept: int = 0
    _articles: list[tuple[int, Article]] = field(default_factory=list)

    def run(self, gathered: Gathered, log: Log, articles: Articles, executor: Executor) -> None:
        """Restore all scans; log and report are whole however it ends, and closed."""
        scans, self._log, self._article_file = gathered.scans, log, articles
        self._paths = ResultPaths(self.root, self.out)
        self._total = len(scans) + len(gathered.damaged)
        self._remaining = RemainingTime(scans)
        try:
            for name, reason in gathered.skipped.items():
                self._log.skipped(name, reason)
            for name, reason in gathered.damaged.items():
                self._paths.reserve_name(name)
                self._fail(name, reason, again=True)
            with closing(executor.outcomes(self._tasks(scans), len(scans))) as outcomes:
                for task, outcome in outcomes:
                    self._finish(task, outcome)
        except Cancelled as error:
            done = f"{len(self.restored)} of {len(scans)} scans restored"
            raise Cancelled(f"stopped with {done}; what there is lies in {self.out}") from error
        finally:
            shown = sorted(self._articles, key=lambda numbered: numbered[0])
            write_page(self.out / "report.html", [article for _, article in shown])
            self._article_file.close()
            self._log.close()

    def _tasks(self, scans: list[Scan]) -> Iterator[Task]:
        """Each scan that is left to do, begun when it is asked for."""
        for number, scan in enumerate(scans, 1):
            label = f"{number} of {len(scans)}: {scan.name}{time_left(self._remaining.seconds)}"
            self.on_step(Step(scan, "begun"))
            name, key = self._paths.name(scan), None
            try:
                if self._log.resumes:
                    key = self._key(scan, label)
                    earlier = self._log.earlier(key)
                    if earlier is not None and self._still_valid(earlier):
                        self._reuse(number, scan, name, earlier)
                        continue
                task = self._task(number, scan, name, label, key)
            except MedrestoreError as error:
                if isinstance(error, Cancelled):
                    raise
                self._not_done(name, number, scan, failure(error, key))
                continue
            self._log.begun(name, task.result_path)
            yield task

    def _task(self, number: int, scan: Scan, name: str, label: str, key: str | None) -> Task:
        """The task of a scan; raises `OutputError` if its results cannot be written."""
        source = Source(scan.format, scan.name)
        task = Task(
            number=number,
            scan=scan,
            name=name,
            label=label,
            root=self.root,
            folder=self._paths.folder(scan, source.name),
            out=self.out,
            stem=source.name,
            settings=self.settings,
            files=self.files,
            requested=self._requested(),
            key=key,
            total=self._total,
        )
        overwrite = self.files.overwrite or task.result_path in self._log.result_paths
        check_source(source, task.folder, format=self.files.format, overwrite=overwrite)
        return task

    def _finish(self, task: Task, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            self._done(task, outcome)
        else:
            self._not_done(task.name, task.number, task.scan, outcome, place=task.result_path)

    def _done(self, task: Task, done: Done) -> None:
        self._articles.append((task.number, done.article))
        # before the log: what the log holds can be shown
        self._article_file.add(done.key, done.article)
        self._log.restored(task.name, done.facts)
        self.restored[task.name] = (self.out / done.outputs[-1]).parent
        self._remaining.done(task.scan, done.seconds)
        self.on_step(Step(task.scan, "restored", record=self.out / done.outputs[-1]))

    def _not_done(self, name: str, number: int, scan: Scan, failed: Failed, **place: str) -> None:
        known = {} if failed.key is None else {"key": failed.key}
        self._fail(name, failed.reason, number, scan, again=failed.again, **known, **place)

    def _key(self, scan: Scan, label: str) -> str:
        """Its key; shown as a step of its own: thousands of scans may only be looked at."""
        self.meter.start(1, f"{label}, looking whether it is done")
        key = key_of(scan, self.root, self._requested())
        self.meter.tick()
        return key

    def _requested(self) -> dict[str, Any]:
        """Settings and options that a result depends on, beside the scan and the model."""
        settings = {k: v for k, v in asdict(self.settings).items() if k not in NO_VOXELS}
        reading = {k: v for k, v in asdict(self.files).items() if k != "overwrite"}
        model = str(self.settings.model).replace("\\", "/").rstrip("/").rpartition("/")[2]
        return {**settings, **reading, "model": model}

    def _still_valid(self, line: Line) -> bool:
        """True if the model is still the one that an earlier result was made with."""
        if line["state"] == "failed":
            return True
        try:
            card = find_card(self.settings.model, line["modality"], self.settings.mode)
        except ModelError:
            return False
        return bool(card.sha256 == line["model_sha256"])

    def _reuse(self, number: int, scan: Scan, name: str, line: Line) -> None:
        """Report the outcome of an earlier batch as that of this one."""
        if line["state"] == "failed":
            if "place" in line:
                result_path = self.out / line["place"]
                self._paths.reserve(result_path.parent, result_path.name)
            self._failed(name, line["reason"], number, scan)
            return
        record = self.out / line["outputs"][-1]
        self._paths.reserve(record.parent, record.name.removesuffix(RECORD))
        self.restored[name] = record.parent
        self.kept += 1
        known = self._article_file.earlier(line["key"])
        article = known or draw_article(Entry(name, line["modality"]))
        self._articles.append((number, article))
        self._remaining.done(scan)
        self.on_step(Step(scan, "restored", record=record))

    def _fail(
        self,
        name: str,
        reason: str,
        number: int = 0,
        scan: Scan | None = None,
        **facts: Any,
    ) -> None:
        for folder in (self.root, self.out):  # workers elsewhere have the whole path
            for written in (folder.absolute(), folder):
                reason = reason.replace(f"{written}{os.sep}", "")
        reason = without_uids(reason)
        self._log.failed(name, reason, **facts)
        self._failed(name, reason, number, scan)

    def _failed(self, name: str, reason: str, number: int, scan: Scan | None) -> None:
        self.failed[name] = reason
        self._articles.append((number, draw_article(failed_entry(name, reason))))
        if scan is not None:
            self._remaining.done(scan)
            self.on_step(Step(scan, "failed", reason))
