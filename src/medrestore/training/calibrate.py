"""Interval factors, region factor and correlation along z, from scans with known noise added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t as student

from medrestore.core.calibration import empirical_factors
from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale, intensity_scale
from medrestore.core.meter import SILENT, Meter
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

VOXELS = 40_000
"""Voxels of a person and noise level that enter the quantiles."""


@dataclass(frozen=True, eq=False)
class Case:
    """A stretch of slices of one person, (z, y, x), nearly free of noise."""

    person: str
    array: NDArray[np.float32]
    pixel_mm: float


@dataclass
class _Seen:
    """Standardised errors of one person at one noise level."""

    by_s: NDArray[Any]
    by_std: NDArray[Any]
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
    rows: dict[str, list[list[float]]] = {"predictor": [], _key(settings): []}
    everything, relative = [], []
    for level in levels:
        found: dict[str, list[_Seen]] = {}
        for case in cases:
            found.setdefault(case.person, []).append(_look(model, case, level, settings))
            meter.tick()
        people = [_merge(seen) for seen in found.values()]
        everything += people
        rows["predictor"].append(_rounded(empirical_factors([p.by_s for p in people])))
        rows[_key(settings)].append(_rounded(empirical_factors([p.by_std for p in people])))
        relative.append(level if model.card.modality == "MR" else level / 1000)
    regions = np.concatenate([p.regions for p in everything])
    return {
        "intervals": {
            "relative_sigma": relative,
            "people": len({case.person for case in cases}),
            "how": "empirical quantiles averaged over people, no finite-sample guarantee",
            "factors": rows,
        },
        "region_factor": round(float(np.quantile(regions, 0.9)), 3),
        "along_z": round(float(np.mean([p.along_z for p in everything])), 3),
    }


def _key(settings: Settings) -> str:
    return f"{settings.sampler}:{settings.steps}"


def _rounded(values: tuple[float, ...]) -> list[float]:
    return [round(v, 4) for v in values]


def _merge(seen: list[_Seen]) -> _Seen:
    return _Seen(
        np.concatenate([one.by_s for one in seen]),
        np.concatenate([one.by_std for one in seen]),
        np.concatenate([one.regions for one in seen]),
        float(np.mean([one.along_z for one in seen])),
    )


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
    arrays = run(plan.for_slices(chosen), volume, model)
    return _compare(arrays, case.array[list(chosen)], modality, settings.level)


def _compare(arrays: Arrays, truth: NDArray[np.float32], modality: str, level: float) -> _Seen:
    if modality == "MR":
        inside = truth > FOREGROUND_FRACTION * foreground_scale(truth)
    else:
        inside = (truth > -900) & (truth < 2000)
    error = truth - arrays.mu
    pick = np.random.default_rng(0).permutation(int(inside.sum()))[:VOXELS]
    r = np.where(inside, error / arrays.s, 0)
    pairs = inside[1:] & inside[:-1]
    product = (r[1:] * r[:-1])[pairs].mean() if pairs.any() else 0.0
    power = (r[inside] ** 2).mean()
    return _Seen(
        by_s=(error / arrays.s)[inside][pick],
        by_std=(error / arrays.std)[inside][pick],
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
