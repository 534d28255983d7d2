"""Stretching a spectrum over frequency until it holds the power it should."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.spectrum import AREAS, BANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dilated"]

_FINE = 64


def _points() -> NDArray[np.float64]:
    """Frequencies inside each band, (bands, 64), equally spaced in area."""
    shares = (np.arange(_FINE) + 0.5) / _FINE
    rows = [
        np.sqrt(low**2 + shares * (min(high, 0.62) ** 2 - low**2))
        for low, high in itertools.pairwise(BANDS)
    ]
    return np.array(rows)


_INSIDE = _points()
_CENTRES = np.array([0.5 * (a + b) for a, b in itertools.pairwise(BANDS)])
_CENTRES[-1] = 0.45


def dilated(power: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """E(a·f) for the a at which the integral over the plane is ``factor`` times that of E.

    The low-frequency limit stays (to the resolution of the bands): a smaller integral makes the
    spectrum narrower, a larger one wider. What stretching alone cannot reach (a spectrum that is
    flat already) is scaled.

    Parameters
    ----------
    power : ndarray, shape (bands,)
        Mean power of each band, positive.
    factor : float
        Of the integral.

    Returns
    -------
    ndarray, shape (bands,)
    """
    logs = np.log(power)
    slope = min((logs[-1] - logs[-2]) / (_CENTRES[-1] - _CENTRES[-2]), 0.0)

    def mean_power(f: NDArray[np.float64]) -> NDArray[np.float64]:
        beyond = slope * np.maximum(f - _CENTRES[-1], 0)  # falls on as it fell last
        return np.asarray(np.exp(np.interp(f, _CENTRES, logs) + beyond).mean(axis=1))

    start = mean_power(_INSIDE)

    def stretched(log_a: float) -> NDArray[np.float64]:
        return power * mean_power(_INSIDE * np.exp(log_a)) / start

    wanted = factor * float(AREAS @ power)
    low, high = -3.0, 3.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if AREAS @ stretched(middle) > wanted:
            low = middle
        else:
            high = middle
    found = stretched(0.5 * (low + high))
    return found * (wanted / float(AREAS @ found))
