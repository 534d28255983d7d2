"""The maps of a block: image, standard deviation and interval, from prediction and samples."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.posterior import Maps, interval
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from medrestore.engine.arrays import Arrays
    from medrestore.engine.block import PredictedBlock
    from medrestore.engine.samples import BlockSamples

__all__ = ["fill_maps"]


def fill_maps(
    out: Arrays, predicted: PredictedBlock, samples: BlockSamples | None, drawn: int
) -> None:
    """Write the maps of a block's chosen slices.

    Parameters
    ----------
    out : Arrays
        The maps of these slices.
    predicted : PredictedBlock
        The block.
    samples : BlockSamples, optional
        Its samples; None where the maps rest on the prediction alone.
    drawn : int
        Number of samples that were counted.
    """
    block, point = predicted.block, predicted.block.point
    plan, engine, settings = point.plan, point.engine, point.plan.settings
    intervals = engine.intervals(settings.method if samples else "predictor")
    lowest = modality_named(plan.modality).lowest
    for i, (z, row) in enumerate(zip(block.chosen, block.rows, strict=True)):
        mu, s, std = _slice(predicted, samples, drawn, i)
        restored, sigma = mu, point.sigma(z)
        if samples is not None and samples.residual is not None:
            plane = predicted.mu[row] + predicted.s[row] * samples.residual[i]
            restored = predicted.image(i, plane)
        rest_on = engine.family.rests_on(drawn)
        factor = intervals.factor(settings.level, sigma / plan.scale, rest_on)
        out.lower[i], out.upper[i] = interval(mu, std, factor, lowest)
        out.restored[i], out.mu[i], out.std[i], out.s[i] = restored, mu, std, s
        out.ratio[i] = predicted.ratios[row]
        out.unmask(i, point.invalid(z), point.y[z])


def _slice(predicted: PredictedBlock, samples: BlockSamples | None, drawn: int, i: int) -> Maps:
    """μ, s and the RMS error expected about μ of chosen slice ``i``, each (y, x)."""
    block, row = predicted.block, predicted.block.rows[i]
    mu, s = predicted.mu[row], predicted.s[row]
    if samples is None:
        return Maps(mu, s, s)
    point, z = block.point, block.chosen[i]
    left = block.spectra.remaining(block.last_angle, [predicted.ratios[row]])[0]
    image = partial(predicted.image, i)
    maps = samples.statistics.maps(i, drawn, Maps(mu, s, s), left, image)
    untouched, sigma = point.untouched(z), point.sigma(z)
    return Maps(maps.mu, *(np.where(untouched, sigma, one) for one in (maps.s, maps.std)))
