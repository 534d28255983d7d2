"""Smooth random fields, and the intensities that tissues may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AIR", "LARGEST_HU", "blurred", "finished", "power_law_field", "tissue_values"]

AIR = {"MR": 0.0, "CT": -1000.0}
LARGEST_HU = 2500.0

_TISSUES_HU = ((40.0, 25.0), (100.0, 60.0), (-100.0, 15.0), (-800.0, 80.0), (600.0, 350.0))
"""Mean and standard deviation: soft tissue, with contrast agent, fat, lung, bone."""
_TISSUE_SHARES = (0.5, 0.15, 0.15, 0.08, 0.12)


def power_law_field(
    rng: np.random.Generator, shape: tuple[int, int, int], exponent: float
) -> NDArray[np.float32]:
    """Gaussian field of mean 0 and standard deviation 1 whose power falls as f^(−exponent)."""
    squares = [np.square(fft.fftfreq(n)) for n in shape[:2]]
    squares.append(np.square(fft.rfftfreq(shape[2])))
    total = squares[0][:, None, None] + squares[1][:, None] + squares[2]
    total[0, 0, 0] = np.inf
    gain = (total ** (-exponent / 4)).astype(np.float32)
    white = rng.standard_normal((2, *gain.shape), dtype=np.float32)
    field = fft.irfftn((white[0] + 1j * white[1]) * gain, s=shape)
    return np.asarray(field / field.std(), dtype=np.float32)


def tissue_values(
    rng: np.random.Generator, count: int, modality: Literal["CT", "MR"]
) -> NDArray[np.float32]:
    """Plausible mean intensities: foreground scale 0…1 (MR), HU (CT)."""
    if modality == "MR":
        return rng.beta(1.3, 1.3, count).astype(np.float32)
    kind = rng.choice(len(_TISSUES_HU), count, p=_TISSUE_SHARES)
    mean, std = np.asarray(_TISSUES_HU, dtype=np.float32)[kind].T
    values = mean + std * rng.standard_normal(count)
    return np.asarray(np.clip(values, -1000, LARGEST_HU), dtype=np.float32)


def blurred(
    rng: np.random.Generator, array: NDArray[np.float32], low: float, high: float
) -> NDArray[np.float32]:
    """Blurred by a Gaussian of random width in voxels: the partial volume of real edges."""
    widths = [0.5 * rng.uniform(low, high), *[rng.uniform(low, high)] * 2]
    return np.asarray(ndimage.gaussian_filter(array, widths, truncate=3), dtype=np.float32)


def finished(
    rng: np.random.Generator, array: NDArray[np.float32], modality: Literal["CT", "MR"]
) -> NDArray[np.float32]:
    """Partial volume, and for MR a smooth receive field; within the modality's range."""
    array = blurred(rng, array, 0.35, 0.8)
    if modality == "CT":
        return np.clip(array, AIR["CT"], LARGEST_HU)
    axes = [np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in array.shape]
    slope, bend = rng.uniform(-0.3, 0.3, (2, 3)).astype(np.float32)
    parts = [slope[i] * a + bend[i] * a * a for i, a in enumerate(axes)]
    field = np.exp(parts[0][:, None, None] + parts[1][:, None] + parts[2])
    return np.asarray(np.maximum(array * field, 0), dtype=np.float32)
