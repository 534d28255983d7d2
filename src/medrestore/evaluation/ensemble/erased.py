"""Lesions that a restoration took away, and whether its `removed` map says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Recall", "recall", "remaining"]

FALSE_POSITIVES = 0.01
"""Rate at which a map is judged."""
ERASED_BELOW = 0.5
"""Share of its contrast below which a lesion counts as erased."""


@dataclass(frozen=True)
class Recall:
    """Number of lesions that a map of removed structure points at.

    Parameters
    ----------
    inserted, erased : int
        Lesions there were (realisations × places), and those of them that were erased.
    of_inserted, of_erased : float
        Share of them that were flagged; NaN where there were none.
    threshold : float
        Largest value of the map in a lesion above which it counts as flagged, the scan's unit.
    false_positives : float
        Share of the same places without lesion that were flagged at that threshold.
    """

    inserted: int
    erased: int
    of_inserted: float
    of_erased: float
    threshold: float
    false_positives: float


def remaining(
    present: NDArray[Any], absent: NDArray[Any], signal: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the share of each lesion's contrast that is left, ⟨g − ḡ₀, s⟩ / ⟨s, s⟩, (n, places).

    Parameters
    ----------
    present, absent : ndarray, shape (n, places, y, x)
        Restored pictures with and without the lesion; ḡ₀ is the mean of the latter. The noise that
        is left in a picture is in its share too.
    signal : ndarray, shape (places, y, x)
        Noise-free lesion s.
    """
    template = np.asarray(signal, dtype=np.float64)
    change = np.asarray(present, dtype=np.float64) - absent.mean(axis=0, dtype=np.float64)
    energy = np.square(template).sum(axis=(1, 2))
    return np.asarray(np.einsum("npyx,pyx->np", change, template) / energy)


def recall(
    present: NDArray[Any],
    absent: NDArray[Any],
    signal: NDArray[Any],
    left: NDArray[np.float64],
) -> Recall:
    """Return the recall of a map of removed structure at a rate of false positives.

    A place's score is the largest value of the map, of the lesion's sign, where the noise-free
    lesion has half its contrast. The threshold is the lowest at which no more than the stated share
    of the places without lesion is flagged.

    Parameters
    ----------
    present, absent : ndarray, shape (n, places, y, x)
        The ``removed`` map with and without the lesion.
    signal : ndarray, shape (places, y, x)
        Noise-free lesion.
    left : ndarray, shape (n, places)
        Share of each lesion's contrast that was left (`remaining`).
    """
    peak = np.abs(signal).max(axis=(1, 2), keepdims=True)
    inside = np.abs(signal) >= peak / 2
    sign = np.sign(signal.sum(axis=(1, 2)))[:, None, None]
    with_it, without = (
        np.where(inside, np.nan_to_num(one) * sign, -np.inf).max(axis=(2, 3))
        for one in (present, absent)
    )
    ordered = np.sort(without.ravel())
    allowed = int(FALSE_POSITIVES * ordered.size)
    threshold = max(0.0, float(ordered[ordered.size - 1 - allowed]))
    flagged, gone = with_it > threshold, left < ERASED_BELOW
    return Recall(
        inserted=int(flagged.size),
        erased=int(gone.sum()),
        of_inserted=float(flagged.mean()),
        of_erased=float(flagged[gone].mean()) if gone.any() else float("nan"),
        threshold=threshold,
        false_positives=float((without > threshold).mean()),
    )
