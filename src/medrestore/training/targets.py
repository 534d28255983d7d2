"""Targets that are noisy themselves, made independent of the input's noise.

A scan t = x + w carries noise w of standard deviation σ_o; training adds n of σ: y = t + n. A
network trained towards t learns E[t|y] = (1 − ρ)·E[x|y] + ρ·y with ρ = σ_o²/(σ_o² + σ²): it keeps
the share ρ of all noise, and its squared error is *not* that against x plus σ_o², because w is in
the input too. Adding the same n to the target with the opposite sign and the right weight,

    t' = t − (σ_o/σ)²·n = x + e        e = w − (σ_o/σ)²·n        Cov(e, w + n) = 0

makes the target's noise e independent of the input's (Pang et al. 2021, Recorrupted-to-
Recorrupted, doi:10.1109/CVPR46437.2021.00208). Then, exactly for Gaussian noise of one spectrum,

    E|t' − μ|² = E|x − μ|² + σ_e²        σ_e² = σ_o²·(1 + (σ_o/σ)²)

so squared error leads to E[x|y], and the likelihood of s is that of N(μ, s² + σ_e²)
(`training.stages`). The noise to be removed is all there is: the condition holds √(σ² + σ_o²).

Where the added noise has another spectrum than the scan's own, as in CT, this would be right on
the average over frequencies only: where w has more than its share, noise stays, elsewhere too much
is removed. There the added noise is n = n₁ + n₂ with n₂ of the scan's own spectrum and a share m of
the variance, and only n₂ corrects:

    t' = t − σ_o²/(m·σ²)·n₂        σ_e² = σ_o²·(1 + σ_o²/(m·σ²))

whose noise is independent of w + n at every frequency.

Scanners' kernels differ: the power of noise between 0.1 and 0.5 cycles a pixel is measured in the
scan's calm soft tissue and in the bank's noise at the same positions; the nearest kernel in mean
squared log power is taken. Below 0.1 cycles a pixel anatomy leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from medrestore.errors import NoiseLevelError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.predictor import Condition
    from medrestore.training.data import Stack

__all__ = ["Pair", "band_power", "noise_aware", "scan_kernel", "scan_noise_std"]

LOWEST_SNR = 3.0
"""Magnitudes below this many σ are not Gaussian: there the target stays as it is."""


class Pair(NamedTuple):
    """A training example: the network's condition, and the clean slice or slices.

    ``clean`` is (batch, 1, y, x), the middle slice, or (batch, z, y, x) for volumes;
    ``target_std`` the noise in it that the input does not share (`noise_aware`), if any.
    """

    condition: Condition
    clean: Tensor
    target_std: Tensor | None = None


def noise_aware(
    pair: Pair,
    own: Tensor,
    *,
    magnitude: bool,
    part: Tensor | None = None,
    part_std: Tensor | None = None,
) -> Pair:
    """The pair with an independent target and all of its noise in the condition's σ.

    Parameters
    ----------
    pair : Pair
        With the added σ in its condition, and the scan as its target.
    own : Tensor that broadcasts against ``pair.clean``
        σ_o, intensity units; 0 leaves a patch as it is.
    magnitude : bool
        MR: keep the scan as target where its signal is below three σ.
    part, part_std : Tensors, shape of ``pair.clean``, optional
        The part n₂ of the added noise that has the spectrum of the scan's own, and its local
        standard deviation √m·σ; all of it by default.
    """
    condition = pair.condition
    noisy = condition.y if pair.clean.shape == condition.y.shape else condition.centre
    if part is None or part_std is None:
        part, part_std = noisy - pair.clean, condition.sigma
    share = (own / part_std).square()
    total = (condition.sigma.square() + own.square()).sqrt()
    if magnitude:
        share = torch.where(pair.clean > LOWEST_SNR * total, share, 0.0)
    target = pair.clean - share * part
    std = torch.where(share > 0, own * (1 + share).sqrt(), 0.0)
    return pair._replace(condition=condition._replace(sigma=total), clean=target, target_std=std)


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
