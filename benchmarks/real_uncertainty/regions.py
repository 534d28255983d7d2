"""Intervals of region means against a repeat of the scan, or a mean that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from medrestore.evaluation.floor import rician_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case
    from medrestore.results.result import Result

__all__ = ["region_scores"]

SIDES = (4, 10)
"""Of the square regions, pixels."""
MOST = 80
Z90 = float(ndtri(0.95))


def region_scores(result: Result, case: Case, slices: tuple[int, ...]) -> dict[str, Any]:
    """Coverage of 90 % intervals, and std over error, of squares that lie wholly in the mask.

    The reference's noise in a mean is half the mean square of the repeats' difference of means;
    ``repeats_over_white``: its root over σ/√n, above 1 where noise is correlated or people moved.
    The interval is widened by it, its half width over 1.645 read as a standard deviation.
    """
    ready, row = result.regions().ready(slices), {}
    rician = case.sigma if case.kind == "repeat" else 0.0
    for side in SIDES:
        found = []
        for z, ys, xs in _squares(case.mask, slices, side):
            inside = np.zeros(case.mask.shape, bool)
            inside[z, ys, xs] = True
            one = ready.measure(inside)
            plane = result.restored.array[slices.index(z)][ys, xs]
            shift = rician_mean(plane, rician).mean() - plane.mean() if rician else 0.0
            first, second = (a[z, ys, xs].mean(dtype=np.float64) for a in (case.noisy, case.truth))
            off, half = one.mean + shift - second, (one.upper - one.lower) / 2
            found.append((off, half / Z90, first - second))
        if len(found) < 20:
            continue
        off, std, apart = np.array(found).T
        noise = float(np.mean(apart**2)) / 2 if rician else 0.0
        error, name = float(np.mean(off**2)) - noise, f"region{side**2}"
        row[f"regions{side**2}"] = len(found)
        row[f"{name}_cover90"] = float(np.mean(np.abs(off) <= Z90 * np.hypot(std, noise**0.5)))
        row[f"{name}_std_error"] = float(np.sqrt(np.mean(std**2) / error)) if error > 0 else np.nan
        if rician:
            row[f"{name}_noise_alone90"] = float(np.mean(np.abs(off) <= Z90 * noise**0.5))
            row[f"{name}_repeats_over_white"] = noise**0.5 * side / rician
    return row


def _squares(
    mask: NDArray[np.bool_], slices: tuple[int, ...], side: int
) -> Iterator[tuple[int, slice, slice]]:
    """At most ``MOST`` disjoint squares, spread over all there are."""
    height, width = mask.shape[1:]
    every = [
        (z, slice(y, y + side), slice(x, x + side))
        for z in slices
        for y in range(0, height - side + 1, side)
        for x in range(0, width - side + 1, side)
        if mask[z, y : y + side, x : x + side].all()
    ]
    picked = np.unique(np.linspace(0, len(every) - 1, min(MOST, len(every))).astype(int))
    return (every[i] for i in picked)
