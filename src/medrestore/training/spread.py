"""Spread on a model's card: spectra, their gains, factors of regions and of voxels.

Measured in this order, each with what came before in force: the family of spectra from residuals,
gains from samples drawn with it, factors of intervals from samples drawn with both.
Of a model that has no image but the mean of its samples, the spread is what they show; measured is
by how much it falls short, as factors of the intervals.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore.core.meter import SILENT, Meter
from medrestore.core.samplers import DEFAULT, makes_samples
from medrestore.evaluation.calibrate import scores_of
from medrestore.evaluation.intervals import Scores, fit_intervals, merged, table
from medrestore.evaluation.strata import tissue
from medrestore.training.corrections import measure_gains
from medrestore.training.probe import Cohort
from medrestore.training.region_factors import factors
from medrestore.training.texture import ANGLES, measure_spectra
from medrestore.training.trust import measure_trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings
    from medrestore.training.probe import Case, Probe

__all__ = ["measure_sampled", "measure_spread"]


def _scored(probe: Probe, floor: float) -> dict[str, Scores]:
    """Scores of a probe's tissue, by method; ``floor`` as in `evaluation.calibrate.scores_of`.

    Of a truth with noise of its own, where that is less than the error expected.
    """
    arrays, truth = probe.arrays, probe.truth
    inside = tissue(truth, probe.plan.modality)
    if probe.left is not None:
        inside &= probe.left.std <= arrays.s
        arrays = replace(arrays, s=probe.expected(arrays.s), std=probe.expected(arrays.std))
    return scores_of(arrays, probe.plan, truth, inside, floor)


def _calibrate(scores: Iterable[tuple[str, dict[str, Scores]]], who: str) -> dict[str, Any]:
    """Fit the factors of voxel intervals.

    Parameters
    ----------
    scores : iterable of (person, scores by method)
        Of several people at several noise levels.
    who : str
        Description of the people and of their models, for the card.

    Returns
    -------
    dict
        The card's ``intervals``.
    """
    found: dict[str, dict[str, list[Scores]]] = {}
    for person, by_method in scores:
        for method, values in by_method.items():
            found.setdefault(method, {}).setdefault(person, []).append(values)
    fitted = {
        method: fit_intervals([merged(each) for each in by_person.values()])
        for method, by_person in found.items()
    }
    return table(
        fitted, "empirical quantiles averaged over people, no finite-sample guarantee", who
    )


STEPS = {DEFAULT: (2,), "consistency": (1, 2)}
"""By sampler, numbers of steps whose gains and factors are measured; four take three times as
long."""

SLICES = 5
"""Slices of a case that factors rest on."""

SAMPLED_SLICES, SAMPLED_PX = 1, 128
"""Slices of a case, and their largest side, where the image is the mean of samples: tens of
evaluations a sample take their time."""


def measure_spread(
    model: Model,
    cases: list[Case],
    levels: tuple[float, ...],
    settings: Settings,
    held_out: Mapping[str, Model],
    meter: Meter = SILENT,
    of_others: bool = False,
) -> dict[str, Any]:
    """Measure the card's ``spectra`` (a latent's too), factors, and ``trust`` in samples.

    Parameters
    ----------
    model : Model
        The model; its spectra are replaced as they become known, its factors ignored.
    cases, levels, meter
        As of a `Cohort`.
    settings : Settings
        Sampler and samples; the sampler's `STEPS` are taken in turn.
    held_out : mapping
        Person → the model with a predictor that has not seen them; others are restored by ``model``
        itself, whose errors may be too small on people that it has seen.
    of_others : bool
        True if the cases are of people whom ``model`` has not seen.
    """
    settings = replace(settings, sampler=model.card.sampler(settings.sampler))

    def model_of(person: str) -> Model:
        found = held_out.get(person, model)
        found.spectra, found.latent = spectra, latent
        return found

    spectra, latent = model.spectra, model.latent
    people, unseen, who = _people(cases, held_out, of_others)
    cohort = Cohort(model_of, cases, levels, meter)
    if latent is not None:
        latent = measure_spectra(cohort, in_latent=True)
    spectra = measure_spectra(cohort, _angles(settings.sampler, latent is not None))
    regions: dict[str, Any] = {}
    scores: list[tuple[str, dict[str, Scores]]] = []
    trust: dict[str, Any] = {}
    for count in STEPS.get(settings.sampler, STEPS[DEFAULT]):
        sampled = replace(settings, steps=count, keep_samples=True)
        gains = measure_gains(cohort, sampled)
        spectra = replace(spectra, gains={**spectra.gains, sampled.method: gains})
        found = cohort.restored(sampled, SLICES, f"calibrating {sampled.method}")
        restored = [probe for _, probe in found]
        scores += [(probe.person, _scored(probe, model.sigma_range[0])) for probe in restored]
        trust = trust or measure_trust(restored, spectra, model.family, who)
        rows = factors(restored, spectra, sampled)
        regions = {**rows, "factors": {**regions.get("factors", {}), **rows["factors"]}}
    model.spectra, model.latent = spectra, latent
    return {
        "spectra": spectra.facts(),
        **({} if latent is None else {"latent_spectra": latent.facts()}),
        "region_factors": {**regions, "people": people, "people_held_out": unseen},
        "intervals": _calibrate(scores, who),
        "trust": trust,
    }


def _angles(sampler: str, in_latent: bool) -> tuple[float, ...]:
    """Angles of the residual's spectra: of samples its own; in a latent also what that loses."""
    if in_latent:
        return (0.0, *ANGLES)
    return ANGLES[-1:] if makes_samples(sampler) else ANGLES


def _people(
    cases: list[Case], held_out: Mapping[str, Model], of_others: bool
) -> tuple[int, int, str]:
    """Number of people, of those whom their model has not seen, and who they are."""
    people = {case.person for case in cases}
    if of_others:
        return len(people), len(people), "people held out of the training, with fresh noise"
    who, unseen = "the training people, with fresh noise", len(people & held_out.keys())
    if unseen == len(people):
        who += ", each by a predictor not trained on them"
    return len(people), unseen, who


def measure_sampled(
    model: Model,
    cases: list[Case],
    levels: tuple[float, ...],
    settings: Settings,
    meter: Meter = SILENT,
    of_others: bool = False,
) -> dict[str, Any]:
    """Measure the card's factors and ``trust`` for the model's usual sampler.

    Parameters
    ----------
    model : Model
        The model; its factors are ignored.
    cases, levels, meter, of_others
        As in `measure_spread`; of several levels every second is measured.
    settings : Settings
        Samples; sampler and steps are the model's usual ones.
    """
    usual = replace(settings, sampler="auto", steps=0, keep_samples=True)
    cohort = Cohort(lambda person: model, cases, levels[1::2] or levels, meter)
    found = cohort.restored(usual, SAMPLED_SLICES, "calibrating", SAMPLED_PX)
    restored = [probe for _, probe in found]
    used = restored[0].plan.settings
    regions = factors(restored, model.spectra, used, about_their_mean=True)
    scores = [(probe.person, _scored(probe, model.sigma_range[0])) for probe in restored]
    for _, by_method in scores:
        del by_method["predictor"]
    people, unseen, who = _people(cases, {}, of_others)
    return {
        "region_factors": {**regions, "people": people, "people_held_out": unseen},
        "intervals": {**_calibrate(scores, who), "samples": settings.samples},
        "trust": measure_trust(restored, model.spectra, model.family, who),
    }
