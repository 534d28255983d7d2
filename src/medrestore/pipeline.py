"""The story of a run: predictor, samples, posterior maps; streamed slab by slab.

Pass 1 predicts μ and s of every slice. Pass 2 evaluates the refiner once at t = π/2, where z
carries no information. Pass 3 draws the samples one after the other and keeps running moments
only. A run that is cancelled in pass 3 is valid with the samples it holds.

A slab is a batch of slices. In a slice model they have nothing to do with each other; a 3-D model
reads windows of several, so its slab holds every slice that the wanted ones depend on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.evaluations import evaluations, shares_start, without_network
from medrestore.core.intensity import foreground
from medrestore.core.meter import SILENT, Meter
from medrestore.core.neighbours import neighbours
from medrestore.core.noise_field import NoiseField
from medrestore.core.padding import ct_padding
from medrestore.core.posterior import Moments, interval, total_std
from medrestore.core.predictor import Condition, Prediction
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample, shared_start
from medrestore.core.schedules import angles
from medrestore.core.spectra import mean_ratio
from medrestore.core.windows import taper
from medrestore.engine import Arrays, Engine
from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.denoiser import Denoiser
    from medrestore.core.spectrum import Kernel
    from medrestore.plan import Plan
    from medrestore.volume import Volume

__all__ = ["TOLD_BYTES", "run"]

TOLD_BYTES = 256 * 2**20
"""Conditions of the refiner that are kept between samples; the rest is computed again."""


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
    return Arrays.stacked(parts) if volume.is_4d else parts[0]


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
        asked = plan.settings
        self.last = angles(asked.steps, asked.schedule)[-2]
        self.spectra = engine.spectra.of(asked.method, self.last)
        self.windows = engine.windows(len(frame))
        in_a_row = evaluations(asked.sampler, asked.steps) if asked.samples else 0
        self.needed = self.windows.reach(plan.chosen, in_a_row)
        row_of = {z: row for row, z in enumerate(self.needed)}
        self.rows = [row_of[z] for z in plan.chosen]
        self.slabs = self._slabs()
        self.told: dict[int, Tensor] = {}

    def restore(self) -> Arrays:
        """All passes."""
        self.mu, self.s = self._predict()
        self.ratios = [self._ratio(row) for row in range(len(self.needed))]
        settings = self.plan.settings
        drawn = _Drawn()
        try:
            shared = bool(settings.samples) and shares_start(settings.sampler, settings.steps)
            starts = self._starts() if shared else None
            for k in range(settings.samples):
                drawn.add(*self._sample(k, starts), keep=settings.keep_samples)
        except Cancelled:
            if self.plan.times > 1:
                raise
        chosen = list(self.plan.chosen)
        return self._finish(drawn).unmasked(self.invalid[chosen], self.original[chosen])

    def _slabs(self) -> list[range]:
        """Rows of `needed` that the sampler takes at once."""
        n = len(self.needed)
        size = n if self.windows.window > 1 else self.plan.slab
        return [range(first, min(first + size, n)) for first in range(0, n, size)]

    def _condition(self, slices: Sequence[int]) -> Condition:
        index = [neighbours(z, self.engine.slices, len(self.y), self.positions) for z in slices]
        device, sigma = self.plan.device, np.stack([self._sigma(z) for z in slices])
        return Condition(
            torch.from_numpy(self.y[index]).to(device),
            torch.from_numpy(np.maximum(sigma, 0.1 * self.floor))[:, None].to(device),
            torch.full((1, 1, 1, 1), self.plan.scale, device=device),
        )

    def _sigma(self, z: int) -> NDArray[np.float32]:
        if self.plan.noise.map is None:
            return np.full(self.plan.shape[1:], self.plan.noise.sigma, np.float32)
        return np.asarray(np.nan_to_num(self.plan.noise.map[z], nan=0.0))

    @torch.inference_mode()
    def _predict(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """μ and s of the needed slices, blended over the windows that hold them."""
        shape = (len(self.needed), *self.plan.shape[1:])
        mu, log_s = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        norm = np.zeros(len(self.needed), np.float32)
        share = taper(self.windows.window).numpy()
        row_of = {z: row for row, z in enumerate(self.needed)}
        first = self.windows.covering(self.needed)
        size = self.plan.slab if self.windows.window == 1 else 1
        for chunk in (first[i : i + size] for i in range(0, len(first), size)):
            slices = [z for a in chunk for z in self.windows.inside(a)]
            prediction = self.engine.predict(self._condition(slices))
            maps = [part[:, 0].cpu().numpy() for part in prediction]
            self.meter.tick(sum(norm[row_of[z]] == 0 for z in row_of.keys() & set(slices)))
            for i, z in enumerate(slices):
                if z in row_of and (i == 0 or z != slices[i - 1]):
                    weight = share[i % len(share)]
                    mu[row_of[z]] += weight * maps[0][i]
                    log_s[row_of[z]] += weight * maps[1][i]
                    norm[row_of[z]] += weight
        mu, log_s = (a / norm[:, None, None] for a in (mu, log_s))
        if self.plan.modality == "MR":
            mu = np.maximum(mu, 0)
        sigma = np.stack([self._sigma(z) for z in self.needed])
        untouched = sigma < self.floor  # too little noise for the model: the scan as it is
        y = self.y[list(self.needed)]
        return np.where(untouched, y, mu), np.where(untouched, sigma, np.exp(log_s))

    def _ratio(self, row: int) -> float:
        """Mean s²/σ² of a slice: what its texture is indexed by."""
        z, plan = self.needed[row], self.plan
        sigma = np.where(self.invalid[z], 0, self._sigma(z))
        inside = foreground(self.mu[row], plan.modality, plan.scale)
        return mean_ratio(self.s[row], np.where(sigma < self.floor, 0, sigma), inside)

    def _kernel(self, rows: Sequence[int]) -> Callable[[float], Kernel]:
        """Angle → kernels of the dropped covariance, one for each slice of a slab."""
        ratios = [self.ratios[row] for row in rows]
        return lambda angle: self.spectra.kernels(angle, ratios)

    def _field(self, k: int, rows: Sequence[int]) -> NoiseField:
        pairs = [(k, self.needed[row]) for row in rows]
        shape = self.plan.shape[1:]
        return NoiseField(self.plan.settings.seed, pairs, shape, self.t, self.plan.device)

    @torch.inference_mode()
    def _starts(self) -> list[Tensor]:
        found = []
        for rows in self.slabs:
            start = shared_start(self._denoiser(rows), self._seen(rows), self._field(0, rows))
            found.append(start.cpu())
            self.meter.tick(len(rows))
        return found

    def _denoiser(self, rows: Sequence[int]) -> Denoiser:
        slices = [self.needed[row] for row in rows]
        return self.engine.denoiser(self.plan.batch, self.windows, slices)

    def _seen(self, rows: Sequence[int]) -> Tensor:
        at = list(rows)
        mu, s = (torch.from_numpy(a[at])[:, None].to(self.plan.device) for a in (self.mu, self.s))
        c = self._condition([self.needed[row] for row in rows])
        return self.engine.condition(c, Prediction(mu, torch.maximum(s, 0.05 * c.sigma).log()))

    def _told(self, i: int, rows: Sequence[int]) -> Tensor:
        """`_seen` of slab ``i``, kept for the next sample while there is room."""
        if i in self.told:
            return self.told[i]
        seen = self._seen(rows)
        if seen.nbytes + sum(kept.nbytes for kept in self.told.values()) <= TOLD_BYTES:
            self.told[i] = seen
        return seen

    @torch.inference_mode()
    def _sample(
        self, k: int, starts: list[Tensor] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Residual and last prediction of sample ``k``, both (z, y, x), in units of s."""
        settings, rs, r_hats = self.plan.settings, [], []
        step = SAMPLERS[settings.sampler]
        for i, rows in enumerate(self.slabs):
            field = self._field(k, rows)
            if without_network(settings.sampler, settings.steps):  # Gaussian samples around μ
                r = field.coloured(0, self._kernel(rows)(np.pi / 2))
                r_hat = torch.zeros_like(r)
            else:
                r, r_hat = sample(
                    step,
                    self._denoiser(rows),
                    self._told(i, rows),
                    field,
                    self._kernel(rows),
                    settings.steps,
                    start=None if starts is None else starts[i].to(self.plan.device),
                    meter=self.meter,
                    schedule=settings.schedule,
                )
            rs.append(r[:, 0].cpu().numpy())
            r_hats.append(r_hat[:, 0].cpu().numpy())
        return np.concatenate(rs)[self.rows], np.concatenate(r_hats)[self.rows]

    def _finish(self, drawn: _Drawn) -> Arrays:
        plan, settings = self.plan, self.plan.settings
        mu, s = self.mu[self.rows], self.s[self.rows]
        method, std, lowest = "predictor", s, 0.0 if plan.modality == "MR" else None
        sigma = np.stack([self._sigma(z) for z in plan.chosen])
        ratios = [self.ratios[row] for row in self.rows]
        if drawn.n:
            method = settings.method
            left = self.spectra.remaining(self.last, ratios)[:, None, None]
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
        ratio = np.asarray(ratios, dtype=np.float32)
        return Arrays(restored, std, lower, upper, samples, mu, s, ratio, drawn.n)
