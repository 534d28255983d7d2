"""Estimators of one noise level, ours and others'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from benchmarks.noise import peers
from medrestore.errors import NoiseLevelError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["GROUPS", "Found"]

NAN = float("nan")


@dataclass(frozen=True)
class Found:
    """σ, NaN where an estimator gives up, and the range that ours says instead of a number."""

    sigma: float
    between: tuple[float, float] | None = None


def ours(array: NDArray[np.float32], modality: str) -> dict[str, Found]:
    """What a run with ``noise="auto"`` takes."""
    try:
        found = modality_named(modality).estimate_noise(array)
    except NoiseLevelError:
        return {"medrestore": Found(NAN)}
    return {"medrestore": Found(found.sigma, found.between)}


def immerkaer(array: NDArray[np.float32], _modality: str) -> dict[str, Found]:
    """Mean absolute second difference (Immerkær 1996, doi:10.1006/cviu.1996.0060)."""
    mask = np.outer([1, -2, 1], [1, -2, 1])
    found = [np.abs(ndimage.convolve(plane, mask))[1:-1, 1:-1].mean() for plane in array]
    return {"Immerkær": Found(float(np.sqrt(np.pi / 2) / 6 * np.mean(found)))}


def others(array: NDArray[np.float32], _modality: str) -> dict[str, Found]:
    """DIPY and scikit-image."""
    return {name: Found(sigma) for name, sigma in peers.sigmas(array).items()}


GROUPS: dict[str, Callable[[NDArray[np.float32], str], dict[str, Found]]] = {
    "medrestore": ours,
    "Immerkær": immerkaer,
    "peers": others,
}
"""By what can be asked for; each may hold several."""

MEMBERS = {"medrestore": ("medrestore",), "Immerkær": ("Immerkær",), "peers": peers.NAMES}
