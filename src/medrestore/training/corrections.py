"""Corrections of drawn samples: gains of bands, then factors of regions.

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

from medrestore.core.intervals import closed_form_std, sampled_std
from medrestore.core.samplers import makes_samples
from medrestore.core.schedules import angles
from medrestore.core.spectrum import AREAS
from medrestore.training.probe import band_power

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from medrestore.core.spectra import Spectra
    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings
    from medrestore.training.probe import Cohort, Probe

__all__ = ["Powers", "boxes", "factors", "gains", "measure_gains", "region_errors"]

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
        band_power(probe.residual, window)[counted],
        sampled[counted],
        added[counted],
        np.outer(voxels, AREAS)[counted],
    )


SHAPES = ((1, 4, 4), (1, 10, 10), (1, 32, 32), (5, 14, 14), (5, 45, 45))
"""Slices, rows and columns of the boxes looked at: 16 to 10⁴ voxels, flat and deep."""

LEAST = 20
"""Regions of one size that a factor rests on at least."""


def boxes(probe: Probe, shape: tuple[int, int, int]) -> Iterator[tuple[slice, ...]]:
    """Disjoint boxes of a shape that lie inside the foreground."""
    depth, height, width = (
        (n - b) // b + 1 if n >= b else 0 for n, b in zip(probe.truth.shape, shape, strict=True)
    )
    for z, y, x in np.ndindex(depth, height, width):
        at = tuple(slice(i * b, (i + 1) * b) for i, b in zip((z, y, x), shape, strict=True))
        if probe.inside[at].all():
            yield at


def region_errors(
    probe: Probe,
    spectra: Spectra,
    shape: tuple[int, int, int],
    level: float,
    most: int = 60,
    about_their_mean: bool = False,
) -> list[tuple[float, float, float]]:
    """Of each box: error of its mean, half-width of its interval from samples, in closed form.

    At most ``most`` boxes, spread over all there are; the half-width from samples is NaN where
    there are none. ``about_their_mean``: as of `core.intervals.sampled_std`.
    """
    arrays, found = probe.arrays, []
    found_boxes = list(boxes(probe, shape))
    for at in found_boxes[:: max(1, len(found_boxes) // most)]:
        error = float(arrays.mu[at].mean(dtype=np.float64) - probe.truth[at].mean(dtype=np.float64))
        sampled = np.nan
        if arrays.samples is not None:
            means = arrays.samples[:, *at].mean(axis=(1, 2, 3), dtype=np.float64)
            sampled = sampled_std(means, level, about_their_mean)[0]
        rows = range(*at[0].indices(len(probe.truth)))
        kernel = spectra.kernels(np.pi / 2, [float(arrays.ratio[z]) for z in rows])
        inside = np.zeros((len(rows), *probe.truth.shape[1:]), bool)
        inside[:, *at[1:]] = True
        closed = closed_form_std(
            inside, arrays.s[at[0]], tuple(probe.slices[z] for z in rows), kernel, level
        )[0]
        found.append((error, sampled, closed))
    return found


def factors(
    probes: Iterable[Probe], spectra: Spectra, settings: Settings, about_their_mean: bool = False
) -> dict[str, Any]:
    """Factors of region intervals for one sampler and for the closed form.

    For each size the smallest factor at which the mean over people of the share of regions that
    their interval misses is at most 1 − level.

    Parameters
    ----------
    probes : iterable of Probe
        Scans of several people at several noise levels, restored with samples.
    spectra : Spectra
        Spectra that the samples were drawn with, gains included.
    settings : Settings
        Sampler and level.
    about_their_mean : bool
        True if the image is the mean of the samples.

    Returns
    -------
    dict
        ``voxels`` of the sizes, ``level``, and ``factors`` by ``"sampler:steps"`` and
        ``"predictor"``, as the card holds them.
    """
    seen: dict[int, dict[str, list[Any]]] = {}
    for probe in probes:
        for shape in SHAPES:
            rows = region_errors(
                probe, spectra, shape, settings.level, about_their_mean=about_their_mean
            )
            size = int(np.prod(shape))
            seen.setdefault(size, {}).setdefault(probe.person, []).extend(rows)
    sizes, table = [], []
    for size, people in sorted(seen.items()):
        rows_of = [np.array(rows) for rows in people.values() if rows]
        if sum(len(rows) for rows in rows_of) >= LEAST:
            sizes.append(size)
            table.append([_smallest(rows_of, column, settings.level) for column in (1, 2)])
    method = settings.method
    columns = np.array(table).T.tolist() if table else [[], []]
    return {
        "voxels": sizes,
        "level": settings.level,
        "factors": {method: columns[0], "predictor": columns[1]},
    }


def _smallest(people: list[Any], column: int, level: float) -> float:
    """Quantile of |error|/half-width in which every person counts the same."""
    ratios = [np.abs(rows[:, 0]) / np.maximum(rows[:, column], 1e-20) for rows in people]
    pooled = np.concatenate(ratios)
    weight = np.concatenate([np.full(len(person), 1 / len(person)) for person in ratios]) / len(
        ratios
    )
    order = np.argsort(pooled)
    index = int(np.searchsorted(np.cumsum(weight[order]), level - 1e-9))
    return round(float(pooled[order][min(index, len(pooled) - 1)]), 3)
