"""What the dock widget decides, without Qt: preview, run, noise from a region.

The widget shows what `jobs.View` says and passes on what the user does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from medrestore.errors import MedrestoreError
from medrestore.plugin.files import reopen, save
from medrestore.plugin.jobs import Job, State, View
from medrestore.plugin.layers import to_layer
from medrestore.plugin.requests import preview_of, request_for
from medrestore.plugin.results import preview_layers, result_layers
from medrestore.plugin.run import Workbench, region_noise, restore
from medrestore.plugin.words import opened_summary, preview_summary, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.io import Scan
    from medrestore.plugin.jobs import Jobs
    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Choices, Snapshot
    from medrestore.plugin.run import Outcome, Request
    from medrestore.result import Result

__all__ = ["Actions", "Controller"]


NO_REGION = (
    "Draw a region of uniform tissue first: add a Shapes or Labels layer, draw in it, and select "
    "it in the layer list."
)
NO_RUN = "There is no run to save yet: denoise a scan first."


@dataclass(frozen=True)
class Actions:
    """What the controller asks of the widget.

    Parameters
    ----------
    add : callable
        Add result layers, bottom first, to the viewer.
    preview : callable
        Show the layers of a preview instead of the last one's.
    reopened : callable
        Add the scan of a saved run unless it is there, and the layers that the second argument
        makes of the attributes of the scan's layer.
    set_noise : callable
        Set the noise level, in the unit shown.
    """

    add: Callable[[list[LayerTuple]], object]
    preview: Callable[[list[LayerTuple]], object]
    reopened: Callable[[LayerTuple, Callable[[Mapping[str, Any]], list[LayerTuple]]], object]
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
            task = partial(restore, request, bench=self._bench)
            return Job(status, task, partial(self._restored, request))

        self.jobs.begin(prepare)

    def preview(self, scan: Snapshot | None, choices: Choices, point: tuple[float, ...]) -> None:
        """Restore the acquired slice at a place in the layer's data, or say why not."""

        def prepare() -> Job:
            request, place = preview_of(scan, choices, point)
            task = partial(restore, request, bench=self._bench)
            return Job(f"Restoring slice {place}…", task, partial(self._previewed, request, place))

        self.jobs.begin(prepare)

    def measure_noise(
        self, scan: Snapshot | None, choices: Choices, mask: NDArray[Any] | None
    ) -> None:
        """Measure the noise inside a region (i, p, l) of the layer's grid; None: none drawn."""

        def prepare() -> Job:
            request = request_for(scan, choices)
            if mask is None:
                raise MedrestoreError(NO_REGION)
            return Job("Measuring the noise…", partial(region_noise, request, mask), self._measured)

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

    def _restored(self, request: Request, outcome: Outcome) -> View:
        self.result = outcome.result
        self._actions.add(result_layers(outcome.result, request.meta))
        failed = outcome.result.guards is not None and bool(outcome.result.guards.warnings())
        return View(status=summary(outcome.result, self.jobs.cancelled), problem=failed)

    def _previewed(self, request: Request, place: int, outcome: Outcome) -> View:
        self._actions.preview(preview_layers(outcome.result, request.meta))
        return View(status=preview_summary(outcome.result, outcome.whole, place))

    def _measured(self, found: tuple[float, str]) -> View:
        value, said = found
        self._actions.set_noise(value)
        return View(status=said)

    def _saved(self, files: list[Path]) -> View:
        return View(status=f"Saved {len(files)} files and folders in {files[-1].parent}.")

    def _reopened(self, result: Result) -> View:
        self.result = result
        assert result.scan is not None
        self._actions.reopened(to_layer(result.scan), partial(result_layers, result))
        return View(status=f"Opened again: {opened_summary(result)}")
