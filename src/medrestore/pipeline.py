"""The story of a run: predictor, samples, posterior maps; streamed slice by slice.

Pass 1 predicts μ and s of every slice. Pass 2 evaluates the refiner once at t = π/2, where z
carries no information. Pass 3 draws the samples one after the other and keeps running moments
only. A run that is cancelled in pass 3 is valid with the samples it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from medrestore.core.meter import SILENT, Meter
from medrestore.core.neighbours import neighbours
from medrestore.core.noise_field import NoiseField
from medrestore.core.padding import ct_padding
from medrestore.core.posterior import Moments, interval, total_std
from medrestore.core.predictor import Condition, Prediction
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample, shared_start
from medrestore.core.spectrum import kernel_of
from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.calibration import Intervals
    from medrestore.core.denoiser import Denoiser
    from medrestore.core.spectrum import Spectra
    from medrestore.plan import Plan
    from medrestore.volume import Volume

__all__ = ["Arrays", "Engine", "run"]


class Engine(Protocol):
    """What the pipeline needs of a model; `models.Model` is one."""

    slices: int
    sigma_range: tuple[float, float]
    spectra: Spectra

    def predict(self, c: Condition) -> Prediction:
        """μ and log s of whole slices."""

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """What the refiner is told."""

    def denoiser(self, batch: int) -> Denoiser:
        """The refiner over slices of any size."""

    def intervals(self, method: str) -> Intervals:
        """Calibrated factors of ``"predictor"`` or ``"sampler:steps"``."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """What a run makes; each (z, y, x) or (t, z, y, x), for the plan's slices.

    ``samples`` is (k, …) or None; ``drawn`` is the number of samples that the maps rest on, fewer
    than asked for after a cancel; ``mu`` and ``s`` are the predictor's own.
    """

    restored: NDArray[np.float32]
    std: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    samples: NDArray[np.float32] | None
    mu: NDArray[np.float32]
    s: NDArray[np.float32]
    drawn: int


def run(plan: Plan, volume: Volume, engine: Engine, meter: Meter = SILENT) -> Arrays:
    """Restore a scan as planned.

    Parameters
    ----------
    plan : Plan
        From `plan.resolve`.
    volume : Volume
        The scan the plan was made for.
    engine : Engine
        The loaded model.
    meter : Meter
        One tick per network evaluation of a slice; may raise ``Cancelled``.

    Raises
    ------
    Cancelled
        If stopped before the restored image was complete; later, the samples drawn so far are
        returned.
    """
    frames = volume.array if volume.is_4d else volume.array[None]
    meter.start(plan.evaluations, "Restoring")
    positions = volume.geometry.slice_positions_mm
    parts = [
        _Frame(plan, frame, t, engine, meter, positions).restore() for t, frame in enumerate(frames)
    ]
    if not volume.is_4d:
        return parts[0]
    drawn = min(part.drawn for part in parts)
    samples = [part.samples[:drawn] for part in parts if part.samples is not None]
    return Arrays(
        restored=np.stack([part.restored for part in parts]),
        std=np.stack([part.std for part in parts]),
        lower=np.stack([part.lower for part in parts]),
        upper=np.stack([part.upper for part in parts]),
        samples=np.stack(samples, axis=1) if samples else None,
        mu=np.stack([part.mu for part in parts]),
        s=np.stack([part.s for part in parts]),
        drawn=drawn,
    )


class _Drawn:
    """What is remembered of the samples, in units of s."""

    def __init__(self) -> None:
        self.predictions, self.residuals = Moments(), Moments()
        self.first: NDArray[np.float32] = np.zeros(1, np.float32)
        self.kept: list[NDArray[np.float32]] = []

    @property
    def n(self) -> int:
        return self.predictions.n

    def add(self, r: NDArray[np.float32], r_hat: NDArray[np.float32], keep: bool) -> None:
        if self.n == 0:
            self.first = r
        self.predictions.add(r_hat)
        self.residuals.add(r)
        if keep:
            self.kept.append(r)


def _at_least(array: NDArray[np.float32], lowest: float | None) -> NDArray[np.float32]:
    return array if lowest is None else np.maximum(array, np.float32(lowest))


class _Frame:
    """One 3-D volume on its way through the passes."""

    def __init__(
        self,
        plan: Plan,
        frame: NDArray[np.float32],
        t: int,
        engine: Engine,
        meter: Meter,
        positions: tuple[float, ...] | None,
    ) -> None:
        self.positions = positions
        self.plan, self.t, self.engine, self.meter = plan, t, engine, meter
        self.original = frame
        invalid = ~np.isfinite(frame)
        if plan.modality == "CT":
            invalid |= ct_padding(frame)  # passed through
        fill = -1000.0 if plan.modality == "CT" else 0.0
        self.y = np.where(invalid, np.float32(fill), frame) if invalid.any() else frame
        self.invalid = invalid
        self.floor = np.float32(engine.sigma_range[0] * plan.scale)
        self.kernel = lru_cache(maxsize=None)(lambda angle: kernel_of(engine.spectra.at(angle)))

    def restore(self) -> Arrays:
        """All passes."""
        predictions = [self._predict(z) for z in self.plan.chosen]
        self.mu, self.s = (np.stack(maps) for maps in zip(*predictions, strict=True))
        settings = self.plan.settings
        drawn = _Drawn()
        try:
            starts = self._starts() if settings.samples and settings.steps > 1 else None
            for k in range(settings.samples):
                drawn.add(*self._sample(k, starts), keep=settings.keep_samples)
        except Cancelled:
            if self.plan.times > 1:
                raise
        return self._finish(drawn)

    def _condition(self, z: int) -> Condition:
        index = neighbours(z, self.engine.slices, len(self.y), self.positions)
        device = self.plan.device
        return Condition(
            torch.from_numpy(self.y[index])[None].to(device),
            torch.from_numpy(np.maximum(self._sigma(z), 0.1 * self.floor))[None, None].to(device),
            torch.full((1, 1, 1, 1), self.plan.scale, device=device),
        )

    def _sigma(self, z: int) -> NDArray[np.float32]:
        if self.plan.noise.map is None:
            return np.full(self.plan.shape[1:], self.plan.noise.sigma, np.float32)
        return np.asarray(np.nan_to_num(self.plan.noise.map[z], nan=0.0))

    @torch.inference_mode()
    def _predict(self, z: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        prediction = self.engine.predict(self._condition(z))
        self.meter.tick()
        mu, s = (a[0, 0].cpu().numpy() for a in (prediction.mu, prediction.log_s.exp()))
        if self.plan.modality == "MR":
            mu = np.maximum(mu, 0)
        sigma = self._sigma(z)
        untouched = sigma < self.floor  # too little noise for the model: the scan as it is
        return np.where(untouched, self.y[z], mu), np.where(untouched, sigma, s)

    def _field(self, k: int, z: int) -> NoiseField:
        shape = self.plan.shape[1:]
        return NoiseField(self.plan.settings.seed, [(k, z)], shape, self.t, self.plan.device)

    @torch.inference_mode()
    def _starts(self) -> list[Tensor]:
        denoiser, found = self.engine.denoiser(self.plan.batch), []
        for i, z in enumerate(self.plan.chosen):
            found.append(shared_start(denoiser, self._seen(i, z), self._field(0, z)).cpu())
            self.meter.tick()
        return found

    def _seen(self, i: int, z: int) -> Tensor:
        mu, s = (torch.from_numpy(a[i])[None, None].to(self.plan.device) for a in (self.mu, self.s))
        c = self._condition(z)
        return self.engine.condition(c, Prediction(mu, torch.maximum(s, 0.05 * c.sigma).log()))

    @torch.inference_mode()
    def _sample(
        self, k: int, starts: list[Tensor] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Residual and last prediction of sample ``k``, both (z, y, x), in units of s."""
        settings, rs, r_hats = self.plan.settings, [], []
        step = SAMPLERS[settings.sampler]
        denoiser = self.engine.denoiser(self.plan.batch)
        for i, z in enumerate(self.plan.chosen):
            field = self._field(k, z)
            if starts is None:  # one step: Gaussian samples around μ, no evaluation
                r = field.coloured(0, self.kernel(np.pi / 2))
                r_hat = torch.zeros_like(r)
            else:
                r, r_hat = sample(
                    step,
                    denoiser,
                    self._seen(i, z),
                    field,
                    self.kernel,
                    settings.steps,
                    start=starts[i].to(self.plan.device),
                    meter=self.meter,
                )
            rs.append(r[0, 0].cpu().numpy())
            r_hats.append(r_hat[0, 0].cpu().numpy())
        return np.stack(rs), np.stack(r_hats)

    def _finish(self, drawn: _Drawn) -> Arrays:
        plan, settings, mu, s = self.plan, self.plan.settings, self.mu, self.s
        method, std, lowest = "predictor", s, 0.0 if self.plan.modality == "MR" else None
        sigma = np.stack([self._sigma(z) for z in plan.chosen])
        if drawn.n:
            method = f"{settings.sampler}:{settings.steps}"
            left = self.engine.spectra.at(np.pi / 2 / settings.steps).variance
            std = np.where(sigma < self.floor, s, total_std(s, drawn.predictions, left))
        factor = self.engine.intervals(method).factor(settings.level, sigma / plan.scale)
        lower, upper = interval(mu, std, factor, lowest)
        residual = {"sample": drawn.first, "posterior-mean": drawn.residuals.mean}
        restored = mu
        if drawn.n and settings.estimate in residual:
            restored = _at_least(mu + s * residual[settings.estimate], lowest)
        samples = None
        if drawn.kept:
            samples = _at_least(mu + s * np.stack(drawn.kept), lowest)
        return self._unmask(Arrays(restored, std, lower, upper, samples, mu, s, drawn.n))

    def _unmask(self, arrays: Arrays) -> Arrays:
        """Voxels that were no measurement come back as they were; their std is NaN or 0."""
        invalid = self.invalid[list(self.plan.chosen)]
        if not invalid.any():
            return arrays
        original = self.original[list(self.plan.chosen)]
        zero = np.where(np.isnan(original), np.nan, 0).astype(np.float32)
        samples = arrays.samples
        return Arrays(
            restored=np.where(invalid, original, arrays.restored),
            std=np.where(invalid, zero, arrays.std),
            lower=np.where(invalid, original, arrays.lower),
            upper=np.where(invalid, original, arrays.upper),
            samples=None if samples is None else np.where(invalid, original, samples),
            mu=np.where(invalid, original, arrays.mu),
            s=np.where(invalid, zero, arrays.s),
            drawn=arrays.drawn,
        )
