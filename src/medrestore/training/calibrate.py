"""Interval factors from the training people, with known noise added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

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

    from medrestore.models import Model

__all__ = ["Case", "calibrate"]


@dataclass(frozen=True, eq=False)
class Case:
    """A stretch of slices of one person, (z, y, x), nearly free of noise."""

    person: str
    array: NDArray[np.float32]
    pixel_mm: float


def calibrate(
    model: Model,
    cases: list[Case],
    levels: tuple[float, ...],
    settings: Settings,
    meter: Meter = SILENT,
) -> dict[str, Any]:
    """Fit the factors of voxel intervals.

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
        The card's ``intervals``.
    """
    meter.start(len(cases) * len(levels), "calibrating")
    found: dict[str, dict[str, list[Scores]]] = {}
    for case in cases:
        for level in levels:
            for method, scores in _look(model, case, level, settings).items():
                found.setdefault(method, {}).setdefault(case.person, []).append(scores)
            meter.tick()
    fitted = {
        method: fit_intervals([merged(scores) for scores in by_person.values()])
        for method, by_person in found.items()
    }
    return table(
        fitted,
        "empirical quantiles averaged over people, no finite-sample guarantee",
        "the training people, with fresh noise",
    )


def _look(model: Model, case: Case, level: float, settings: Settings) -> dict[str, Scores]:
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
    return scores_of(arrays, plan, truth, inside, model.sigma_range[0])
