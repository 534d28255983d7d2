"""What the card says of the spread: spectra, their gains, factors of regions and of voxels.

Measured in this order, each with what came before in force: the family of spectra from residuals,
gains from samples drawn with it, factors of intervals from samples drawn with both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore.core.meter import SILENT, Meter
from medrestore.core.samplers import DEFAULT, makes_samples
from medrestore.training.calibrate import calibrate, scored
from medrestore.training.gains import measure_gains
from medrestore.training.probe import restored
from medrestore.training.regions import factors
from medrestore.training.texture import ANGLES, measure_spectra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medrestore.evaluation.intervals import Scores
    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings
    from medrestore.training.probe import Case, Probe

__all__ = ["STEPS", "measure_spread"]

STEPS = {DEFAULT: (2,), "consistency": (1, 2)}
"""By sampler, numbers of steps whose gains and factors are measured; four take three times as
long."""

SLICES = 5
"""Slices of a case that factors rest on."""


def measure_spread(
    model: Model,
    cases: list[Case],
    levels: tuple[float, ...],
    settings: Settings,
    held_out: Mapping[str, Model] | None = None,
    meter: Meter = SILENT,
) -> dict[str, Any]:
    """Measure the card's ``spectra`` (a latent's too), ``region_factors`` and ``intervals``.

    Parameters
    ----------
    model : Model
        The model; its spectra are replaced as they become known, its factors not looked at.
    cases : list of Case
        Scans of several people.
    levels : tuple of float
        Noise added: fraction of the foreground (MR) or HU in soft tissue (CT).
    settings : Settings
        Sampler and samples; the sampler's `STEPS` are taken in turn.
    held_out : mapping, optional
        Person → the model with a predictor that has not seen them (`crossfit.fit_folds`); those
        who are missing are restored by ``model`` itself, whose errors on them may be too small.
    meter : Meter
        Follows each stage.
    """
    known = dict(held_out or {})
    settings = replace(settings, sampler=model.card.sampler(settings.sampler))

    def model_of(person: str) -> Model:
        found = known.get(person, model)
        found.spectra, found.latent = spectra, latent
        return found

    spectra, latent = model.spectra, model.latent
    asked = ANGLES[-1:] if makes_samples(settings.sampler) else ANGLES  # samples: r's own spectrum
    if latent is not None:
        latent = measure_spectra(model_of, cases, levels, meter=meter, walked=True)
        asked = (0.0, *ANGLES)  # at 0 what the autoencoder loses
    spectra = measure_spectra(model_of, cases, levels, asked, meter=meter)
    regions: dict[str, Any] = {}
    scores: list[tuple[str, dict[str, Scores]]] = []
    for count in STEPS.get(settings.sampler, STEPS[DEFAULT]):
        one = replace(settings, steps=count, keep_samples=True)
        found = measure_gains(model_of, cases, levels, one, meter=meter)
        spectra = replace(spectra, gains={**spectra.gains, one.method: found})
        probes = _probes(model_of, cases, levels, one, meter)
        scores += [(probe.person, scored(probe, model.sigma_range[0])) for probe in probes]
        table = factors(probes, spectra, one)
        regions = {**table, "factors": {**regions.get("factors", {}), **table["factors"]}}
    model.spectra, model.latent = spectra, latent
    people = len({case.person for case in cases})
    unseen = len({case.person for case in cases} & known.keys())
    return {
        "spectra": spectra.facts(),
        **({} if latent is None else {"latent_spectra": latent.facts()}),
        "region_factors": {**regions, "people": people, "people_held_out": unseen},
        "intervals": calibrate(scores, _who(people, unseen)),
    }


def _probes(
    model_of: Callable[[str], Model],
    cases: list[Case],
    levels: tuple[float, ...],
    settings: Settings,
    meter: Meter,
) -> list[Probe]:
    """Every case at every level, restored with samples."""
    meter.start(len(cases) * len(levels), f"calibrating {settings.method}")
    probes = []
    for case in cases:
        for level in levels:
            probes.append(restored(model_of(case.person), case, level, settings, SLICES))
            meter.tick()
    return probes


def _who(people: int, unseen: int) -> str:
    if unseen == people:
        return "the training people, with fresh noise, each by a predictor not trained on them"
    return "the training people, with fresh noise"
