"""What the dock widget decides, without Qt: preview, run, noise from a region.

The widget shows what `jobs.View` says and passes on what the user does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from medrestore.errors import MedrestoreError
from medrestore.plugin.drawn import NO_REGION
from medrestore.plugin.files import reopen, save
from medrestore.plugin.jobs import Job, State, View
from medrestore.plugin.layers import to_layer
from medrestore.plugin.requests import preview_of, request_for
from medrestore.plugin.results import preview_layers, result_layers
from medrestore.plugin.run import Workbench, region_noise, restore
from medrestore.plugin.words import opened_summary, preview_summary, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from pathlib import Path

    from medrestore.core.meter import Meter
    from medrestore.io import Scan
    from medrestore.plugin.drawn import Drawing
    from medrestore.plugin.jobs import Jobs, Turns
    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Choices, Snapshot
    from medrestore.plugin.run import Outcome, Request
    from medrestore.result import Result

    LayersOf = Callable[[Result, Mapping[str, Any]], list[LayerTuple]]

__all__ = ["Actions", "Controller"]


NO_RUN = "There is no run to save yet: denoise a scan first."


@dataclass(frozen=True)
class Actions:
    """What the controller asks of the widget.

    Those that add layers are generators: the window lives after each layer.

    Parameters
    ----------
    add : callable
        Add result layers, bottom first, to the viewer; returns a sentence on what became of the
        scan meanwhile, empty if nothing did.
    preview : callable
        Show the layers of a preview instead of the last one's.
    reopened : callable
        Add the scan of a saved run unless it is there, and the layers that the second argument
        makes of the attributes of the scan's layer.
    set_noise : callable
        Set the noise level, in the unit shown.
    """

    add: Callable[[list[LayerTuple]], Generator[None, None, str]]
    preview: Callable[[list[LayerTuple]], Iterable[None]]
    reopened: Callable[
        [LayerTuple, Callable[[Mapping[str, Any]], list[LayerTuple]]], Iterable[None]
    ]
    set_noise: Callable[[float], object]


class Controller:
    """From choices to layers; ``jobs`` runs what takes time."""

    def __init__(self, jobs: Jobs, actions: Actions) -> None:
        self.jobs, self._actions = jobs, actions
        self._bench = Workbench()
        self.result: Result | None = None

    def denoise(self, scan: Snapshot | None, choices: Choices) -> None:
        """Start a run, or say why not."""

        def prepare() -> Job:
            request = request_for(scan, choices)
            status = f"Restoring {request.meta.get('name', 'the scan')}…"
            return Job(
                status, partial(_restored, request, result_layers, self._bench), self._restored
            )

        self.jobs.begin(prepare)

    def preview(self, scan: Snapshot | None, choices: Choices, point: tuple[float, ...]) -> None:
        """Restore the acquired slice at a place in the layer's data, or say why not."""

        def prepare() -> Job:
            request, place = preview_of(scan, choices, point)
            task = partial(_restored, request, preview_layers, self._bench)
            return Job(f"Restoring slice {place}…", task, partial(self._previewed, place))

        self.jobs.begin(prepare)

    def measure_noise(
        self, scan: Snapshot | None, choices: Choices, drawing: Drawing | None
    ) -> None:
        """Measure the noise inside the regions of a drawing; None: there is none."""

        def prepare() -> Job:
            request = request_for(scan, choices)
            if drawing is None:
                raise MedrestoreError(NO_REGION)
            task = partial(region_noise, request, drawing)
            return Job("Measuring the noise…", task, self._measured)

        self.jobs.begin(prepare)

    def save(self, folder: Path) -> None:
        """Save the last run into a folder."""

        def prepare() -> Job:
            if self.result is None:
                raise MedrestoreError(NO_RUN)
            return Job("Saving…", partial(save, self.result, folder), self._saved)

        self.jobs.begin(prepare)

    def reopen(self, record: Path, scan: Snapshot | Scan | None) -> None:
        """Open a saved run; its scan is known, beside the record, or the chosen layer's file."""

        def prepare() -> Job:
            return Job(f"Opening {record.name}…", partial(reopen, record, scan), self._reopened)

        self.jobs.begin(prepare)

    def say(self, text: str) -> None:
        """Say something when nothing is running."""
        if self.jobs.view.state is State.IDLE:
            self.jobs.show(View(status=text))

    def _restored(self, found: tuple[Outcome, list[LayerTuple]]) -> Turns:
        outcome, layers = found
        self.result = outcome.result
        said = summary(outcome.result, self.jobs.cancelled)
        changed = yield from self._actions.add(layers)
        failed = outcome.result.guards is not None and bool(outcome.result.guards.warnings())
        return View(status=f"{said} {changed}".rstrip(), problem=failed)

    def _previewed(self, place: int, found: tuple[Outcome, list[LayerTuple]]) -> Turns:
        outcome, layers = found
        yield from self._actions.preview(layers)
        return View(status=preview_summary(outcome.result, outcome.whole, place))

    def _measured(self, found: tuple[float, str]) -> View:
        value, said = found
        self._actions.set_noise(value)
        return View(status=said)

    def _saved(self, files: list[Path]) -> View:
        return View(status=f"Saved {len(files)} files and folders in {files[-1].parent}.")

    def _reopened(self, result: Result) -> Turns:
        self.result = result
        assert result.scan is not None
        yield from self._actions.reopened(to_layer(result.scan), partial(result_layers, result))
        return View(status=f"Opened again: {opened_summary(result)}")


def _restored(
    request: Request, layers_of: LayersOf, bench: Workbench, meter: Meter
) -> tuple[Outcome, list[LayerTuple]]:
    """A run and its layers, made in the worker's thread."""
    outcome = restore(request, meter, bench)
    return outcome, layers_of(outcome.result, request.meta)
