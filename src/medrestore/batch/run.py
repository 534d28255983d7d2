"""The work of a batch: scan after scan, and what became of each."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from medrestore.api import make_plan, run_plan
from medrestore.batch import report
from medrestore.batch.content import key_of
from medrestore.batch.destination import check_destination
from medrestore.batch.gather import under
from medrestore.batch.log import RECORD, is_final
from medrestore.batch.remaining import Remaining
from medrestore.batch.shown import entry_of
from medrestore.batch.step import Step
from medrestore.errors import Cancelled, MedrestoreError, ModelError
from medrestore.io.uids import without_uids
from medrestore.models import find_card, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from medrestore.api import Result
    from medrestore.batch.gather import Gathered
    from medrestore.batch.handling import Handling
    from medrestore.batch.lines import Line
    from medrestore.batch.log import Log
    from medrestore.batch.parts import Parts
    from medrestore.core.meter import Meter
    from medrestore.io import Scan
    from medrestore.models import Model
    from medrestore.plan import Plan, Settings
    from medrestore.volume import Volume

__all__ = ["Batch"]

NO_VOXELS = ("memory_gb",)
"""Settings that change how a run goes and not what comes out."""


@dataclass
class Batch:
    """What a batch has done so far.

    What an earlier batch did with a scan stands if `key_of` the scan (place, content, settings) and
    the SHA-256 of the model's weights are those in the log, and no file of the result is missing.
    Otherwise the scan is restored again, and the new result replaces the old. Failures that the
    scan itself caused stand; those of the machine are tried again.

    Parameters
    ----------
    root, out : Path
        Folders of the scans and of the results.
    settings, handling
        What is asked for.
    meter : Meter
        Follows each scan; may cancel.
    told : callable
        Told of each `Step`.
    """

    root: Path
    out: Path
    settings: Settings
    handling: Handling
    meter: Meter
    told: Callable[[Step], object]
    restored: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    kept: int = 0
    _articles: list[report.Article] = field(default_factory=list)
    _models: dict[tuple[str, str, str], Model] = field(default_factory=dict)
    _taken: set[tuple[Path, str]] = field(default_factory=set)

    def run(self, gathered: Gathered, log: Log, parts: Parts) -> None:
        """One scan after the other; log and report are whole however it ends, and closed."""
        scans, self._log, self._parts = gathered.scans, log, parts
        self._among = len(scans) + len(gathered.damaged)
        self._left = Remaining(scans)
        try:
            for name, reason in gathered.skipped.items():
                self._log.skipped(name, reason)
            for name, reason in gathered.damaged.items():
                self._fail(name, reason, again=True)
            for number, scan in enumerate(scans, 1):
                left = self._left.in_words()
                self.restore(scan, f"{number} of {len(scans)}: {scan.name}{left}")
        except Cancelled as error:
            done = f"{len(self.restored)} of {len(scans)} scans restored"
            raise Cancelled(f"stopped with {done}; what there is lies in {self.out}") from error
        finally:
            report.write_page(self.out / "report.html", self._articles)
            self._parts.close()
            self._log.close()

    def restore(self, scan: Scan, label: str) -> None:
        """One scan; whatever happens to it is written down, only a cancel gets out."""
        self.told(Step(scan, "begun"))
        name, before = self._name(scan), time.monotonic()
        facts: dict[str, Any] = {}
        try:
            facts["key"] = key = self._key(scan, label)
            earlier = self._log.before(key)
            if earlier is not None and self._stands(earlier):
                return self._keep(scan, name, earlier)
            volume = self.handling.read(scan)
            folder = self._folder(scan, volume.source.name)
            place = (folder / volume.source.name).relative_to(self.out).as_posix()
            overwrite = self.handling.overwrite or place in self._log.places
            style = self.handling.format
            check_destination(volume, folder, format=style, overwrite=overwrite)
            facts["place"] = place
            self._log.begun(name, place)
            result = self._run(volume, label)
            written = result.save(folder, style, overwrite)
        except Cancelled:
            raise
        except Exception as error:  # a bug or a full memory too: the next scan may still be fine
            expected = isinstance(error, MedrestoreError)
            reason = str(error) if expected else f"unexpected {type(error).__name__}: {error}"
            return self._fail(name, reason, scan, again=not is_final(error), **facts)
        self._done(scan, name, key, volume, result, written, time.monotonic() - before)

    def _done(
        self,
        scan: Scan,
        name: str,
        key: str,
        volume: Volume,
        result: Result,
        written: list[Path],
        seconds: float,
    ) -> None:
        article = report.drawn(entry_of(volume, result, seconds), self._among)
        self._articles.append(article)
        self._parts.add(key, article)  # before the log: what the log holds can be shown
        facts = {
            "modality": result.plan.modality,
            "model": result.plan.model,
            "sigma": round(result.plan.noise.sigma, 6),
            "samples": result.drawn,
            "seconds": round(seconds, 2),
            "warnings": [*volume.warnings, *result.warnings],
            "guards": result.guards.facts() if result.guards is not None else None,
            "outputs": [under(path, self.out) for path in written],
            "key": key,
            "model_sha256": result.plan.model_sha256,
        }
        self._log.restored(name, facts)
        self.restored[name] = written[-1].parent
        self._left.done(scan, seconds)
        self.told(Step(scan, "restored", record=written[-1]))

    def _run(self, volume: Volume, label: str) -> Result:
        plan = make_plan(volume, self.settings)
        result = run_plan(plan, volume, _Labelled(self.meter, label), self._model(plan))
        if result.drawn < self.settings.samples:
            raise Cancelled("stopped")
        return result

    def _model(self, plan: Plan) -> Model:
        key = (plan.model, plan.device, plan.precision)
        if key not in self._models:
            card = find_card(plan.settings.model, plan.modality, plan.mode)
            self._models[key] = load(card, plan.device, plan.precision)
        return self._models[key]

    def _key(self, scan: Scan, label: str) -> str:
        """Its key; shown as a step of its own where thousands of scans may only be looked at."""
        if self._log.resumes:
            self.meter.start(1, f"{label}, looking whether it is done")
        key = key_of(scan, self.root, self._asked())
        if self._log.resumes:
            self.meter.tick()
        return key

    def _asked(self) -> dict[str, Any]:
        """What the voxels and files of a result depend on, beside the scan and the model."""
        settings = {k: v for k, v in asdict(self.settings).items() if k not in NO_VOXELS}
        reading = {k: v for k, v in asdict(self.handling).items() if k != "overwrite"}
        model = str(self.settings.model).replace("\\", "/").rstrip("/").rpartition("/")[2]
        return {**settings, **reading, "model": model}

    def _stands(self, line: Line) -> bool:
        """Whether the model is still the one that an earlier result was made with."""
        if line["state"] == "failed":
            return True
        try:
            card = find_card(self.settings.model, line["modality"], self.settings.mode)
        except ModelError:
            return False
        return bool(card.sha256 == line["model_sha256"])

    def _keep(self, scan: Scan, name: str, line: Line) -> None:
        """What an earlier batch did with a scan is what this one has done."""
        if line["state"] == "failed":
            return self._failed(name, line["reason"], scan)
        record = self.out / line["outputs"][-1]
        self._taken.add((record.parent, record.name.removesuffix(RECORD)))
        self.restored[name] = record.parent
        self.kept += 1
        known = self._parts.before(line["key"])
        self._articles.append(known or report.drawn(report.Entry(name, line["modality"])))
        self._left.done(scan)
        self.told(Step(scan, "restored", record=record))

    def _name(self, scan: Scan) -> str:
        """Path under the source; with the scan's own name where a path holds several."""
        path, number = under(scan.path, self.root), 1
        name = path
        while name in self.restored or name in self.failed:
            name = f"{path}#{scan.name}" + (f" ({number})" if number > 1 else "")
            number += 1
        return name

    def _folder(self, scan: Scan, stem: str) -> Path:
        """The mirrored folder; one of its own for a file whose stem another file there has."""
        inside = scan.path if scan.path.is_dir() else scan.path.parent
        folder = self.out / (under(inside, self.root) if inside != self.root else "")
        if (folder, stem) in self._taken:
            own = scan.path.name if scan.path.is_file() else scan.name
            folder = folder / without_uids(own)
        self._taken.add((folder, stem))
        return folder

    def _fail(self, name: str, reason: str, scan: Scan | None = None, **facts: Any) -> None:
        reason = without_uids(reason.replace(f"{self.root}/", ""))
        self._log.failed(name, reason, **facts)
        self._failed(name, reason, scan)

    def _failed(self, name: str, reason: str, scan: Scan | None) -> None:
        self.failed[name] = reason
        self._articles.append(report.drawn(report.failed(name, reason)))
        if scan is not None:
            self._left.done(scan)
            self.told(Step(scan, "failed", reason))


class _Labelled:
    """A meter that says which scan it is at."""

    def __init__(self, meter: Meter, label: str) -> None:
        self.meter, self.label = meter, label

    def start(self, total: int, label: str) -> None:
        self.meter.start(total, self.label)

    def tick(self, n: int = 1) -> None:
        self.meter.tick(n)
