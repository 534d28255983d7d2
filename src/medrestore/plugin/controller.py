"""Decisions of the dock widget, without Qt: preview, run, noise from a region.

The widget shows what `jobs.StatusView` says and passes on what the user does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from medrestore.errors import MedrestoreError
from medrestore.plugin.drawings import NO_REGION
from medrestore.plugin.jobs import PanelJob, State, StatusView
from medrestore.plugin.layers import to_layer
from medrestore.plugin.messages import opened_summary, preview_summary, summary
from medrestore.plugin.requests import on_display, preview_of, request_for
from medrestore.plugin.result_layers import preview_layers, result_layers
from medrestore.plugin.run import PreviewCache, forecast, region_noise, restore
from medrestore.plugin.saved_runs import Missing, reopen, save

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from pathlib import Path

    from medrestore.core.meter import Meter
    from medrestore.errors import MissingScanError
    from medrestore.io import Scan
    from medrestore.plugin.drawings import Drawing
    from medrestore.plugin.jobs import Jobs, RunMeter, Turns
    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Choices, Snapshot
    from medrestore.plugin.run import Outcome, Request
    from medrestore.plugin.saved_runs import Reopened
    from medrestore.results.result import Result

    LayersOf = Callable[[Result, Mapping[str, Any]], list[LayerTuple]]

__all__ = ["Actions", "Controller"]


NO_RUN = "There is no run to save yet: denoise a scan first."


@dataclass(frozen=True)
class Actions:
    """Callbacks into the widget.

    Those that add layers are generators: the window lives after each layer.

    Parameters
    ----------
    add : callable
        Add a run's layers, bottom first, to the viewer; returns a sentence on what became of the
        scan meanwhile, empty if nothing did.
    preview : callable
        Show the layers of a preview instead of the last one's; returns a sentence on what became
        of the view, empty if nothing did.
    reopened : callable
        Add the scan of a saved run unless it is there, and the layers that the last argument
        makes of the attributes of the scan's layer.
    set_noise : callable
        Set the noise level, in the scan's own unit.
    ask_scan : callable
        Ask where the scan of a run is, given what is wrong; None if nobody knows.
    """

    add: Callable[[Result, list[LayerTuple]], Generator[None, None, str]]
    preview: Callable[[list[LayerTuple]], Generator[None, None, str]]
    reopened: Callable[
        [Result, LayerTuple, Callable[[Mapping[str, Any]], list[LayerTuple]]], Iterable[None]
    ]
    set_noise: Callable[[float], object]
    ask_scan: Callable[[MissingScanError], Path | None]


class Controller:
    """From choices to layers; ``jobs`` runs what takes time."""

    def __init__(self, jobs: Jobs, actions: Actions) -> None:
        self.jobs, self._actions = jobs, actions
        self._cache = PreviewCache()
        self.result: Result | None = None

    def denoise(self, scan: Snapshot | None, choices: Choices) -> None:
        """Start a run, or say why not."""

        def prepare() -> PanelJob:
            request = request_for(scan, choices)
            status = f"Restoring {request.meta.get('name', 'the scan')}…"
            return PanelJob(
                status, partial(_restored, request, result_layers, self._cache), self._restored
            )

        self.jobs.begin(prepare)

    def preview(self, scan: Snapshot | None, choices: Choices, point: tuple[float, ...]) -> None:
        """Restore the acquired slice at a place in the layer's data, or say why not."""

        def prepare() -> PanelJob:
            request, shown = preview_of(scan, choices, point)
            view = _PreviewView(self._actions)
            task = partial(_previewed, request, self._cache)
            then = partial(self._previewed, shown, view)
            return PanelJob(f"Restoring {shown}…", task, then, view.show)

        self.jobs.begin(prepare)

    def measure_noise(
        self,
        scan: Snapshot | None,
        choices: Choices,
        drawing: Drawing | None,
        point: tuple[float, ...] = (),
    ) -> None:
        """Measure the noise inside the regions of a drawing; None: there is none.

        Of a series in time, in the time point at ``point``, as `preview` takes it.
        """

        def prepare() -> PanelJob:
            request = on_display(request_for(scan, choices), point)
            if drawing is None:
                raise MedrestoreError(NO_REGION)
            task = partial(region_noise, request, drawing)
            return PanelJob("Measuring the noise…", task, self._measured)

        self.jobs.begin(prepare)

    def save(self, folder: Path, format: str = "source", result: Result | None = None) -> None:
        """Save a run, the last one by default, into a folder, in one of `naming.offered`."""
        wanted = result or self.result

        def prepare() -> PanelJob:
            if wanted is None:
                raise MedrestoreError(NO_RUN)
            return PanelJob("Saving…", partial(save, wanted, folder, format), self._saved)

        self.jobs.begin(prepare)

    def reopen(self, record: Path, *scans: Snapshot | Scan) -> None:
        """Open a saved run, whose scan is beside its record, one of these, or asked for."""
        self.jobs.begin(partial(self._opening, record, scans))

    def say(self, text: str, problem: bool = False) -> None:
        """Say something when nothing is running."""
        if self.jobs.view.state is State.IDLE:
            self.jobs.show(StatusView(status=text, problem=problem))

    def _restored(self, found: tuple[Outcome, list[LayerTuple]]) -> Turns:
        outcome, layers = found
        self.result = outcome.result
        said = summary(outcome.result, self.jobs.cancelled)
        changed = yield from self._actions.add(outcome.result, layers)
        failed = outcome.result.guards is not None and bool(outcome.result.guards.warnings())
        return StatusView(status=f"{said} {changed}".rstrip(), problem=failed)

    def _previewed(
        self, shown: str, view: _PreviewView, found: tuple[Outcome, list[LayerTuple]]
    ) -> Turns:
        outcome, layers = found
        said = preview_summary(outcome.result, outcome.planned, shown)
        yield from view.show(layers)
        while view.turned is None:
            yield
        return StatusView(status=f"{said} {view.turned}".rstrip())

    def _measured(self, found: tuple[float, str]) -> StatusView:
        value, said = found
        self._actions.set_noise(value)
        return StatusView(status=said)

    def _saved(self, files: list[Path]) -> StatusView:
        return StatusView(status=f"Saved {len(files)} files and folders in {files[-1].parent}.")

    def _opening(self, record: Path, scans: tuple[Snapshot | Scan | Path, ...]) -> PanelJob:
        task = partial(reopen, record, scans)
        return PanelJob(f"Opening {record.name}…", task, partial(self._opened, record))

    def _opened(self, record: Path, found: Reopened | Missing) -> Turns | PanelJob:
        if not isinstance(found, Missing):
            return self._reopened(found)
        place = self._actions.ask_scan(found.error)
        if place is None:
            raise found.error
        return self._opening(record, (place,))

    def _reopened(self, found: Reopened) -> Turns:
        result = self.result = found.result
        assert result.scan is not None
        made = partial(result_layers, result, spread=found.spread)
        yield from self._actions.reopened(result, to_layer(result.scan), made)
        return StatusView(status=f"Opened again: {opened_summary(result)}")


class _PreviewView:
    """The layers of a preview, shown once: while its run is still being forecast, or after."""

    def __init__(self, actions: Actions) -> None:
        self._actions, self._begun = actions, False
        self.turned: str | None = None

    def show(self, layers: list[LayerTuple]) -> Generator[None, None, None]:
        """Show them, unless that is done; ``turned`` is what became of the view."""
        if self._begun:
            return
        self._begun, turned = True, ""
        try:
            turned = yield from self._actions.preview(layers)
        finally:
            self.turned = turned


def _previewed(
    request: Request, cache: PreviewCache, meter: RunMeter
) -> tuple[Outcome, list[LayerTuple]]:
    """A preview, whose layers are told as soon as they are there, and its run's forecast."""
    outcome = restore(request, meter, cache)
    layers = preview_layers(outcome.result, request.meta)
    meter.tell(layers)
    return forecast(request, outcome, meter), layers


def _restored(
    request: Request, layers_of: LayersOf, cache: PreviewCache, meter: Meter
) -> tuple[Outcome, list[LayerTuple]]:
    """A run and its layers, made in the worker's thread."""
    outcome = restore(request, meter, cache)
    return outcome, layers_of(outcome.result, request.meta)
