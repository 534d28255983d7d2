"""What the card says of the spread of a model that has no image but the mean of its samples.

Their spread is what the samples show; what is measured is by how much it falls short, as factors
of the intervals of voxels and regions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore.core.meter import SILENT, Meter
from medrestore.training.calibrate import calibrate, scored
from medrestore.training.probe import restored
from medrestore.training.regions import factors

if TYPE_CHECKING:
    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings
    from medrestore.training.probe import Case

__all__ = ["measure_sampled"]

SLICES, WIDEST_PX = 1, 128
"""Of a case: tens of evaluations a sample take their time."""


def measure_sampled(
    model: Model,
    cases: list[Case],
    levels: tuple[float, ...],
    settings: Settings,
    meter: Meter = SILENT,
) -> dict[str, Any]:
    """Measure the card's ``region_factors`` and ``intervals`` for the model's usual sampler.

    Parameters
    ----------
    model : Model
        The model; its factors are not looked at.
    cases : list of Case
        Scans of several people.
    levels : tuple of float
        Noise added: fraction of the foreground (MR) or HU in soft tissue (CT). Of several every
        second is looked at.
    settings : Settings
        Samples; sampler and steps are the model's own.
    meter : Meter
        One tick per case and level.
    """
    asked = replace(settings, sampler="auto", steps=0, keep_samples=True)
    levels = levels[1::2] or levels
    meter.start(len(cases) * len(levels), "calibrating")
    probes = []
    for case in cases:
        for level in levels:
            probes.append(restored(model, case, level, asked, SLICES, widest=WIDEST_PX))
            meter.tick()
    used = probes[0].plan.settings
    regions = factors(probes, model.spectra, used, about_their_mean=True)
    del regions["factors"]["predictor"]
    scores = [(probe.person, scored(probe, model.sigma_range[0])) for probe in probes]
    for _, by_method in scores:
        del by_method["predictor"]
    people = len({case.person for case in cases})
    return {
        "region_factors": {**regions, "people": people, "people_held_out": 0},
        "intervals": {
            **calibrate(scores, "the training people, with fresh noise"),
            "samples": settings.samples,
        },
    }
