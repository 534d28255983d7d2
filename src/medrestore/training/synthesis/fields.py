"""Smooth random fields, and what finishes made-up anatomy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["blurred", "finished", "power_law_field"]


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


def blurred(
    rng: np.random.Generator, array: NDArray[np.float32], low: float, high: float
) -> NDArray[np.float32]:
    """Blurred by a Gaussian of random width in voxels: the partial volume of real edges."""
    widths = [0.5 * rng.uniform(low, high), *[rng.uniform(low, high)] * 2]
    return np.asarray(ndimage.gaussian_filter(array, widths, truncate=3), dtype=np.float32)


def finished(
    rng: np.random.Generator, array: NDArray[np.float32], modality: str
) -> NDArray[np.float32]:
    """Partial volume, and a smooth receive field or the modality's highest intensity."""
    array = blurred(rng, array, 0.35, 0.8)
    kind = modality_named(modality)
    highest = kind.trained.anatomy.highest
    if highest is not None:
        return np.clip(array, kind.air, highest)
    axes = [np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in array.shape]
    slope, bend = rng.uniform(-0.3, 0.3, (2, 3)).astype(np.float32)
    parts = [slope[i] * a + bend[i] * a * a for i, a in enumerate(axes)]
    field = np.exp(parts[0][:, None, None] + parts[1][:, None] + parts[2])
    return np.asarray(np.maximum(array * field, 0), dtype=np.float32)
