"""Metrics of a result's standard deviation and intervals against a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.intervals import LEVELS, gaussian_factor
from medrestore.core.posterior import interval
from medrestore.errors import ModelError
from medrestore.evaluation.coverage import error_by_std, pit_histogram
from medrestore.evaluation.metrics import UNCERTAINTY_METRICS, Errors
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from medrestore.core.intervals import Intervals
    from medrestore.evaluation.coverage import RegionLevel
    from medrestore.results.result import Result

__all__ = ["Level", "Uncertainty", "uncertainty"]

NOMINAL = tuple(round(0.05 * i, 2) for i in range(1, 20))
"""Nominal coverages of the reliability diagram."""


class Level(NamedTuple):
    """Nominal and observed coverage of an interval.

    Parameters
    ----------
    nominal : float
        Share of voxels that the interval is to cover.
    covered : float
        Share that it covers.
    width : float
        Mean of upper − lower, in the scan's unit.
    kind : str
        ``"result"``: the result's own lower and upper; ``"calibrated"``: at another level with the
        model's factors; ``"gaussian"``: restored ± a Gaussian's factor times std.
    """

    nominal: float
    covered: float
    width: float
    kind: str


@dataclass(frozen=True)
class Uncertainty:
    """Metrics of a result's uncertainty over the foreground, every voxel counting the same.

    Parameters
    ----------
    voxels : int
        Number that count.
    levels : tuple of Level
        Coverage and width at 50, 80, 90 and 95 % and at the result's own level.
    scores : mapping of str to float
        Of each of `metrics.UNCERTAINTY_METRICS` by its key.
    pit : tuple of float
        Shares in equal bins of Φ((reference − restored)/std); flat if calibrated.
    reliability : tuple of (float, float)
        Nominal coverage and what restored ± factor·std covers.
    error_by_std : tuple of (float, float)
        RMS std and RMS error of equally filled bins, in the scan's unit.
    regions : tuple of RegionLevel
        Coverage of the intervals of region means, by size; empty where it was not judged.
    """

    voxels: int
    levels: tuple[Level, ...]
    scores: Mapping[str, float]
    pit: tuple[float, ...]
    reliability: tuple[tuple[float, float], ...]
    error_by_std: tuple[tuple[float, float], ...]
    regions: tuple[RegionLevel, ...] = ()

    @property
    def crps(self) -> float:
        """Mean continuous ranked probability score of a Gaussian, in the scan's unit."""
        return self.scores["crps"]

    @property
    def ence(self) -> float:
        """Expected normalised calibration error; 0 is perfect."""
        return self.scores["ence"]

    @property
    def ause(self) -> float:
        """Area under the sparsification error; 0 where the largest std is at the largest error."""
        return self.scores["ause"]

    @property
    def std_ratio(self) -> float:
        """√(mean std² / mean error²): 1 is honest, below 1 overconfident."""
        return self.scores["std_ratio"]

    def facts(self) -> dict[str, Any]:
        """All values, for JSON."""
        return {
            "voxels": self.voxels,
            "levels": [level._asdict() for level in self.levels],
            **self.scores,
            "pit": list(self.pit),
            "reliability": [list(pair) for pair in self.reliability],
            "error_by_std": [list(pair) for pair in self.error_by_std],
            "regions": [{**one._asdict(), "shape": list(one.shape)} for one in self.regions],
        }


def uncertainty(
    result: Result, reference: NDArray[np.float32], mask: NDArray[np.bool_]
) -> Uncertainty:
    """Compare what a result says of its errors with its errors.

    Parameters
    ----------
    result : Result
        Result whose restored image is the expected one (``estimate="mean"``).
    reference : ndarray, shape (z, y, x)
        On the result's grid; its own noise counts as error.
    mask : ndarray of bool, shape (z, y, x)
        Voxels that count; finite, and with a std above 0.
    """
    truth, mean, std = (
        array[mask].astype(np.float64)
        for array in (reference, result.restored.array, result.std.array)
    )
    found = Errors(truth, mean, std)
    error = found.error
    score = np.sort(np.abs(error) / std)
    covered = [np.searchsorted(score, gaussian_factor(p), "right") / score.size for p in NOMINAL]
    return Uncertainty(
        voxels=int(mask.sum()),
        levels=_levels(result, truth, mask),
        scores={one.key: one.of(found) for one in UNCERTAINTY_METRICS.values()},
        pit=tuple(float(share) for share in pit_histogram(truth, mean, std)),
        reliability=tuple(zip(NOMINAL, (float(share) for share in covered), strict=True)),
        error_by_std=tuple(
            (float(s), float(e)) for s, e in zip(*error_by_std(error, std), strict=True)
        ),
    )


def _levels(
    result: Result, truth: NDArray[np.float64], mask: NDArray[np.bool_]
) -> tuple[Level, ...]:
    plan = result.plan
    stated = plan.settings.level
    mean, std = result.restored.array[mask], result.std.array[mask]
    lowest = modality_named(plan.modality).lowest
    noise = plan.noise.sigma
    sigma = noise if plan.noise.map is None else plan.noise.map[list(plan.chosen)][mask]
    calibrated = _intervals(result)
    found = []
    for level in sorted({*LEVELS, stated}):
        bounds = {"gaussian": interval(mean, std, gaussian_factor(level), lowest)}
        if level == stated:
            bounds["result"] = (result.lower.array[mask], result.upper.array[mask])
        elif calibrated is not None:
            factor = calibrated.factor(level, sigma / plan.scale)
            bounds["calibrated"] = interval(mean, std, factor, lowest)
        for kind, (lower, upper) in bounds.items():
            inside = (truth >= lower) & (truth <= upper)
            width = (upper.astype(np.float64) - lower).mean()
            found.append(Level(level, float(inside.mean()), float(width), kind))
    return tuple(found)


def _intervals(result: Result) -> Intervals | None:
    """The factors that the run used, where its model is at hand unchanged."""
    plan = result.plan
    try:
        card = plan.card()
    except ModelError:
        return None
    if card.sha256 != plan.model_sha256:
        return None
    found = card.intervals(plan.settings.method if result.drawn else "predictor")
    return found if found.people else None  # a sampler that never was calibrated
