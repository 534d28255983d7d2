"""Calibration on a site's own scans: a copy of a model whose intervals cover there as stated."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medrestore.api import make_plan
from medrestore.core.meter import SILENT, Meter
from medrestore.engine.pipeline import run
from medrestore.errors import InputError, OutputError, SettingsError
from medrestore.evaluation.intervals import (
    Scores,
    fit_intervals,
    guarantee,
    merged,
    table,
)
from medrestore.evaluation.strata import tissue
from medrestore.models.bundle import write_card
from medrestore.models.card import Card
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.volume import Volume

__all__ = ["calibrate", "scores_of"]

VOXELS = 100_000
"""Voxels of a scan that enter the quantiles."""


def calibrate(
    model: str,
    references: Sequence[Volume],
    noisies: Sequence[Volume],
    out: str | os.PathLike[str] | None = None,
    *,
    noise: str | float = "auto",
    people: Sequence[str] | None = None,
    samples: int = 8,
    steps: int | None = None,
    sampler: str = "auto",
    seed: int = 0,
    slices: int = 8,
    device: str = "auto",
    progress: Meter | None = None,
) -> Card:
    """Fit a model's interval factors to scans of one's own, as a new model.

    The noisy scans are restored as `denoise` would and compared with the references. One factor
    per level and noise stratum: by conformal risk control where enough people allow it, else
    empirically; the card says which. Weights are copied, never changed.

    Parameters
    ----------
    model : str
        Name or folder of the model to start from.
    references, noisies : sequence of Volume
        Scans with little noise, which counts as error, and noisy ones; same order, same grids.
    out : path, optional
        Folder of the new model, named by its last part; ``models/<model>_site`` if absent.
    noise, samples, steps, sampler, seed, device
        As for `denoise`; use what is later used on patients.
    people : sequence of str, optional
        Person of each scan; each is another person if absent.
    slices : int
        Slices looked at in each scan, evenly spaced over those with tissue.
    progress : Meter, optional
        Follows and may cancel the calibration.

    Raises
    ------
    SettingsError, InputError, OutputError
        If scans do not match or show no tissue, or if ``out`` exists already.
    """
    steps = steps or 0
    settings = Settings(
        model, samples=samples, steps=steps, sampler=sampler, seed=seed, noise=noise, device=device
    )
    modality = _check_pairs(references, noisies, people)
    card = find_card(model, modality)
    folder = Path(out) if out is not None else Path("models") / f"{card.name}_site"
    if folder.exists():
        raise OutputError(f"{folder} exists already; name another folder for the calibrated model")
    names = people or [str(i) for i in range(len(noisies))]
    scans = list(zip(names, references, noisies, strict=True))
    return _write(card, folder, _look(card, scans, settings, slices, progress or SILENT))


def scores_of(
    arrays: Arrays, plan: Plan, truth: NDArray[np.float32], inside: NDArray[np.bool_], floor: float
) -> dict[str, Scores]:
    """Scores of the predictor alone and of the samples, if there are any.

    Parameters
    ----------
    arrays : Arrays
        Of a run of ``plan``.
    plan : Plan
        Plan whose slices ``truth`` holds.
    truth : ndarray, shape (z, y, x)
        The reference.
    inside : ndarray of bool, shape (z, y, x)
        Voxels that count.
    floor : float
        The model's lowest noise, relative to the intensity scale; below it nothing is restored.
    """
    sigma = np.full(truth.shape, plan.noise.sigma, np.float32)
    if plan.noise.map is not None:
        sigma = plan.noise.map[list(plan.chosen)]
    chosen = np.flatnonzero(inside & (sigma >= floor * plan.scale) & np.isfinite(truth))
    chosen = np.random.default_rng(0).permutation(chosen)[:VOXELS]
    error, sigma = np.abs(truth - arrays.mu).flat[chosen], sigma.flat[chosen]
    stds = {"predictor": arrays.s}
    if arrays.drawn:
        stds[f"{plan.settings.sampler}:{plan.settings.steps}"] = arrays.std
    return {
        method: Scores(error / std.flat[chosen], sigma / plan.scale) for method, std in stds.items()
    }


def _look(
    card: Card,
    scans: list[tuple[str, Volume, Volume]],
    settings: Settings,
    slices: int,
    meter: Meter,
) -> dict[str, dict[str, Scores]]:
    """By method and person, the scores of (person, reference, noisy scan)."""
    plans = [make_plan(noisy, settings) for _, _, noisy in scans]
    model = load(card, plans[0].device)
    meter.start(len(plans), "Calibrating")
    found: dict[str, dict[str, list[Scores]]] = {}
    for (name, reference, noisy), plan in zip(scans, plans, strict=True):
        for method, scores in _scan_scores(plan, reference, noisy, model, slices).items():
            found.setdefault(method, {}).setdefault(name, []).append(scores)
        meter.tick()
    return {
        method: {name: merged(scores) for name, scores in by_person.items()}
        for method, by_person in found.items()
    }


def _scan_scores(
    plan: Plan, reference: Volume, noisy: Volume, model: Model, slices: int
) -> dict[str, Scores]:
    inside = tissue(reference.array, plan.modality)
    filled = np.flatnonzero(inside.any(axis=(1, 2)))
    if not filled.size:
        raise InputError(
            f"{reference.source.name} shows no tissue: nothing to calibrate on; check the scan"
        )
    picks = filled[np.unique(np.linspace(0, filled.size - 1, slices + 2).round().astype(int))]
    chosen = tuple(int(z) for z in (picks[1:-1] if len(picks) > 2 else picks))
    part = plan.for_slices(chosen)
    arrays = run(part, noisy, model)
    rows = list(chosen)
    return scores_of(arrays, part, reference.array[rows], inside[rows], model.sigma_range[0])


def _check_pairs(
    references: Sequence[Volume], noisies: Sequence[Volume], people: Sequence[str] | None
) -> str:
    """Their modality; raises what does not match."""
    if not noisies or len(references) != len(noisies):
        raise SettingsError(
            f"every noisy scan needs its reference, got {len(references)} references for "
            f"{len(noisies)} noisy scans; list both in the same order"
        )
    if people is not None and len(people) != len(noisies):
        raise SettingsError(
            f"got {len(people)} people for {len(noisies)} scans; name one for each scan"
        )
    for reference, noisy in zip(references, noisies, strict=True):
        names = f"{reference.source.name} and {noisy.source.name}"
        if reference.is_4d or noisy.is_4d:
            raise InputError(f"{names}: 4-D scans are not calibrated on; give single time points")
        if not reference.geometry.same_grid(noisy.geometry, 0.01):
            raise InputError(
                f"{names} lie on different grids ({reference.geometry.shape}, "
                f"{noisy.geometry.shape}); resample one onto the other"
            )
        if noisy.modality is None or reference.modality not in (None, noisy.modality):
            raise InputError(
                f"{names} are {reference.modality} and {noisy.modality}; say CT or MR, the same "
                "for both"
            )
        if noisy.modality != noisies[0].modality:
            raise InputError("CT and MR scans are calibrated apart; give scans of one modality")
    assert noisies[0].modality is not None  # checked with the pairs
    return noisies[0].modality


def _write(card: Card, folder: Path, found: dict[str, dict[str, Scores]]) -> Card:
    """The new model folder, whole or not at all."""
    fitted = {method: fit_intervals(list(scores.values())) for method, scores in found.items()}
    intervals, counts = next(iter(fitted.values()))
    who = f"{intervals.people} people of the site, for the weights of {card.name}"
    facts = {**card.facts, "name": folder.name}
    facts["intervals"] = table(fitted, guarantee(min(counts)), who)
    facts.pop("evaluation", None)  # measured with other intervals
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "models").mkdir(parents=True)
    shutil.copyfile(card.weights, partial / "models" / card.weights.name)
    write_card(partial, facts)
    partial.rename(folder)
    return Card.read(folder)
