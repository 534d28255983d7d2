"""A folder of scans in, a folder of results out: one bad scan never stops the rest."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from medrestore import io
from medrestore.api import make_plan, run_plan
from medrestore.batch import report
from medrestore.batch.destination import check_destination, check_file
from medrestore.batch.gather import gather, under
from medrestore.batch.step import Step
from medrestore.core.meter import SILENT, Meter
from medrestore.errors import Cancelled, InputError, MedrestoreError, OutputError
from medrestore.io.uids import without_uids
from medrestore.models import find_card, load
from medrestore.plan import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from medrestore.api import Result
    from medrestore.batch.gather import Gathered
    from medrestore.io.dicom.grid import Gaps
    from medrestore.models import Model
    from medrestore.plan import Plan
    from medrestore.volume import Volume

__all__ = ["Summary", "denoise_folder", "settings_shown"]


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
    """

    restored: dict[str, Path]
    failed: dict[str, str]
    skipped: dict[str, str]
    report: Path


def denoise_folder(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Meter | None = None,
    modality: str | None = None,
    gaps: Gaps = "error",
    format: str = "source",
    fallback: str | None = None,
    found: io.Scans | None = None,
    on_step: Callable[[Step], object] | None = None,
    **settings: Any,
) -> Summary:
    """Restore every scan under a folder.

    Parameters
    ----------
    source, destination : path
        Folders; the second mirrors the first. Scans under ``destination`` are not looked at.
    overwrite : bool
        Replace results of an earlier batch.
    progress : Meter, optional
        Follows each scan; may cancel.
    modality, gaps, format
        As for `read` and `Result.save`.
    fallback : "CT" or "MR", optional
        The modality of scans of which neither ``modality``, nor the file, nor the values say it.
    found : Scans, optional
        What `find` found under ``source``, if it was asked already: saves looking again.
    on_step : callable, optional
        Told in this thread when a scan is begun and what became of it; may raise ``Cancelled``.
    **settings
        As for `denoise`; ``noise`` is ``"auto"`` or a number.

    Returns
    -------
    Summary
        Also in ``batch.jsonl``, a line for each scan as it is done, and ``report.html``.

    Raises
    ------
    InputError
        If the folder does not exist or holds no scan.
    OutputError
        If the destination cannot be written.
    Cancelled
        If stopped; scans already restored are kept and reported.
    """
    root, out, meter = Path(source), Path(destination), progress or SILENT
    handling = _Handling(modality, fallback, gaps, format, overwrite)
    batch = _Batch(root, out, Settings(**settings), handling, meter, on_step or (lambda _: None))
    gathered = _gathered(root, out, meter, found)
    if not gathered.scans and not gathered.damaged:
        raise InputError(f"{root} holds no scan; `medrestore info` says why files were skipped")
    check_file(out / "batch.jsonl", overwrite)
    check_file(out / "report.html", overwrite)
    out.mkdir(parents=True, exist_ok=True)
    batch.run(gathered)
    return Summary(batch.restored, batch.failed, gathered.skipped, out / "report.html")


def settings_shown(plan: Plan) -> dict[str, object]:
    """What a page says about how a scan was restored."""
    asked = plan.settings
    unit = "HU" if plan.modality == "CT" else "a.u."
    return {
        "model": plan.model,
        "noise": f"{plan.noise.sigma:.3g} {unit}; {plan.noise.source}",
        "samples": asked.samples,
        "steps": asked.steps,
        "level": asked.level,
        "estimate": asked.estimate,
        "sampler": asked.sampler,
        "schedule": asked.schedule,
        "seed": asked.seed,
        "device": plan.device,
    }


def _gathered(root: Path, out: Path, meter: Meter, found: io.Scans | None) -> Gathered:
    if root.resolve() == out.resolve():
        raise OutputError(f"results would lie among the scans of {root}; choose another folder")
    return gather(io.find(root, meter) if found is None else found, root, out)


@dataclass(frozen=True)
class _Handling:
    """How scans are read and results are written."""

    modality: str | None
    fallback: str | None
    gaps: Gaps
    format: str
    overwrite: bool

    def read(self, scan: io.Scan) -> Volume:
        """The scan, of a modality that is known or was asked for."""
        volume = io.read(scan, self.modality, self.gaps)
        if volume.modality is None and self.fallback is not None:
            return io.read(scan, self.fallback, self.gaps)
        return volume


