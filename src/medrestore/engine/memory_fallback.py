"""Going on with less when memory runs out: smaller batches first, then the CPU.

`MemoryFallback` stands in for the engine that it wraps, so the pipeline never hears of memory. Its
`notes` go into the record of the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch

from medrestore.core.predictor import Condition, Prediction
from medrestore.devices import empty_cache, out_of_memory, windows_at_once
from medrestore.engine.pipeline import run
from medrestore.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.meter import Meter
    from medrestore.core.tiles import Windows
    from medrestore.engine.arrays import Arrays
    from medrestore.engine.plan import Plan
    from medrestore.engine.protocol import Engine
    from medrestore.volume import Volume

    class Movable(Engine, Protocol):
        """An engine that can go to another device."""

        device: str

        def to(self, device: str) -> None:
            """Move the networks."""


__all__ = ["MemoryFallback", "run_within_memory"]

T = TypeVar("T")


def run_within_memory(
    plan: Plan, volume: Volume, model: Movable, meter: Meter
) -> tuple[Arrays, Plan]:
    """Run a plan with what memory allows; the plan that comes back says what that was.

    Raises
    ------
    ResourceError
        If the CPU has not enough memory either.
    """
    if model.device != plan.device:  # an earlier run may have had to leave it
        model.to(plan.device)
    engine = MemoryFallback(model, plan.slab, plan.batch)
    try:
        arrays = run(plan, volume, engine, meter)
    except Exception as error:
        if not out_of_memory(error):
            raise
        if plan.device == "cpu":
            raise ResourceError(
                "there is not enough memory to hold this run; close other programs, crop the scan "
                "or keep no samples"
            ) from error
    else:
        warnings = plan.warnings + engine.notes
        done = replace(
            plan, device=engine.device, slab=engine.slab, batch=engine.batch, warnings=warnings
        )
        return arrays, done
    note = f"memory ran out on {plan.device}: the run was done again on cpu"
    batch, warnings = windows_at_once("cpu"), (*plan.warnings, note)
    smaller = replace(plan, device="cpu", slab=1, batch=batch, warnings=warnings)
    return run_within_memory(smaller, volume, model, meter)


class MemoryFallback:
    """An engine that repeats what did not fit, with less at once.

    Parameters
    ----------
    engine : Movable
        The loaded model.
    slab, batch : int
        Slices (stacks, where those are read together) and windows of the refiner evaluated at
        once, to begin with.

    Raises
    ------
    ResourceError
        When one window on the CPU is still too much.
    """

    def __init__(self, engine: Movable, slab: int, batch: int) -> None:
        self._engine = engine
        self._begun = (slab, batch, engine.device)
        self.slab, self.batch, self.device = self._begun

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @property
    def notes(self) -> tuple[str, ...]:
        """Changes made on the way, for people to read."""
        slab, batch, device = self._begun
        found = []
        if self.device != device:
            found.append(f"memory ran out on {device}: the run went on on {self.device}")
        elif (self.slab, self.batch) != (slab, batch):
            found.append(
                f"memory ran out: {self.slab} instead of {slab} slices and {self.batch} instead "
                f"of {batch} windows were evaluated at once"
            )
        return tuple(found)

    def predict(self, c: Condition) -> Prediction:
        """μ and log s; of a part of the batch at a time where the whole does not fit."""
        depth = self._engine.windows(len(c.y)).window
        origin = c.y.device

        def attempt() -> Prediction:
            size = self.slab * depth
            parts = [
                self._engine.predict(self._share(c, slice(first, first + size)))
                for first in range(0, len(c.y), size)
            ]
            mu, log_s = (torch.cat(maps).to(origin) for maps in zip(*parts, strict=True))
            return Prediction(mu, log_s)

        return self._until_it_fits(attempt, "slab")

    def denoiser(
        self, batch: int, windows: Windows, slices: Sequence[int], stride: int = 0
    ) -> Denoiser:
        """The refiner; ``batch`` windows at once, or as many as have fitted so far."""

        def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
            def attempt() -> Tensor:
                refine = self._engine.denoiser(min(batch, self.batch), windows, slices, stride)
                r_hat = refine(self._send(z_t), t, self._send(condition))
                return r_hat.to(z_t.device)

            return self._until_it_fits(attempt, "batch")

        return denoise

    def decode(self, z: Tensor, condition: Tensor, shape: tuple[int, int], batch: int) -> Tensor:
        """Decode a sampled state; ``batch`` windows at once, or as many as have fitted."""

        def attempt() -> Tensor:
            at_once = min(batch, self.batch)
            made = self._engine.decode(self._send(z), self._send(condition), shape, at_once)
            return made.to(z.device)

        return self._until_it_fits(attempt, "batch")

    def _until_it_fits(self, attempt: Callable[[], T], what: str) -> T:
        while True:
            try:
                return attempt()
            except Exception as error:
                if not out_of_memory(error):
                    raise
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._spare(what, reason)  # out here the traceback no longer holds the tensors

    def _spare(self, what: str, reason: str) -> None:
        empty_cache()
        at_once = int(getattr(self, what))
        if at_once > 1:
            setattr(self, what, at_once // 2)
        elif self.device != "cpu":
            self._engine.to("cpu")
            self.device = "cpu"
            self.slab, self.batch = 1, min(windows_at_once("cpu"), self._begun[1])
        else:
            raise ResourceError(
                f"there is not enough memory to restore even one window ({reason}); close other "
                "programs or crop the scan"
            )

    def _share(self, c: Condition, part: slice) -> Condition:
        """Some entries of a batch; what is the same for all of them stays whole."""
        y, sigma, scale = (self._send(a if len(a) == 1 else a[part]) for a in c)
        return Condition(y, sigma, scale)

    def _send(self, tensor: Tensor) -> Tensor:
        return tensor if self.device == self._begun[2] else tensor.to(self.device)
