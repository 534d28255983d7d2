"""Gains of bands: corrections of drawn samples.

A refiner is not the exact posterior mean, so that the spectra of r − r̂ on true residuals do not
add up to the error's spectrum when the chain passes through its samples. The noise of the last
step is what a gain can change without touching the network's path: with T the power of the true
residual in a band, D that of the samples and C what the last step added to it, the gain
1 + (T − D)/C makes the two equal; it is not below 0. A consistency sampler's network makes whole
samples, whose own power a gain changes: C is D, and the gain T/D.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from medrestore.core.samplers import makes_samples
from medrestore.core.schedules import angles
from medrestore.core.spectrum import AREAS
from medrestore.training.probe import band_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings
    from medrestore.training.probe import Cohort, Probe

__all__ = ["Powers", "gains", "measure_gains"]

SLICES = 3
"""Slices of a case."""
LARGEST = 100.0
"""Largest gain: a band whose last step has next to nothing to amplify stays as it is."""


@dataclass(frozen=True, eq=False)
class Powers:
    """Band powers of many slices, (n, bands), in units of s², and their ratios, (n,).

    ``last`` is what the last step adds, or, where the network makes samples, all that it makes;
    ``freedom`` is the number of independent values that a power was estimated from.
    """

    ratio: NDArray[np.float64]
    true: NDArray[np.float64]
    sampled: NDArray[np.float64]
    last: NDArray[np.float64]
    freedom: NDArray[np.float64]


def gains(powers: Powers, nodes: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
    """Gain of each band at each of the family's ratios.

    A slice counts for the two nodes on either side of its ratio, as the family is interpolated; a
    node that no slice is near takes the mean over all slices. A gain departs from 1 as far as it
    is known: δ = (T − D)/C is shrunk by δ²/(δ² + Var δ), Var δ = 2T²/(n C²) for n independent
    values. The lowest bands hold few.
    """
    at = np.interp(np.log(powers.ratio), np.log(nodes), np.arange(len(nodes)))
    rows = []
    for k in range(len(nodes)):
        weight = np.maximum(1 - np.abs(at - k), 0)
        if weight.sum() < 0.5:
            weight = np.ones(len(at))
        weight /= weight.sum()
        true, sampled, last = (weight @ p for p in (powers.true, powers.sampled, powers.last))
        added = np.maximum(last, 1e-12)
        delta = (true - sampled) / added
        share = weight**2 @ (1 / np.maximum(powers.freedom, 1e-12))  # 1/n of the weighted mean
        error = 2 * share * (true / added) ** 2
        found = 1 + delta**3 / np.maximum(delta**2 + error, 1e-12)
        rows.append(tuple(float(g) for g in np.clip(found, 0.0, LARGEST)))
    return tuple(rows)


def measure_gains(cohort: Cohort, settings: Settings) -> tuple[tuple[float, ...], ...]:
    """Gains of one sampler and number of steps, those of ``settings``; the models' are ignored."""
    seen: list[Powers] = []
    nodes: tuple[float, ...] = ()
    untuned = replace(cohort, model_of=lambda person: _untuned(cohort.model_of(person)))
    with_samples, label = replace(settings, keep_samples=True), f"spread of {settings.method}"
    for model, probe in untuned.restored(with_samples, SLICES, label):
        nodes = model.spectra.ratios or (1.0,)
        seen.append(_powers(probe, model, settings))
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(powers, name) for powers in seen])
        for name in ("ratio", "true", "sampled", "last", "freedom")
    }
    return gains(Powers(**joined), nodes)


def _untuned(model: Model) -> Model:
    """The same networks without gains."""
    from medrestore.models.model import Model as Loaded

    bare = Loaded(model.card, model.predictor, model.refiner, model.device)
    bare.spectra, bare.latent = replace(model.spectra, gains={}), model.latent
    return bare


def _powers(probe: Probe, model: Model, settings: Settings) -> Powers:
    """Of the true residual, of the samples about μ, and of what the gain acts on."""
    samples = probe.arrays.samples
    assert samples is not None
    window, spread = probe.window, np.maximum(probe.arrays.s, 1e-20)
    drawn = [torch.from_numpy((one - probe.arrays.mu) / spread) for one in samples]
    last = angles(settings.steps, settings.schedule)[-2]
    ratio = np.asarray(probe.arrays.ratio, dtype=np.float64)
    counted = window.sum(dim=(1, 2)).numpy() > 0
    energy = window.square()
    voxels = (
        energy.sum(dim=(1, 2)) ** 2 / energy.square().sum(dim=(1, 2)).clamp(min=1e-12)
    ).numpy()
    sampled = np.mean([band_power(r, window) for r in drawn], axis=0)
    if makes_samples(settings.sampler):
        added = sampled
    else:
        added = np.array([model.spectra.at(last, float(q)).power for q in ratio])
    return Powers(
        ratio[counted],
        (band_power(probe.residual, window) * probe.error_share(window))[counted],
        sampled[counted],
        added[counted],
        np.outer(voxels, AREAS)[counted],
    )
