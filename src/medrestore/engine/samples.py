"""Posterior samples of a block, drawn one after the other, of which statistics are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.guidance import classifier_free, measured, shaped
from medrestore.core.method import shares_start, without_network
from medrestore.core.noise_field import NoiseField
from medrestore.core.residual_bytes import as_bytes
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import decoded, sample, shared_start
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.samplers.chain import Sample
    from medrestore.core.spectrum import Kernel
    from medrestore.engine.arrays import Arrays
    from medrestore.engine.block import Block, PredictedBlock
    from medrestore.engine.time_point import TimePoint

__all__ = ["BlockSamples", "guided"]


class BlockSamples:
    """Samples of a block that was predicted.

    Making it evaluates the refiner once at t = π/2, where z carries no information and all samples
    share the result; of samplers that share none it evaluates nothing.

    Parameters
    ----------
    predicted : PredictedBlock
        The slices and their prediction.
    room : ndarray of float32, shape (BlockSamples.planes(block), y, x)
        Zeros, for what is kept between the passes.
    kept : Arrays, optional
        Of the chosen slices: the place of the samples, where the result keeps them.
    """

    def __init__(
        self,
        predicted: PredictedBlock,
        room: NDArray[np.float32],
        kept: Arrays | None = None,
    ) -> None:
        self.predicted, self.block, self.point = predicted, predicted.block, predicted.block.point
        self._samples = None if kept is None else kept.samples
        self._residuals = None if kept is None else kept.residuals
        family, n = self.point.engine.family, len(self.block.chosen)
        self._plane = family.plane(self.point.plan.shape[1:])
        sizes = self._sizes(self.block)
        self._r, self._r_hat, statistics, residual, start = np.split(room, np.cumsum(sizes)[:-1])
        self.statistics = family.statistics(statistics.reshape(-1, n, *room.shape[1:]))
        self.residual = residual if len(residual) else None
        self._start = self._shared_start(start) if len(start) else None

    @classmethod
    def planes(cls, block: Block) -> int:
        """Number of planes (y, x) that are kept between the passes."""
        return sum(cls._sizes(block)) if block.point.plan.settings.samples else 0

    @staticmethod
    def _sizes(block: Block) -> tuple[int, ...]:
        """Planes of r, r̂, their statistics, the residual that is shown, and the shared r̂."""
        settings, n = block.point.plan.settings, len(block.chosen)
        shown = 0 if settings.estimate == "mean" else n
        shared = len(block.needed) if shares_start(settings.sampler, settings.steps) else 0
        return n, n, block.point.engine.family.statistics.PLANES * n, shown, shared

    @torch.inference_mode()
    def _shared_start(self, room: NDArray[np.float32]) -> NDArray[np.float32]:
        """Fill ``room`` with r̂ at t = π/2 of the needed slices, of the size that is diffused."""
        height, width = self._plane
        start = room[:, :height, :width]
        for i, rows in enumerate(self.block.slabs):
            found = shared_start(
                self._denoiser(rows), self._condition(i, rows), self._field(0, rows, self._plane)
            )
            start[rows.start : rows.stop] = found[:, 0].cpu().numpy()
            self.point.meter.tick(len(rows))
        return start

    @torch.inference_mode()
    def draw(self, k: int) -> None:
        """Draw sample ``k``: residual r and last prediction r̂, in units of s."""
        row_of = {row: i for i, row in enumerate(self.block.rows)}
        for i, rows in enumerate(self.block.slabs):
            drawn, predicted = (part[:, 0].cpu().numpy() for part in self._drawn(k, i, rows))
            for plane, prediction, row in zip(drawn, predicted, rows, strict=True):
                if row in row_of:
                    self._r[row_of[row]], self._r_hat[row_of[row]] = plane, prediction

    def count(self, k: int) -> None:
        """Count the sample drawn last as sample ``k`` of the result."""
        self.statistics.add(k, self._r, self._r_hat)
        if self.residual is not None:
            if self.point.plan.settings.estimate == "posterior-mean":
                self.residual += (self._r - self.residual) / (k + 1)
            elif k == 0:
                self.residual[:] = self._r
        if self._samples is None and self._residuals is None:
            return
        mu, s = self.predicted.mu, self.predicted.s
        for i, row in enumerate(self.block.rows):
            shown = self.predicted.image(i, mu[row] + s[row] * self._r[i])
            if self._samples is not None:
                self._samples[k, i] = shown
            if self._residuals is not None:
                self._residuals[k, i] = as_bytes(shown, *self.predicted.reference(i))

    def _drawn(self, k: int, i: int, rows: range) -> tuple[Tensor, Tensor]:
        """The r and r̂ of slab ``i``, (slices, 1, y, x)."""
        plan, settings = self.point.plan, self.point.plan.settings
        if without_network(settings.sampler, settings.steps):  # Gaussian samples around μ
            r = self._field(k, rows, plan.shape[1:]).coloured(0, self._kernel(rows)(np.pi / 2))
            return r, torch.zeros_like(r)
        start = None
        if self._start is not None:
            start = torch.asarray(self._start[rows.start : rows.stop, None], device=plan.device)
        diffused = sample(
            SAMPLERS[settings.sampler],
            self._denoiser(rows),
            self._condition(i, rows),
            self._field(k, rows, self._plane),
            self._kernel(rows, diffused=True),
            settings.steps,
            start=start,
            meter=self.point.meter,
            schedule=settings.schedule,
        )
        return self._in_voxels(diffused, k, i, rows)

    def _in_voxels(self, diffused: Sample, k: int, i: int, rows: range) -> Sample:
        """The residual of a diffused state: itself, or what a latent is decoded to."""
        engine, plan = self.point.engine, self.point.plan
        if engine.latent is None:
            return diffused
        shape, condition, settings = plan.shape[1:], self._condition(i, rows), plan.settings
        noise, kernel = self._field(k, rows, shape), self._kernel(rows)
        return decoded(
            diffused,
            settings.sampler,
            self.block.last_angle,
            lambda z: engine.decode(z, condition, shape, plan.batch),
            lambda t: noise.coloured(settings.steps, kernel(t)),
        )

    def _ratios(self, rows: Sequence[int]) -> list[float]:
        return [self.predicted.ratios[row] for row in rows]

    def _kernel(self, rows: Sequence[int], diffused: bool = False) -> Callable[[float], Kernel]:
        """Angle → kernels of the covariance dropped in a slab, in voxels or as it is diffused."""
        ratios = self._ratios(rows)
        spectra = (self.point.engine.latent if diffused else None) or self.block.spectra
        return lambda angle: spectra.kernels(angle, ratios)

    def _field(self, k: int, rows: Sequence[int], shape: tuple[int, int]) -> NoiseField:
        plan, pairs = self.point.plan, [(k, self.block.needed[row]) for row in rows]
        noise = NoiseField(plan.settings.seed, pairs, shape, self.point.t, plan.device)
        if self.block.spectra.makes_samples:  # correlated along z as the noise of samples is
            return replace(noise, along_z=self._kernel(rows)(np.pi / 2).along_z)
        return noise

    def _denoiser(self, rows: range) -> Denoiser:
        block, ratios = self.block, self._ratios(rows)
        slices = [block.needed[row] for row in rows]
        plan = self.point.plan
        denoiser = self.point.engine.denoiser(plan.batch, block.windows, slices, plan.stride)
        if block.spectra.makes_samples:
            return shaped(denoiser, block.spectra.shape(ratios), block.last_angle)
        at = slice(rows.start, rows.stop)
        maps = self.predicted.mu[at], self.predicted.s[at]
        unled = replace(block.spectra, led=0.0)
        return guided(denoiser, self.point, slices, maps, lambda t: unled.remaining(t, ratios))

    def _condition(self, i: int, rows: range) -> Tensor:
        """The refiner's condition for slab ``i``, held for the next sample while there is room."""
        slices, at = [self.block.needed[row] for row in rows], slice(rows.start, rows.stop)
        key = (self.block.chosen[0], i)
        return self.point.refiner_condition(
            key, slices, self.predicted.mu[at], self.predicted.s[at]
        )


