"""Intraclass correlation ICC(2,1): absolute agreement of single scores, readers taken at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Icc", "icc"]


class Icc(NamedTuple):
    """ICC(2,1) with its interval."""

    value: float
    lower: float
    upper: float


def icc(table: NDArray[np.float64], level: float = 0.95) -> Icc | None:
    """Two-way random effects, single rater, absolute agreement.

    Shrout & Fleiss 1979 (doi:10.1037/0033-2909.86.2.420), interval by Satterthwaite's degrees of
    freedom as there and in McGraw & Wong 1996 (doi:10.1037/1082-989X.1.1.30), ICC(A,1).

    Parameters
    ----------
    table : ndarray, shape (items, readers)
        Every item scored by every reader.
    level : float
        Nominal coverage of the interval.

    Returns
    -------
    Icc or None
        None with fewer than two items or readers, or if all scores are equal.
    """
    n, k = table.shape
    if n < 2 or k < 2 or np.ptp(table) == 0:
        return None
    rows, columns, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    ms_items = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    ms_readers = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    rest = table - rows[:, None] - columns + grand
    ms_error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    value = (ms_items - ms_error) / (
        ms_items + (k - 1) * ms_error + k * (ms_readers - ms_error) / n
    )
    if ms_error < 1e-12 * ms_items and ms_readers < 1e-12 * ms_items:
        return Icc(1.0, 1.0, 1.0)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * ms_readers + b * ms_error) ** 2 / (
        (a * ms_readers) ** 2 / (k - 1) + (b * ms_error) ** 2 / ((n - 1) * (k - 1))
    )
    f_low = stats.f.ppf((1 + level) / 2, n - 1, freedom)
    f_high = stats.f.ppf((1 + level) / 2, freedom, n - 1)
    between = k * ms_readers + (k * n - k - n) * ms_error
    lower = n * (ms_items - f_low * ms_error) / (f_low * between + n * ms_items)
    upper = n * (f_high * ms_items - ms_error) / (between + n * f_high * ms_items)
    return Icc(value, float(lower), float(upper))
