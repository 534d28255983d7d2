"""Contrast limits that show a scan the way its readers are used to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "balanced_limits",
    "contrast_limits",
    "difference_limits",
    "percentile_limits",
    "spread_limits",
    "usual_window",
]

ENOUGH_VOXELS = 1_000_000


def contrast_limits(array: NDArray[Any], modality: str | None) -> tuple[float, float]:
    """The usual window of the modality, robust percentiles where it has none."""
    return usual_window(modality) or percentile_limits(array, 0.5, 99.7)


def usual_window(modality: str | None) -> tuple[float, float] | None:
    """The window that all scans of a modality are shown in; None where they share no unit."""
    return None if modality is None else modality_named(modality).display.window


def percentile_limits(array: NDArray[Any], below: float, above: float) -> tuple[float, float]:
    """Two percentiles of the finite values, widened where they coincide."""
    values = _some(array)
    if not values.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, (below, above)))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low, low + 1)


def spread_limits(array: NDArray[Any]) -> tuple[float, float]:
    """Zero to nearly the largest standard deviation."""
    values = _some(array)
    high = float(np.percentile(values, 99.5)) if values.size else 0.0
    return 0.0, high if high > 0 else 1.0


def difference_limits(array: NDArray[Any]) -> tuple[float, float]:
    """The largest difference on both sides of zero; differences may be rare."""
    finite = array[np.isfinite(array)]
    high = float(np.abs(finite).max()) if finite.size else 0.0
    return (-high, high) if high > 0 else (-1.0, 1.0)


def balanced_limits(array: NDArray[Any]) -> tuple[float, float]:
    """Nearly the largest value on both sides of zero."""
    values = np.abs(_some(array))
    high = float(np.percentile(values, 99.5)) if values.size else 0.0
    return (-high, high) if high > 0 else (-1.0, 1.0)


def _some(array: NDArray[Any]) -> NDArray[Any]:
    """Finite values of about a million voxels on a regular grid."""
    step = max(1, round((array.size / ENOUGH_VOXELS) ** (1 / 3)))
    values = np.asarray(array[..., ::step, ::step, ::step]).ravel()
    finite: NDArray[Any] = values[np.isfinite(values)]
    return finite
