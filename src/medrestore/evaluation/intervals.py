"""Interval factors from people whose truth is known: what training and a site's calibration share.

Voxels are sorted into strata by their noise level, σ over the intensity scale, one octave wide.
Strata that too few people fall into are merged with their neighbour, so that each rests on as many
people as a guarantee needs, or on all there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.intervals import (
    LEVELS,
    Intervals,
    controllable,
    controlled_factor,
)
from medrestore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Scores", "fit_intervals", "guarantee", "merged", "table"]

FIRST_EDGE = 0.003
"""An edge of the octaves; between the noise levels that people round to."""

FEWEST_VOXELS = 200
"""A person with fewer voxels than this in a stratum does not count there."""

ENOUGH_PEOPLE = 20
"""People that allow a guarantee at every one of `LEVELS`."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a model's intervals on one person's scan; flat arrays over the same voxels.

    Parameters
    ----------
    error : ndarray
        |truth − μ| over the std that is calibrated.
    relative_sigma : ndarray
        σ over the intensity scale.
    """

    error: NDArray[np.float32]
    relative_sigma: NDArray[np.float32]

    def at(self, chosen: NDArray[np.bool_]) -> Scores:
        """Some of the voxels."""
        return Scores(self.error[chosen], self.relative_sigma[chosen])


def merged(scores: Sequence[Scores]) -> Scores:
    """Several scans of one person as one."""
    return Scores(
        np.concatenate([one.error for one in scores]),
        np.concatenate([one.relative_sigma for one in scores]),
    )


def fit_intervals(people: Sequence[Scores]) -> tuple[Intervals, tuple[int, ...]]:
    """Factors for each stratum: risk-controlled where enough people allow it, else empirical.

    One number per level and stratum, nothing finer: factors that also depend on std/σ, fitted to
    the training people, covered *worse* on held-out ones.

    Returns
    -------
    intervals : Intervals
    people : tuple of int
        Number of people each stratum rests on.

    Raises
    ------
    InputError
        If nobody has enough voxels.
    """
    strata = _strata(people)
    rows = []
    for inside in strata:
        errors = [one.error for one in inside]
        row = [controlled_factor(errors, level) for level in LEVELS]
        rows.append(tuple(float(v) for v in np.maximum.accumulate(row)))
    centres = tuple(_centre(inside) for inside in strata)
    counts = tuple(len(inside) for inside in strata)
    return Intervals(centres, tuple(rows), len(people)), counts


def guarantee(people: int) -> str:
    """Return the guarantee that factors have which rest on so many people."""
    controlled = [f"{level:.0%}" for level in LEVELS if controllable(people, level)]
    if len(controlled) == len(LEVELS):
        return f"conformal risk control, n = {people}"
    rest = f"empirical, n = {people}, no finite-sample guarantee"
    high = [name for level, name in zip(LEVELS, controlled, strict=False) if level >= 0.9]
    if not high:
        return rest
    return f"conformal risk control up to {high[-1]}, n = {people}; above that {rest}"


def table(
    fitted: dict[str, tuple[Intervals, tuple[int, ...]]], how: str, who: str
) -> dict[str, Any]:
    """The card's ``intervals``: factors of each method, from how many people, and how.

    Parameters
    ----------
    fitted : dict
        Results of `fit_intervals` by method; the same voxels for all.
    how, who : str
        Entries of the card: the method, and the people.
    """
    first, counts = next(iter(fitted.values()))
    return {
        "relative_sigma": [round(v, 5) for v in first.relative_sigma],
        "levels": list(LEVELS),
        "people": first.people,
        "people_by_noise": list(counts),
        "how": how,
        "who": who,
        "factors": {
            method: [[round(v, 4) for v in row] for row in one.factors]
            for method, (one, _) in fitted.items()
        },
    }


def _strata(people: Sequence[Scores]) -> list[list[Scores]]:
    """For each stratum the people in it."""
    octaves = [np.floor(np.log2(one.relative_sigma / FIRST_EDGE)) for one in people]
    bounds: list[tuple[float, float]] = []
    first = -np.inf
    for last in np.unique(np.concatenate([np.unique(one) for one in octaves])):
        if len(_between(people, octaves, first, last)) >= min(ENOUGH_PEOPLE, len(people)):
            bounds.append((first, last))
            first = last + 1
    bounds = [*bounds[:-1], (bounds[-1][0] if bounds else -np.inf, np.inf)]  # the rest joins
    found = [_between(people, octaves, *both) for both in bounds]
    if not all(found):
        raise InputError(
            f"nothing to calibrate on: no scan has {FEWEST_VOXELS} voxels of tissue whose noise "
            "the model removes; check the references and the noise level"
        )
    return found


def _between(
    people: Sequence[Scores], octaves: list[NDArray[Any]], first: float, last: float
) -> list[Scores]:
    chosen = [(o >= first) & (o <= last) for o in octaves]
    return [one.at(c) for one, c in zip(people, chosen, strict=True) if c.sum() >= FEWEST_VOXELS]


def _centre(inside: list[Scores]) -> float:
    """Geometric mean of σ, each person counting the same."""
    return float(np.exp(np.mean([np.log(one.relative_sigma).mean() for one in inside])))
