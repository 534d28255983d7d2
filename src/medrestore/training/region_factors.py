"""Intervals of regions, measured: how far the closed form is to be trusted, and factors.

Means of boxes inside the foreground are compared with the truth. For each size, the closed form of
a variance is worth as many degrees of freedom as make the errors most likely under the Student's t
of `core.region_mean.fused_spread`, whatever the number of samples; a factor then makes intervals
cover what they state. Every person counts the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import gammaln

from medrestore.core.region_mean import closed_form_std, fused_spread, sampled_spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from medrestore.core.region_mean import Spread
    from medrestore.core.spectra import Spectra
    from medrestore.settings.settings import Settings
    from medrestore.training.probe import Probe

__all__ = [
    "COUNTS",
    "SHAPES",
    "RegionErrors",
    "boxes",
    "factor",
    "factors",
    "region_errors",
    "spread_of",
]

SHAPES = ((1, 4, 4), (1, 10, 10), (1, 32, 32), (5, 14, 14), (5, 45, 45))
"""Slices, rows and columns of the boxes looked at: 16 to 10⁴ voxels, flat and deep."""

LEAST, LEAST_PEOPLE = 20, 4
"""Regions of one size that a factor rests on at least, and people, or all there are."""

COUNTS = (2, 4, 8)
"""Numbers of samples that a method's intervals are to hold for."""

DOF = (4.0, 6.0, 8.0, 11.0, 16.0, 23.0, 32.0, 45.0, 64.0, 91.0, 128.0)
"""Degrees of freedom among which the likeliest is looked for: steps of √2."""

SCALES = tuple(np.geomspace(1.0, 2.5, 13))
"""Scales at which their likelihood is looked at; none below 1, as of factors."""


class RegionErrors(NamedTuple):
    """Of regions of one size: error of the mean, its closed form, and the samples' own means.

    Parameters
    ----------
    error, closed_form : ndarray, shape (n,)
        Mean shown less the true one; standard deviation.
    samples : ndarray, shape (n, S)
        S is 0 where none were drawn.
    left : ndarray, shape (n,)
        Standard deviation that the truth's own noise gives the error.
    """

    error: NDArray[np.float64]
    closed_form: NDArray[np.float64]
    samples: NDArray[np.float64]
    left: NDArray[np.float64]

    def counts(self) -> tuple[int, ...]:
        """Numbers of samples that intervals are to hold for: `COUNTS`, as far as there are any."""
        drawn = self.samples.shape[1]
        return tuple(n for n in COUNTS if n <= drawn) or (drawn,)


