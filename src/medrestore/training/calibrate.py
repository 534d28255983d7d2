"""Interval factors, region factor and correlation along z, from scans with known noise added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t as student

from medrestore.core.intensity import intensity_scale
from medrestore.core.meter import SILENT, Meter
from medrestore.evaluation.calibrate import scores_of, tissue
from medrestore.evaluation.intervals import Scores, fit_intervals, merged, table
from medrestore.physics.simulate import noisier
from medrestore.pipeline import run
from medrestore.plan import Noise, Settings, resolve
from medrestore.volume import Geometry, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine import Arrays
    from medrestore.models import Model

__all__ = ["Case", "calibrate"]

BLOCK = 16
"""Side of the square regions whose means are looked at, pixels."""


@dataclass(frozen=True, eq=False)
class Case:
    """A stretch of slices of one person, (z, y, x), nearly free of noise."""

    person: str
    array: NDArray[np.float32]
    pixel_mm: float


@dataclass
class _Seen:
    """What one scan at one noise level shows; ``scores`` by method."""

    scores: dict[str, Scores]
    regions: NDArray[Any]
    along_z: float


def calibrate(
    model: Model,
    cases: list[Case],
    levels: tuple[float, ...],
    settings: Settings,
    meter: Meter = SILENT,
) -> dict[str, Any]:
    """Measure what the card stores beside the spectra.

    Parameters
    ----------
    model : Model
        The model; its own factors are not looked at.
    cases : list of Case
        Scans of several people.
    levels : tuple of float
        Noise added: fraction of the foreground (MR) or HU in soft tissue (CT).
    settings : Settings
        Samples and steps to calibrate beside the predictor alone.
    meter : Meter
        One tick per case and level.

    Returns
    -------
    dict
        ``intervals``, ``region_factor`` and ``along_z`` as the card holds them.
    """
    meter.start(len(cases) * len(levels), "calibrating")
    everything: list[_Seen] = []
    found: dict[str, dict[str, list[Scores]]] = {}
    for case in cases:
        for level in levels:
            seen = _look(model, case, level, settings)
            everything.append(seen)
            for method, scores in seen.scores.items():
                found.setdefault(method, {}).setdefault(case.person, []).append(scores)
            meter.tick()
    fitted = {
        method: fit_intervals([merged(scores) for scores in by_person.values()])
        for method, by_person in found.items()
    }
    regions = np.concatenate([p.regions for p in everything])
    return {
        "intervals": table(
            fitted,
            "empirical quantiles averaged over people, no finite-sample guarantee",
            "the training people, with fresh noise",
        ),
        "region_factor": round(float(np.quantile(regions, 0.9)), 3),
        "along_z": round(float(np.mean([p.along_z for p in everything])), 3),
    }


def _look(model: Model, case: Case, level: float, settings: Settings) -> _Seen:
    """Restore the middle slices of a case and compare with the truth."""
    modality = model.card.modality
    mr, ct = (level, None) if modality == "MR" else (None, level)
    noisy, sigma = noisier(case.array, modality, case.pixel_mm, noise=mr, hu=ct, seed=1)
    geometry = Geometry(case.array.shape, np.eye(4))
    volume = Volume(noisy, geometry, modality)
    noise = Noise(sigma) if isinstance(sigma, float) else Noise(float(np.median(sigma)), sigma)
    scale = intensity_scale(noisy, modality)
    kept = replace(settings, keep_samples=True)
    plan = resolve(kept, volume, model.card, noise, scale, model.device)
    middle = len(noisy) // 2
    chosen = tuple(range(max(middle - 1, 0), min(middle + 2, len(noisy))))
    plan = plan.for_slices(chosen)
    arrays = run(plan, volume, model)
    truth = case.array[list(chosen)]
    inside = tissue(truth, modality)
    scores = scores_of(arrays, plan, truth, inside, model.sigma_range[0])
    return _compare(arrays, truth, inside, scores, settings.level)


def _compare(
    arrays: Arrays,
    truth: NDArray[np.float32],
    inside: NDArray[np.bool_],
    scores: dict[str, Scores],
    level: float,
) -> _Seen:
    r = np.where(inside, (truth - arrays.mu) / arrays.s, 0)
    pairs = inside[1:] & inside[:-1]
    product = (r[1:] * r[:-1])[pairs].mean() if pairs.any() else 0.0
    power = (r[inside] ** 2).mean()
    return _Seen(
        scores=scores,
        regions=_regions(arrays, truth, inside, level),
        along_z=float(product / power),
    )


def _regions(
    arrays: Arrays, truth: NDArray[np.float32], inside: NDArray[np.bool_], level: float
) -> NDArray[Any]:
    """|error| of the mean of each square region over its interval's half-width."""
    assert arrays.samples is not None
    ratios = []
    quantile = float(student.ppf(0.5 + level / 2, len(arrays.samples) - 1))
    for z, y in np.ndindex(len(truth), truth.shape[1] // BLOCK):
        for x in range(truth.shape[2] // BLOCK):
            at = (z, slice(y * BLOCK, (y + 1) * BLOCK), slice(x * BLOCK, (x + 1) * BLOCK))
            if not inside[at].all():
                continue
            spread = arrays.samples[:, *at].mean(axis=(1, 2)).std(ddof=1)
            ratios.append(abs(float((arrays.mu[at] - truth[at]).mean())) / (quantile * spread))
    return np.array(ratios)