@dataclass
class _Batch:
    """What a batch has done so far."""

    root: Path
    out: Path
    settings: Settings
    handling: _Handling
    meter: Meter
    told: Callable[[Step], object]
    restored: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    entries: list[report.Entry] = field(default_factory=list)
    _models: dict[tuple[str, str, str], Model] = field(default_factory=dict)
    _taken: set[tuple[Path, str]] = field(default_factory=set)

    def run(self, gathered: Gathered) -> None:
        """One scan after the other; log and report are whole however it ends."""
        scans = gathered.scans
        try:
            with (self.out / "batch.jsonl").open("w", encoding="utf-8") as log:
                for name, reason in gathered.skipped.items():
                    _line(log, {"scan": name, "state": "skipped", "reason": reason})
                for name, reason in gathered.damaged.items():
                    self._fail(log, name, reason)
                for number, scan in enumerate(scans, 1):
                    self.restore(log, scan, f"{number} of {len(scans)}: {scan.name}")
        except Cancelled as error:
            done = f"{len(self.restored)} of {len(scans)} scans restored"
            raise Cancelled(f"stopped with {done}; what there is lies in {self.out}") from error
        finally:
            report.write_page(self.out / "report.html", self.entries)

    def restore(self, log: IO[str], scan: io.Scan, label: str) -> None:
        """One scan; whatever happens to it is written down, only a cancel gets out."""
        self.told(Step(scan, "begun"))
        name, before = self._name(scan), time.monotonic()
        try:
            volume = self.handling.read(scan)
            folder = self._folder(scan, volume.source.name)
            result, written = self._run(volume, folder, label)
        except Cancelled:
            raise
        except MedrestoreError as error:
            return self._fail(log, name, str(error), scan)
        except Exception as error:  # a bug or a full memory: the next scan may still be fine
            return self._fail(log, name, f"unexpected {type(error).__name__}: {error}", scan)
        seconds = time.monotonic() - before
        self.restored[name] = folder
        self.entries.append(self._entry(volume, result, seconds))
        facts = {
            "modality": result.plan.modality,
            "model": result.plan.model,
            "sigma": round(result.plan.noise.sigma, 6),
            "samples": result.drawn,
            "seconds": round(seconds, 2),
            "warnings": [*volume.warnings, *result.warnings],
            "guards": result.guards.facts() if result.guards is not None else None,
            "outputs": [under(path, self.out) for path in written],
        }
        _line(log, {"scan": name, "state": "restored", **facts})
        self.told(Step(scan, "restored", record=written[-1]))

    def _run(self, volume: Volume, folder: Path, label: str) -> tuple[Result, list[Path]]:
        handling = self.handling
        check_destination(volume, folder, format=handling.format, overwrite=handling.overwrite)
        plan = make_plan(volume, self.settings)
        result = run_plan(plan, volume, _Labelled(self.meter, label), self._model(plan))
        if result.drawn < self.settings.samples:
            raise Cancelled("stopped")
        return result, result.save(folder, handling.format, handling.overwrite)

    def _model(self, plan: Plan) -> Model:
        key = (plan.model, plan.device, plan.precision)
        if key not in self._models:
            card = find_card(plan.settings.model, plan.modality, plan.mode)
            self._models[key] = load(card, plan.device, plan.precision)
        return self._models[key]

    def _name(self, scan: io.Scan) -> str:
        """Path under the source; with the scan's own name where a path holds several."""
        name = under(scan.path, self.root)
        known = name in self.restored or name in self.failed
        return f"{name}#{scan.name}" if known else name

    def _folder(self, scan: io.Scan, stem: str) -> Path:
        """The mirrored folder; one of its own for a file whose stem another file there has."""
        inside = scan.path if scan.path.is_dir() else scan.path.parent
        folder = self.out / (under(inside, self.root) if inside != self.root else "")
        if (folder, stem) in self._taken:
            own = scan.path.name if scan.path.is_file() else scan.name
            folder = folder / without_uids(own)
        self._taken.add((folder, stem))
        return folder

    def _entry(self, volume: Volume, result: Result, seconds: float) -> report.Entry:
        layers = result.layers()
        row = {"noisy": volume, **{k: layers[k] for k in ("restored", "std", "lower", "upper")}}
        return report.entry(
            row,
            settings=settings_shown(result.plan),
            timings={"in all": seconds},
            figures={"checks": result.guards.sentence()} if result.guards is not None else None,
            warnings=result.warnings,
        )

    def _fail(self, log: IO[str], name: str, reason: str, scan: io.Scan | None = None) -> None:
        reason = without_uids(reason.replace(f"{self.root}/", ""))
        self.failed[name] = reason
        self.entries.append(report.failed(name, reason))
        _line(log, {"scan": name, "state": "failed", "reason": reason})
        if scan is not None:
            self.told(Step(scan, "failed", reason))


class _Labelled:
    """A meter that says which scan it is at."""

    def __init__(self, meter: Meter, label: str) -> None:
        self.meter, self.label = meter, label

    def start(self, total: int, label: str) -> None:
        self.meter.start(total, self.label)

    def tick(self, n: int = 1) -> None:
        self.meter.tick(n)


def _line(log: IO[str], facts: dict[str, Any]) -> None:
    log.write(json.dumps(facts, ensure_ascii=False) + "\n")
    log.flush()