def guided(
    denoiser: Denoiser,
    point: TimePoint,
    slices: Sequence[int],
    maps: tuple[NDArray[np.float32], NDArray[np.float32]],
    left: Callable[[float], NDArray[np.float32]],
) -> Denoiser:
    """The denoiser of whole slices, led as the plan's settings ask; itself where they ask nothing.

    Parameters
    ----------
    denoiser : Denoiser
        Of a batch that holds these slices of the scan.
    point : TimePoint
        The scan and the plan.
    slices : sequence of int
        The slices.
    maps : (mu, s), each (batch, y, x)
        Centre and unit of r, intensity units.
    left : callable
        Angle → variance of r given z_t for each slice, (batch,).
    """
    settings = point.plan.settings
    steered = classifier_free(
        denoiser, point.engine.family.null_condition, settings.guidance, point.meter
    )
    if not settings.measurement:
        return steered
    device = point.plan.device
    y, sigma = (
        torch.asarray(np.stack([of(z) for z in slices])[:, None], device=device)
        for of in (point.seen, point.sigma)
    )
    mean = np.clip(maps[0], *point.known)  # as `y` is: what is beyond is left alone
    mu, s = (torch.asarray(one[:, None], device=device) for one in (mean, maps[1]))
    sigma = sigma.clamp(min=0.1 * float(point.floor))
    unit = torch.maximum(s, 0.05 * sigma)
    debiased = modality_named(point.plan.modality).noise.debiased
    seen = y if debiased is None else debiased(y, sigma)

    def remaining(t: float) -> Tensor:
        return torch.asarray(left(t)[:, None, None, None], device=device)

    return measured(steered, (seen - mu) / unit, sigma / unit, remaining, settings.measurement)
