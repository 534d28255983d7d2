"""Factors of region intervals: what the samples' spread leaves, by size of the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.intervals import closed_form_std, sampled_std

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medrestore.core.spectra import Spectra
    from medrestore.settings.settings import Settings
    from medrestore.training.probe import Probe

__all__ = ["boxes", "factors", "region_errors"]

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
