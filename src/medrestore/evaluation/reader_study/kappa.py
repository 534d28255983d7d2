"""Agreement of two readers, or of one reader twice, on an ordered scale: Cohen's weighted κ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Weights", "kappa"]

Weights = Literal["none", "linear", "quadratic"]
POWER = {"linear": 1, "quadratic": 2}


def kappa(
    one: Sequence[int], other: Sequence[int], categories: int, weights: Weights = "linear"
) -> float | None:
    """κ = 1 − Σ w·observed / Σ w·expected (Cohen 1968, doi:10.1037/h0026256).

    Parameters
    ----------
    one, other : sequence of int
        Categories 0…categories−1 that the two gave to the same items.
    categories : int
        Steps of the scale, also those that nobody used.
    weights : {"none", "linear", "quadratic"}
        Disagreement by |i − j| steps counts as 1 (if any), as |i − j|, or as (i − j)².

    Returns
    -------
    float or None
        1 agreement, 0 no more than chance. None without items, or where chance alone would agree
        on all: both gave one and the same category throughout.
    """
    observed = np.zeros((categories, categories))
    np.add.at(observed, (np.asarray(one, dtype=int), np.asarray(other, dtype=int)), 1)
    if not observed.sum():
        return None
    observed /= observed.sum()
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories)))
    weight = (steps > 0).astype(float) if weights == "none" else steps ** POWER[weights]
    by_chance = float((weight * expected).sum())
    if by_chance == 0:
        return None
    return 1 - float((weight * observed).sum()) / by_chance
