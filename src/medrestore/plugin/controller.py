"""What the dock widget knows and decides, without Qt.

The widget shows what `View` says and passes on what the user does; results and problems come back
from a worker through `progressed`, `finished` and `failed`. Nothing here raises towards the viewer:
a problem is a sentence that says what to do.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from enum import Enum
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from medrestore.errors import Cancelled, MedrestoreError
from medrestore.plugin.layers import KEY
from medrestore.plugin.results import result_layers
from medrestore.plugin.run import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.progress import Progress
    from medrestore.result import Result
    from medrestore.volume import Modality

__all__ = ["AUTO", "Choices", "Controller", "Snapshot", "State", "View", "modality_of"]

LOG = logging.getLogger(__name__)

AUTO = "auto"

NO_SCAN = (
    "Open a CT or MR scan first: File ▸ Open Files, or File ▸ Open Sample ▸ medrestore; "
    "then choose it under Scan."
)
NO_MODALITY = "This layer does not say whether it is CT or MR: choose one under Modality."


class State(Enum):
    """Where a run is."""

    IDLE = "idle"
    RUNNING = "running"
    CANCELLING = "cancelling"


@dataclass(frozen=True)
class View:
    """What the widget shows; ``problem`` marks a status that asks for something."""

    state: State = State.IDLE
    status: str = "Ready."
    problem: bool = False
    progress: Progress | None = None


@dataclass(frozen=True)
class Choices:
    """What is set in the widget, in the units shown: noise in HU (CT) or % (MR), None for auto."""

    modality: str = AUTO
    model: str = AUTO
    noise: float | None = None
    samples: int = 8
    steps: int = 2
    level_percent: float = 90
    seed: int = 0
    device: str = AUTO


class Snapshot(NamedTuple):
    """A layer as it is at this moment."""

    data: Any
    meta: Mapping[str, Any]


@dataclass(frozen=True)
class Actions:
    """What the controller asks of the widget.

    Parameters
    ----------
    launch : callable
        Start a worker on a request; the event tells it to stop.
    show : callable
        Show a view.
    add : callable
        Add result layers, bottom first, to the viewer.
    """

    launch: Callable[[Request, Event], object]
    show: Callable[[View], object]
    add: Callable[[list[LayerTuple]], object]


class Controller:
    """One run at a time, from choices to layers."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._stop = Event()
        self._source: Mapping[str, Any] = {}
        self.view = View()
        self.result: Result | None = None

    def denoise(self, scan: Snapshot | None, choices: Choices) -> None:
        """Start a run, or say why not."""
        if self.view.state is not State.IDLE:
            return
        try:
            request = request_for(scan, choices)
        except MedrestoreError as error:
            self._show(View(status=sentence(error), problem=True))
            return
        self._stop, self._source = Event(), request.meta
        self._show(View(State.RUNNING, f"Restoring {request.meta.get('name', 'the scan')}…"))
        try:
            self._actions.launch(request, self._stop)
        except Exception as error:  # whatever it is, the buttons come back
            self.failed(error)

    def cancel(self) -> None:
        """Stop at the next step, keeping what is valid by then."""
        self._stop.set()
        if self.view.state is State.RUNNING:
            status = "Cancelling after this step…"
            self._show(replace(self.view, state=State.CANCELLING, status=status))

    def abandon(self) -> None:
        """Stop and tell nobody: the widget is gone."""
        self._stop.set()
        self._actions = Actions(lambda *_: None, lambda _: None, lambda _: None)

    def progressed(self, progress: Progress) -> None:
        """A report from the run."""
        if self.view.state is not State.IDLE:
            self._show(replace(self.view, progress=progress))

    def finished(self, result: Result) -> None:
        """Add the result's layers and say what was done."""
        self.result = result
        try:
            self._actions.add(result_layers(result, self._source))
        except Exception as error:
            self.failed(error)
            return
        failed = result.guards is not None and bool(result.guards.warnings())
        self._show(View(status=summary(result, self._stop.is_set()), problem=failed))

    def failed(self, error: BaseException) -> None:
        """Say what went wrong; ready for the next run."""
        stopped = isinstance(error, Cancelled)
        if not isinstance(error, MedrestoreError):
            LOG.error("the run failed", exc_info=error)
        self._show(View(status=sentence(error), problem=not stopped))

    def _show(self, view: View) -> None:
        self.view = view
        self._actions.show(view)


def modality_of(scan: Snapshot | None, chosen: str) -> Modality | None:
    """What the user chose, else what the layer says."""
    if chosen in ("CT", "MR"):
        return cast("Modality", chosen)
    record = ((scan.meta.get("metadata") or {}).get(KEY) or {}) if scan else {}
    found = record.get("modality") if isinstance(record, dict) else None
    return found if found in ("CT", "MR") else None


def request_for(scan: Snapshot | None, choices: Choices) -> Request:
    """What to run.

    Raises
    ------
    MedrestoreError
        If no scan is chosen or its modality is unknown.
    """
    if scan is None:
        raise MedrestoreError(NO_SCAN)
    modality = modality_of(scan, choices.modality)
    if modality is None:
        raise MedrestoreError(NO_MODALITY)
    settings = asdict(choices)
    del settings["modality"]
    settings["level"] = settings.pop("level_percent") / 100
    if choices.noise is None:
        settings["noise"] = AUTO
    elif modality == "MR":
        settings["noise"] = choices.noise / 100
    return Request(scan.data, scan.meta, settings, modality)


def sentence(error: BaseException) -> str:
    """One sentence for the user."""
    if isinstance(error, Cancelled):
        return "Cancelled before the restored image was complete; nothing was added."
    if isinstance(error, MedrestoreError):
        text = str(error)
        return text[:1].upper() + text[1:].rstrip(".") + "."
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return (
            "There is not enough memory for this run: close other programs, choose CPU under "
            "Device, or crop the scan."
        )
    return (
        f"The run failed unexpectedly ({type(error).__name__}: {error}). Please report this; the "
        "details are in the terminal that started napari."
    )


def summary(result: Result, cancelled: bool) -> str:
    """What was done, in plain words."""
    plan, planned = result.plan, result.plan.settings.samples
    if cancelled and result.drawn < planned:
        done = f"Cancelled: the layers rest on {result.drawn} of {planned} samples."
        if not result.drawn:
            done = "Cancelled before the first sample: the layers rest on one evaluation alone."
    else:
        done = f"Done: {_counted(result.drawn)}, {plan.model} on {plan.device}."
    if plan.modality == "CT":
        noise = f"{plan.noise.sigma:.3g} HU"
    else:
        noise = f"{100 * plan.noise.sigma / plan.scale:.2g} % of the foreground"
    checks = (result.guards.sentence(),) if result.guards is not None else ()
    said = "".join(f" {text[:1].upper()}{text[1:]}." for text in (*checks, *result.warnings))
    return f"{done} Noise removed: {noise} ({plan.noise.source.partition(':')[0]}).{said}"


def _counted(samples: int) -> str:
    if not samples:
        return "one evaluation, no samples"
    return f"{samples} sample{'s' if samples > 1 else ''}"