def boxes(probe: Probe, shape: tuple[int, int, int]) -> Iterator[tuple[slice, ...]]:
    """Disjoint boxes of a shape that lie inside the foreground."""
    depth, height, width = (n // b for n, b in zip(probe.truth.shape, shape, strict=True))
    for z, y, x in np.ndindex(depth, height, width):
        at = tuple(slice(i * b, (i + 1) * b) for i, b in zip((z, y, x), shape, strict=True))
        if probe.inside[at].all():
            yield at


def region_errors(
    probe: Probe, spectra: Spectra, shape: tuple[int, int, int], most: int = 60
) -> RegionErrors:
    """Errors of boxes of a shape: at most ``most``, spread over all there are."""
    arrays, found = probe.arrays, list(boxes(probe, shape))
    found = found[:: max(1, len(found) // most)]
    weights = np.full(shape, 1 / np.prod(shape))
    error, closed, means = [], [], []
    for at in found:
        error.append(arrays.mu[at].mean(dtype=np.float64) - probe.truth[at].mean(dtype=np.float64))
        rows = range(*at[0].indices(len(probe.truth)))
        kernel = spectra.kernels(np.pi / 2, [float(arrays.ratio[z]) for z in rows])
        slices = tuple(probe.slices[z] for z in rows)
        closed.append(closed_form_std(weights, arrays.s[at], slices, kernel))
        if arrays.samples is not None:
            means.append(arrays.samples[:, *at].mean(axis=(1, 2, 3), dtype=np.float64))
    samples = np.array(means) if means else np.zeros((len(found), 0))
    return RegionErrors(np.array(error), np.array(closed), samples, _left(probe, found))


def _left(probe: Probe, regions: list[tuple[slice, ...]]) -> NDArray[np.float64]:
    """Root mean square of the means of the truth's noise over regions of one size, for each."""
    if probe.left is None:
        return np.zeros(len(regions))
    means = [probe.left.field[at].mean(dtype=np.float64) for at in regions]
    return np.full(len(regions), np.sqrt(np.mean(np.square(means))) if means else 0.0)


def factors(
    probes: Iterable[Probe], spectra: Spectra, settings: Settings, about_their_mean: bool = False
) -> dict[str, Any]:
    """Factors of region intervals for one sampler and for the closed form.

    For each size the smallest at which the mean over people of the share of regions that their
    interval misses is at most 1 − level (`factor`); intervals of 2, 4 and 8 samples count the same.

    Parameters
    ----------
    probes : iterable of Probe
        Scans of several people at several noise levels, restored with samples.
    spectra : Spectra
        Spectra that the samples were drawn with, gains included.
    settings : Settings
        Sampler, samples and level.
    about_their_mean : bool
        True if the image is the mean of the samples, and nothing else says how it errs.

    Returns
    -------
    dict
        ``voxels`` of the sizes, ``level``, ``factors`` by ``"sampler:steps"`` and ``"predictor"``,
        and ``dof`` of the closed form, as the card holds them.
    """
    seen: dict[int, dict[str, list[RegionErrors]]] = {}
    for probe in probes:
        for shape in SHAPES:
            errors = region_errors(probe, spectra, shape)
            of_size = seen.setdefault(int(np.prod(shape)), {})
            of_size.setdefault(probe.person, []).extend([errors] if len(errors.error) else [])
    by_size = {
        size: [_joined(each) for each in people.values() if each]
        for size, people in sorted(seen.items())
    }
    wanted = min(LEAST_PEOPLE, max(map(len, by_size.values()), default=0))
    enough = {
        size: people
        for size, people in by_size.items()
        if len(people) >= wanted and sum(len(one.error) for one in people) >= LEAST
    }
    level = settings.level
    found: dict[str, Any] = {"voxels": [*enough], "level": level}
    if about_their_mean:
        rows = [
            factor([[(p.error, sampled_spread(p.samples, True))] for p in people], level)
            for people in enough.values()
        ]
        return {**found, "factors": {settings.method: rows}}
    dof = [_likeliest(people) for people in enough.values()]
    columns = {
        method: [
            factor([[(p.error, spread_of(p, nu, n)) for n in counts(p)] for p in people], level)
            for people, nu in zip(enough.values(), dof, strict=True)
        ]
        for method, counts in ((settings.method, RegionErrors.counts), ("predictor", _none))
    }
    return {**found, "factors": columns, "dof": dof}


Group = tuple["NDArray[np.float64]", "Spread"]
"""Errors of regions, and what is said of them."""


def factor(people: list[list[Group]], level: float) -> float:
    """What intervals are multiplied by, so that they cover what they state; never below 1.

    The closed form is what the noise allows at low frequencies. People whose errors are smaller
    still, of smooth anatomy for the most part, tell nothing of the next one.
    """
    return round(max(1.0, _quantile(people, level)), 3)


def _quantile(people: list[list[Group]], level: float) -> float:
    """Quantile of |error|/half-width in which every person and group counts the same."""
    ratios = [
        np.abs(e) / np.maximum(s.half_width(level), 1e-20) for groups in people for e, s in groups
    ]
    pooled = np.concatenate(ratios)
    weight = np.concatenate([np.full(len(one), 1 / len(one)) for one in ratios]) / len(ratios)
    order = np.argsort(pooled)
    index = int(np.searchsorted(np.cumsum(weight[order]), level - 1e-9))
    return max(float(pooled[order][min(index, len(pooled) - 1)]), 1e-6)


def spread_of(errors: RegionErrors, dof: float, count: int) -> Spread:
    """What the closed form and the first ``count`` samples say of each region's error."""
    found = fused_spread(errors.closed_form, dof, errors.samples[:, :count])
    return found._replace(std=np.hypot(found.std, errors.left))


def _none(errors: RegionErrors) -> tuple[int, ...]:
    """No sample."""
    return (0,)


def _likeliest(people: list[RegionErrors]) -> float:
    """Degrees of freedom of the closed form that make the errors most likely, of `DOF`.

    At the scale that suits them best: factors of intervals hold the scale.
    """
    return max(DOF, key=lambda dof: max(_density(people, dof, scale) for scale in SCALES))


def _density(people: list[RegionErrors], dof: float, scale: float) -> float:
    """Mean log density of Student's t, ``scale`` times as wide as the spreads say.

    Over regions, then over people and numbers of samples.
    """
    found = []
    for person in people:
        for count in person.counts():
            std, nu = spread_of(person, dof, count)
            std = np.maximum(scale * std, 1e-20)
            tail = np.mean((nu + 1) / 2 * np.log1p((person.error / std) ** 2 / nu) + np.log(std))
            found.append(gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - tail)
    return float(np.mean(found))


def _joined(parts: list[RegionErrors]) -> RegionErrors:
    """All regions of a person."""
    return RegionErrors(*(np.concatenate(one) for one in zip(*parts, strict=True)))
