"""Probability that the voxels of a result exceed a value, or a reference region by a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.exceedance import Calibrated, covariance_with_mean, difference_std
from medrestore.core.intervals import gaussian_factor
from medrestore.core.method import ESTIMATED
from medrestore.core.spectra import mean_ratio
from medrestore.core.zero_filling import adjoint, interpolated, resampled
from medrestore.disk_arrays import PageReleaser, zeros
from medrestore.errors import ModelError, SettingsError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from medrestore.engine.plan import Plan
    from medrestore.models.card import Card
    from medrestore.results.protocol import Finished
    from medrestore.results.regions import Region
    from medrestore.volume import Volume

    Planes = NDArray[np.float32]

__all__ = ["UNIT", "exceedance"]

UNIT = "1"
"""Unit of a probability (UCUM)."""


def exceedance(
    result: Finished,
    value: float,
    reference: NDArray[Any] | Volume | None = None,
    t: int | None = None,
    below: bool = False,
) -> Volume:
    """The probability of each voxel, 0 to 1; `Result.exceedance` says of what."""
    if not isinstance(value, int | float | np.integer | np.floating) or not np.isfinite(value):
        raise SettingsError(f"the value to exceed is a finite number, got {value!r}")
    card = _card(result)
    times = [t] if t is not None else list(range(result.plan.times))
    if not all(0 <= one < result.plan.times for one in times):
        raise SettingsError(f"the scan has time points 0…{result.plan.times - 1}, got t={t}")
    grid = result.restored if t is None else result.restored.time_point(t)
    found = zeros(grid.array.shape)
    for one, out in zip(times, found if grid.is_4d else [found], strict=True):
        maps = _Maps.of(result, card, one)
        asked = maps if reference is None else maps.less(result.region(reference, one), reference)
        asked.fill(out, float(value), below)
    notes = () if result.plan.calibrated else (f"not calibrated: {ESTIMATED}",)
    return grid.with_array(found, unit=UNIT, warnings=notes)


def _card(result: Finished) -> Card:
    """The card of the run's model, whose factors the maps were made with."""
    if result.model is not None:
        return result.model.card
    card = result.plan.card()
    if card.sha256 != result.plan.model_sha256:
        raise ModelError(
            f"the result was made with another version of model {result.plan.model}, whose "
            "factors are not known; restore that version, or denoise the scan anew"
        )
    return card


@dataclass(frozen=True, eq=False)
class _Maps:
    """What one time point's probabilities rest on, slice by slice.

    ``restored``, ``std`` and ``upper`` are (z, y, x) for the plan's slices; ``lowest`` is the
    lowest value there is, if any; ``compare`` turns μ and std of a row into those of a difference.
    """

    plan: Plan
    card: Card
    drawn: int
    restored: Planes
    std: Planes
    upper: Planes
    lowest: float | None
    compare: Callable[[int, Planes, Planes], tuple[Planes, Planes]] | None = None

    @classmethod
    def of(cls, result: Finished, card: Card, t: int) -> _Maps:
        restored, std, upper = (
            one.array[t] if one.is_4d else one.array
            for one in (result.restored, result.std, result.upper)
        )
        plan, lowest = result.plan.at(t), modality_named(result.plan.modality).lowest
        return cls(plan, card, result.drawn, restored, std, upper, lowest)

    def fill(self, out: Planes, value: float, below: bool) -> None:
        """Write the probabilities."""
        pages = PageReleaser(self.restored, self.std, self.upper, self.plan.noise.map, out)
        for row in range(len(out)):
            known, mu, std = self._row(row)
            if self.compare is not None:
                mu, std = self.compare(row, mu, std)
            out[row] = (known.below if below else known.above)(value, mu, std, self.lowest)
            pages.tick()

    def less(self, region: Region, reference: NDArray[Any] | Volume) -> _Maps:
        """The same of the voxels less the mean of a region, which errs with those around it."""
        inside = np.asarray(getattr(reference, "array", reference)) > 0
        inside = inside[list(self.plan.chosen)]
        spread = (region.upper - region.lower) / 2 / gaussian_factor(region.level)
        shared = self._covariance(inside)

        def compare(row: int, mu: Planes, std: Planes) -> tuple[Planes, Planes]:
            return mu - np.float32(region.mean), difference_std(std, spread, shared[row])

        return replace(self, lowest=None, compare=compare)

    def _covariance(self, inside: NDArray[np.bool_]) -> Planes:
        """Covariance of each voxel with the mean of a region; 0 where no spectrum tells."""
        if self.card.family.fewest_samples:  # its spectra are the image's, not the error's
            return np.zeros((len(inside), 1, 1), np.float32)
        rows = np.flatnonzero(inside.any(axis=(1, 2)))
        modality = modality_named(self.plan.modality)
        ratios = []
        for row in map(int, rows):
            std, mu = self.std[row], self.restored[row]
            sigma = np.where(std > 0, self._sigma(row), np.float32(0))
            ratios.append(mean_ratio(std, sigma, modality.foreground(mu, self.plan.scale)))
        kernel = self.card.spectra.kernels(np.pi / 2, [float(np.mean(ratios))])
        weights = inside.astype(np.float32) / np.float32(inside.sum())
        grid, chosen = self.plan.grid, self.plan.chosen
        if grid is None:
            return covariance_with_mean(weights, self.std, chosen, kernel)
        std = interpolated(np.nan_to_num(self.std), grid)
        shared = covariance_with_mean(adjoint(weights, grid), std, chosen, kernel)
        return resampled(shared, inside.shape[1:])

    def _row(self, row: int) -> tuple[Calibrated, Planes, Planes]:
        """Distribution, μ and std of a slice; an image that is not μ lies about its interval's."""
        settings, family = self.plan.settings, self.card.family
        sampled = bool(self.drawn)
        intervals = self.card.intervals(settings.method if sampled else "predictor")
        noise = self._sigma(row) / self.plan.scale
        dof = family.dof(self.drawn) if sampled else math.inf
        mu, std = self.restored[row], self.std[row]
        if settings.estimate != "mean":
            mu = self.upper[row] - intervals.factor(settings.level, noise, dof) * std
        return Calibrated(intervals, noise, dof), mu, std

    def _sigma(self, row: int) -> Any:
        """Noise of a slice: its map, or the one number."""
        noise = self.plan.noise
        if noise.map is None:
            return np.float32(noise.sigma)
        return np.nan_to_num(noise.map[self.plan.chosen[row]])
