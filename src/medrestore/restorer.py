"""The one way through a run: settings → model → plan → arrays → checks → result.

Python API, command line, widget, batch and cluster workers all plan and run here.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.meter import SILENT, Meter
from medrestore.engine.checks import check
from medrestore.engine.device_check import place_of
from medrestore.engine.forecast import complete
from medrestore.engine.grid_choice import choose_grid
from medrestore.engine.memory_fallback import run_within_memory
from medrestore.engine.noise import Noise, resolve_levels, typical
from medrestore.engine.own_grid import acquired, shown, shown_checks
from medrestore.engine.resolve import resolve
from medrestore.engine.value_check import check_values, modality_of
from medrestore.errors import MedrestoreWarning
from medrestore.models.model import find_card
from medrestore.results.result import Result
from medrestore.volume import Geometry, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.grid_choice import WorkingGrid
    from medrestore.engine.noise import Level
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings

__all__ = ["RESTORER", "Restorer", "warn_of"]

POLL_S = 0.3
"""A run that waits for another one notices a cancel within this."""


class Restorer:
    """Plans runs and carries them out; each model is loaded once.

    One run at a time computes: a plan takes all the memory that is free, and a model may have to
    move to the CPU. Reading and writing need no turn.
    """

    def __init__(self) -> None:
        self._running = RLock()

    @contextmanager
    def turn(self, meter: Meter = SILENT) -> Iterator[None]:
        """Wait for other runs of this process; plan and run inside, undisturbed.

        Raises
        ------
        Cancelled
            If the meter stops it while it waits.
        """
        if not self._running.acquire(blocking=False):
            meter.start(0, "Waiting for other runs")
            while not self._running.acquire(timeout=POLL_S):
                meter.tick(0)
        try:
            yield
        finally:
            self._running.release()

    def plan(
        self,
        volume: Volume,
        settings: Settings,
        noise_map: Volume | None = None,
        model: Model | None = None,
        levels: tuple[Level, ...] | None = None,
        grid: WorkingGrid | None = None,
    ) -> Plan:
        """Decide a run: model, device, noise level, forecast of time and memory.

        The first plan for a model on a device times a small run, about a second on a CPU.

        Parameters as of `decide`; ``model`` is an engine in place of the settings' own model.

        Raises
        ------
        UnsuitableError
            If the scan's values are none that models restore (`value_check`).
        MedrestoreError
            If the settings fit neither scan nor model.
        """
        return self.forecast(self.decide(volume, settings, noise_map, levels, grid), model)

    def decide(
        self,
        volume: Volume,
        settings: Settings,
        noise_map: Volume | None = None,
        levels: tuple[Level, ...] | None = None,
        grid: WorkingGrid | None = None,
    ) -> Plan:
        """A plan without its forecast, which no network is needed for.

        Parameters
        ----------
        volume : Volume
            The scan.
        settings : Settings
            The requested settings; ``noise="map"`` goes with ``noise_map``.
        noise_map : Volume, optional
            Standard deviations on the scan's grid.
        levels : tuple of Level, optional
            Noise of this scan (`resolve_levels`), if it is resolved already.
        grid : WorkingGrid, optional
            The grid of its run (`choose_grid`), if that is chosen already.

        Raises
        ------
        UnsuitableError
            If the scan's values are none that models restore (`value_check`).
        MedrestoreError
            If the settings fit neither scan nor model.
        """
        modality = modality_of(volume)
        doubts = check_values(volume)
        card = find_card(settings.model, modality, settings.mode)
        device, precision, faults = place_of(settings.device, settings.precision, card)
        levels = levels or resolve_levels(volume, settings.noise, noise_map)
        by_time = levels if volume.is_4d else ()
        grid = grid or choose_grid(settings.grid, volume, levels, card.sigma_range[0])
        usual = typical(levels)
        plan = resolve(settings, volume, card, *usual, device, precision, by_time, grid)
        return replace(plan, warnings=(*faults, *doubts, *plan.warnings))

    def forecast(self, plan: Plan, model: Model | None = None) -> Plan:
        """A plan with its forecast, and batches that fit into the memory that is free."""
        with self.turn():
            return complete(plan, plan.card(), lambda: model or plan.load_model())

    def plan_of_size(
        self, settings: Settings, modality: str, shape: tuple[int, int, int], times: int = 1
    ) -> Plan:
        """The plan of a scan of which only the size is known: for its forecast.

        Raises
        ------
        ModelError
            If there is no such model for the modality.
        """
        card = find_card(settings.model, modality, settings.mode)
        device, precision, _ = place_of(settings.device, settings.precision, card)
        grid = shape if times == 1 else (times, *shape)
        nothing = np.broadcast_to(np.float32(0), grid)  # a scan's size without its memory
        volume = Volume(nothing, Geometry(shape, np.eye(4)), modality)
        noise = Noise(float(np.prod(card.sigma_range)) ** 0.5)
        return self.forecast(resolve(settings, volume, card, noise, 1.0, device, precision))

    def run(
        self, plan: Plan, volume: Volume, meter: Meter = SILENT, model: Model | None = None
    ) -> Result:
        """Carry out a plan and check what it gave.

        Parameters
        ----------
        plan : Plan
            From `plan`, for all slices or some.
        volume : Volume
            The scan that it was made for.
        meter : Meter
            One tick for each network evaluation of a slice; may cancel.
        model : Model, optional
            An engine in place of the plan's model.

        Raises
        ------
        Cancelled
            If stopped before anything was worth keeping; later, the result holds fewer samples.
        ResourceError
            If there is too little memory, whatever is spared.
        """
        with self.turn(meter):
            arrays, done = self.arrays(plan, volume, meter, model)
            return self.result(done, volume, arrays, model)

    def arrays(
        self, plan: Plan, volume: Volume, meter: Meter = SILENT, model: Model | None = None
    ) -> tuple[Arrays, Plan]:
        """The arrays of a run alone, and the plan as memory allowed it; raises as `run` does.

        They lie on the grid that the plan works on.
        """
        with self.turn(meter):
            worked = acquired(plan, volume)
            arrays, done = run_within_memory(*worked, model or plan.load_model(), meter)
            return arrays, plan.as_run(done)

    def result(
        self, plan: Plan, volume: Volume, arrays: Arrays, model: Model | None = None
    ) -> Result:
        """The result of arrays that were computed, checked against the scan, as that is shown."""
        with self.turn():
            model = model or plan.load_model()
            floor = model.sigma_range[0]
            checks = shown_checks(check(*acquired(plan, volume), arrays, floor), plan, volume)
        return Result.of(plan, volume, arrays, shown(arrays, plan, volume, floor), checks, model)


RESTORER = Restorer()
"""The restorer of this process."""


def warn_of(result: Result) -> Result:
    """The result, each of its warnings issued once as a `MedrestoreWarning`.

    They point at the line that called the function which calls this one. The command line, batch
    and widget show ``result.warnings`` in ways of their own instead.
    """
    for text in dict.fromkeys(result.warnings):
        warnings.warn(text, MedrestoreWarning, stacklevel=3)
    return result
