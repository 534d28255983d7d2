"""Some slices of a volume on their way through a run: predictor, samples, maps.

A stretch is small enough for memory, whatever the length of the scan; what it keeps from one pass
to the next it keeps in arrays that are handed to it. Within it, slabs of slices are evaluated at
once. In a slice model they have nothing to do with each other; a 3-D model reads windows of
several, so its one slab holds every slice that the wanted ones depend on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.evaluations import evaluations, shares_start, without_network
from medrestore.core.noise_field import NoiseField
from medrestore.core.posterior import Moments, explained_std, interval, mean_std, total_std
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample, shared_start
from medrestore.core.samplers.decoded import decoded
from medrestore.core.schedules import angles
from medrestore.core.shaping import shaped
from medrestore.core.spectra import mean_ratio
from medrestore.core.windows import taper
from medrestore.engine.guidance import guided
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.denoiser import Denoiser
    from medrestore.core.samplers.chain import Sample
    from medrestore.core.spectrum import Kernel
    from medrestore.engine.arrays import Arrays
    from medrestore.engine.time_point import Frame

__all__ = ["Stretch"]


class Stretch:
    """Neighbouring slices of the plan's choice.

    Parameters
    ----------
    frame : Frame
        The volume.
    chosen : sequence of int
        The slices.
    out : Arrays
        Where their maps go.
    """

    r: NDArray[np.float32]
    r_hat: NDArray[np.float32]
    mean: NDArray[np.float32]
    squares: NDArray[np.float32]
    residual: NDArray[np.float32]
    expected: NDArray[np.float32]
    start_r_hat: NDArray[np.float32]

    def __init__(self, frame: Frame, chosen: Sequence[int], out: Arrays) -> None:
        self.frame, self.chosen, self.out = frame, list(chosen), out
        plan, engine = frame.plan, frame.engine
        asked = plan.settings
        self.last = angles(asked.steps, asked.schedule)[-2]
        spectra = engine.spectra.of(asked.method, self.last)
        self.spectra = replace(spectra, led=asked.measurement)
        self.plane = engine.family.plane(plan.shape[1:])
        self.windows = engine.windows(len(frame.y))
        in_a_row = evaluations(asked.sampler, asked.steps) if asked.samples else 0
        self.needed = list(self.windows.reach(chosen, in_a_row))
        row_of = {z: row for row, z in enumerate(self.needed)}
        self.rows = [row_of[z] for z in self.chosen]
        self.slabs = self._slabs()
        self.mu, self.s = out.mu, out.s

    @property
    def planes_kept(self) -> int:
        """How many planes (y, x) it keeps between the passes, beside its maps."""
        return sum(self._keeps().values())

    def move_in(self, room: NDArray[np.float32]) -> None:
        """Take room, zeros of shape (planes_kept, y, x), for what is kept between the passes."""
        first = 0
        for name, planes in self._keeps().items():
            setattr(self, name, room[first : first + planes])
            first += planes

    def _keeps(self) -> dict[str, int]:
        """What is kept between the passes, and how many planes of it."""
        asked, here, whole = self.frame.plan.settings, len(self.chosen), len(self.needed)
        keeps: dict[str, int] = {}
        if self.needed != self.chosen:
            keeps |= {"mu": whole, "s": whole}
        if asked.samples:
            keeps |= {"r": here, "r_hat": here, "mean": here, "squares": here}
            keeps |= {"residual": here} if asked.estimate != "mean" else {}
            keeps |= {"expected": here} if self.frame.engine.family.mean_from_samples else {}
        if asked.samples and shares_start(asked.sampler, asked.steps):
            keeps["start_r_hat"] = whole
        return keeps

    def _slabs(self) -> list[range]:
        """Rows of `needed` that the sampler takes at once."""
        n = len(self.needed)
        size = n if self.windows.window > 1 else self.frame.plan.slab
        return [range(first, min(first + size, n)) for first in range(0, n, size)]

    @torch.inference_mode()
    def predict(self) -> None:
        """μ and s of the needed slices, blended over the windows that hold them."""
        frame, plan = self.frame, self.frame.plan
        norm = np.zeros(len(self.needed), np.float32)
        share = taper(self.windows.window).numpy()
        row_of = {z: row for row, z in enumerate(self.needed)}
        first = self.windows.covering(self.needed)
        size = plan.slab if self.windows.window == 1 else 1
        for chunk in (first[i : i + size] for i in range(0, len(first), size)):
            slices = [z for a in chunk for z in self.windows.inside(a)]
            prediction = frame.engine.predict(frame.condition(slices))
            maps = [part[:, 0].cpu().numpy() for part in prediction]
            frame.meter.tick(sum(norm[row_of[z]] == 0 for z in row_of.keys() & set(slices)))
            for i, z in enumerate(slices):
                if z in row_of and (i == 0 or z != slices[i - 1]):
                    weight = share[i % len(share)]
                    self.mu[row_of[z]] += weight * maps[0][i]
                    self.s[row_of[z]] += weight * maps[1][i]  # still its logarithm
                    norm[row_of[z]] += weight
        self.ratios = [self._settle(row, norm[row]) for row in range(len(self.needed))]

    def _settle(self, row: int, norm: np.float32) -> float:
        """From sums over windows to μ and s of a slice; the mean s²/σ² its texture depends on."""
        frame, plan, z = self.frame, self.frame.plan, self.needed[row]
        modality = modality_named(plan.modality)
        mu, sigma = modality.bounded(self.mu[row] / norm), frame.sigma(z)
        untouched = frame.untouched(z)
        if frame.engine.family.mean_from_samples:
            untouched = np.zeros_like(untouched)  # seen to when there is a mean (`_finish_slice`)
        self.mu[row] = np.where(untouched, frame.filled(z), mu)
        self.s[row] = np.where(untouched, sigma, np.exp(self.s[row] / norm))
        inside = modality.foreground(self.mu[row], plan.scale)
        removed = np.where(untouched | frame.invalid(z), 0, sigma)
        return mean_ratio(self.s[row], removed, inside)

    @torch.inference_mode()
    def start(self) -> None:
        """r̂ at t = π/2, where z carries no information: the same for all samples."""
        for i, rows in enumerate(self.slabs):
            field = self._field(0, rows, self.plane)
            found = shared_start(self._denoiser(rows), self._told(i, rows), field)
            self._start(rows)[:] = found[:, 0].cpu().numpy()
            self.frame.meter.tick(len(rows))

    @torch.inference_mode()
    def draw(self, k: int) -> None:
        """Residual and last prediction of sample ``k``, in units of s."""
        frame, settings = self.frame, self.frame.plan.settings
        place = {row: i for i, row in enumerate(self.rows)}
        step = SAMPLERS[settings.sampler]
        for i, rows in enumerate(self.slabs):
            if without_network(settings.sampler, settings.steps):  # Gaussian samples around μ
                whole = self._field(k, rows, frame.plan.shape[1:])
                r = whole.coloured(0, self._kernel(rows)(np.pi / 2))
                r_hat = torch.zeros_like(r)
            else:
                walked = sample(
                    step,
                    self._denoiser(rows),
                    self._told(i, rows),
                    self._field(k, rows, self.plane),
                    self._kernel(rows, walk=True),
                    settings.steps,
                    start=self._begun(rows),
                    meter=frame.meter,
                    schedule=settings.schedule,
                )
                r, r_hat = self._in_voxels(walked, k, i, rows)
            drawn, predicted = (part[:, 0].cpu().numpy() for part in (r, r_hat))
            for plane, prediction, row in zip(drawn, predicted, rows, strict=True):
                if row in place:
                    self.r[place[row]], self.r_hat[place[row]] = plane, prediction

    def _begun(self, rows: range) -> Tensor | None:
        """The r̂ that all samples begin with; None where each evaluates its own."""
        asked = self.frame.plan.settings
        if not shares_start(asked.sampler, asked.steps):
            return None
        return torch.from_numpy(self._start(rows))[:, None].to(self.frame.plan.device)

    def _start(self, rows: range) -> NDArray[np.float32]:
        """Where a slab's shared r̂ lies, of the size that is walked."""
        height, width = self.plane
        return self.start_r_hat[rows.start : rows.stop, :height, :width]

    def _in_voxels(self, walked: Sample, k: int, i: int, rows: range) -> Sample:
        """The residual of what was walked: itself, or what a latent is decoded to."""
        engine, plan = self.frame.engine, self.frame.plan
        if engine.latent is None:
            return walked
        shape, told, asked = plan.shape[1:], self._told(i, rows), plan.settings
        noise, kernel = self._field(k, rows, shape), self._kernel(rows)
        return decoded(
            walked,
            asked.sampler,
            self.last,
            lambda z: engine.decode(z, told, shape, plan.batch),
            lambda t: noise.coloured(asked.steps, kernel(t)),
        )

    def count(self, k: int) -> None:
        """The sample drawn last is sample ``k`` of the result."""
        settings = self.frame.plan.settings
        whole = self.frame.engine.family.mean_from_samples
        Moments(self.mean, self.squares, k).add(self.r if whole else self.r_hat)
        if whole:  # r tells the spread, r̂ the mean, without the last step's error
            self.expected += (self.r_hat - self.expected) / (k + 1)
        if settings.estimate == "posterior-mean":
            self.residual += (self.r - self.residual) / (k + 1)
        elif settings.estimate == "sample" and k == 0:
            self.residual[:] = self.r
        if self.out.samples is not None:
            for i, row in enumerate(self.rows):
                self.out.samples[k, i] = self._image(i, self.mu[row] + self.s[row] * self.r[i])

    def finish(self, drawn: int) -> None:
        """The maps, resting on so many samples."""
        for i in range(len(self.chosen)):
            self._finish_slice(i, drawn)

    def _finish_slice(self, i: int, drawn: int) -> None:
        frame, out, plan = self.frame, self.out, self.frame.plan
        settings, row = plan.settings, self.rows[i]
        method = settings.method if drawn else "predictor"
        mu, s, std = self._moments(i, drawn)
        restored, sigma = mu, frame.sigma(self.chosen[i])
        if drawn and settings.estimate != "mean":
            restored = self._image(i, self.mu[row] + self.s[row] * self.residual[i])
        lowest = modality_named(plan.modality).lowest
        rest_on = drawn if frame.engine.family.mean_from_samples else None
        factor = frame.engine.intervals(method).factor(settings.level, sigma / plan.scale, rest_on)
        out.lower[i], out.upper[i] = interval(mu, std, factor, lowest)
        out.restored[i], out.mu[i], out.std[i], out.s[i] = restored, mu, std, s
        out.ratio[i] = self.ratios[row]
        out.unmask(i, frame.invalid(self.chosen[i]), frame.y[self.chosen[i]])

    def _moments(self, i: int, drawn: int) -> tuple[NDArray[np.float32], ...]:
        """μ, s and the error expected about μ, each (y, x)."""
        frame, row = self.frame, self.rows[i]
        mu, s, sigma = self.mu[row], self.s[row], frame.sigma(self.chosen[i])
        untouched = frame.untouched(self.chosen[i])
        if not drawn:
            return mu, s, s
        predictions = Moments(self.mean[i], self.squares[i], drawn)
        if frame.engine.family.mean_from_samples:
            image = self._image(i, mu + s * self.expected[i])
            both = explained_std(s, predictions), mean_std(s, predictions)
            return image, *(np.where(untouched, sigma, one) for one in both)
        left = self.spectra.remaining(self.last, [self.ratios[row]])[0]
        return mu, s, np.where(untouched, s, total_std(s, predictions, left))

    def _image(self, i: int, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """A sampled slice as it is shown: no intensity is lower than its modality has any."""
        frame, z = self.frame, self.chosen[i]
        if frame.engine.family.mean_from_samples:
            plane = np.where(frame.untouched(z), frame.filled(z), plane)
        return modality_named(frame.plan.modality).bounded(plane)

    def _kernel(self, rows: Sequence[int], walk: bool = False) -> Callable[[float], Kernel]:
        """Angle → kernels of the covariance dropped in a slab's slices, in voxels or as walked."""
        ratios = [self.ratios[row] for row in rows]
        spectra = (self.frame.engine.latent if walk else None) or self.spectra
        return lambda angle: spectra.kernels(angle, ratios)

    def _field(self, k: int, rows: Sequence[int], shape: tuple[int, int]) -> NoiseField:
        plan, pairs = self.frame.plan, [(k, self.needed[row]) for row in rows]
        noise = NoiseField(plan.settings.seed, pairs, shape, self.frame.t, plan.device)
        if self.spectra.makes_samples:  # its samples are correlated along z as their noise is
            return replace(noise, along_z=self._kernel(rows)(np.pi / 2).along_z)
        return noise

    def _denoiser(self, rows: Sequence[int]) -> Denoiser:
        slices = [self.needed[row] for row in rows]
        denoiser = self.frame.engine.denoiser(self.frame.plan.batch, self.windows, slices)
        ratios = [self.ratios[row] for row in rows]
        if self.spectra.makes_samples:
            return shaped(denoiser, self.spectra.shape(ratios), self.last)
        maps = self.mu[rows[0] : rows[-1] + 1], self.s[rows[0] : rows[-1] + 1]
        alone = replace(self.spectra, led=0.0)
        return guided(denoiser, self.frame, slices, maps, lambda t: alone.remaining(t, ratios))

    def _told(self, i: int, rows: range) -> Tensor:
        """What the refiner is told of slab ``i``, kept for the next time while there is room."""
        slices, at = [self.needed[row] for row in rows], slice(rows.start, rows.stop)
        return self.frame.tell((self.chosen[0], i), slices, self.mu[at], self.s[at])
