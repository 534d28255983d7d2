"""Noise that training scans carry themselves: its level, and the kernel of a bank it looks like.

Targets are corrected with noise of the spectrum that the scan's own noise has
(`training.targets`). Scanners' kernels differ: the power of noise between 0.1 and 0.5 cycles a
pixel is measured in the scan's calm soft tissue and in the bank's noise at the same positions; the
nearest kernel in mean squared log power is taken. Below 0.1 cycles a pixel anatomy leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from medrestore.errors import NoiseLevelError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.training.data import Stack

__all__ = ["band_power", "scan_kernel", "scan_noise_std"]


def scan_noise_std(stack: Stack, modality: str) -> float | None:
    """Standard deviation of a stack's noise, intensity units; None where it cannot be estimated.

    The estimator of `core.noise_level` on the stack as it is: a binned copy gets its own, lower
    value, whatever the correlation of the scan's noise. MR: Gaussian std per channel; CT: soft
    tissue.
    """
    try:
        return float(modality_named(modality).estimate_noise(stack.array).sigma)
    except NoiseLevelError:
        return None


BLOCK = 32
STEP = 12
SLICES = 24
"""Slices that are looked at, around the middle of the stack."""
CALMEST = 0.15
"""Share of the blocks of soft tissue that count: those with least coarse structure."""
FEWEST = 6
SOFT_HU, BODY_HU = (-50.0, 150.0), (-300.0, 400.0)
"""A block's mean, and all of its voxels, lie between."""
BANDS = (0.1, 0.16, 0.22, 0.28, 0.34, 0.4, 0.5)
FLOOR = 0.002
"""Share of the power that does not count: rounding of stored values."""


def scan_kernel(stack: Stack) -> int:
    """Index of the kernel, of the stack's noise bank, that the stack's noise is nearest to.

    The middle of the bank where the scan has too little calm soft tissue.
    """
    assert stack.noise is not None and stack.gain is not None
    middle = max(0, (len(stack.array) - SLICES) // 2)
    slices = slice(middle, middle + SLICES)
    array = stack.array[slices]
    corners = _calm(array)
    if len(corners) < FEWEST:
        return len(stack.noise) // 2
    power = np.log(_shape(array, corners) + FLOOR)
    gain = stack.gain[0, slices].astype(np.float32)
    apart = []
    for noise in stack.noise:
        drawn = noise[0, slices].astype(np.float32) * gain
        apart.append(float(np.square(np.log(_shape(drawn, corners) + FLOOR) - power).sum()))
    return int(np.argmin(apart))


def band_power(blocks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of noise power in the bands between `BANDS`, cycles a pixel.

    Parameters
    ----------
    blocks : ndarray, shape (n, 32, 32)
        Pieces of an image; their own mean, slopes and curvature are taken out.
    """
    axis = np.linspace(-1, 1, BLOCK)
    y, x = (part.ravel() for part in np.meshgrid(axis, axis, indexing="ij"))
    smooth, _ = np.linalg.qr(np.stack([np.ones_like(y), y, x, y * x, y * y, x * x], axis=1))
    flat = blocks.reshape(len(blocks), -1).astype(np.float64)
    flat = flat - (flat @ smooth) @ smooth.T
    window = np.hanning(BLOCK + 2)[1:-1]
    shaped = flat.reshape(-1, BLOCK, BLOCK) * np.outer(window, window)
    power = np.square(np.abs(np.fft.fft2(shaped))).mean(axis=0)
    frequency = np.fft.fftfreq(BLOCK)
    band = np.digitize(np.hypot(*np.meshgrid(frequency, frequency)), BANDS)
    density = np.array([power[band == k].mean() for k in range(1, len(BANDS))])
    return np.asarray(density / density.sum())


def _calm(array: NDArray[np.float32]) -> list[tuple[int, int, int]]:
    """Corners (z, y, x) of the blocks of soft tissue with least structure for their noise."""
    found = []
    for z, plane in enumerate(array):
        coarse = ndimage.gaussian_filter(plane, 3)
        for y in range(0, plane.shape[0] - BLOCK + 1, STEP):
            for x in range(0, plane.shape[1] - BLOCK + 1, STEP):
                window = (slice(y, y + BLOCK), slice(x, x + BLOCK))
                block = plane[window]
                soft = SOFT_HU[0] < float(block.mean()) < SOFT_HU[1]
                if soft and block.min() > BODY_HU[0] and block.max() < BODY_HU[1]:
                    fine = float((block - coarse[window]).std()) + 1e-6
                    found.append((float(coarse[window].std()) / fine, (z, y, x)))
    found.sort()
    return [corner for _, corner in found[: max(FEWEST, int(CALMEST * len(found)))]]


def _shape(array: NDArray[np.float32], corners: list[tuple[int, int, int]]) -> NDArray[np.float64]:
    return band_power(np.stack([array[z, y : y + BLOCK, x : x + BLOCK] for z, y, x in corners]))
