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
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from medrestore.errors import NoiseLevelError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medrestore.core.predictor import Condition
    from medrestore.training.data import Stack

__all__ = ["Pair", "noise_aware", "scan_noise_std"]

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
    return noise_std(stack.array, modality)


def noise_std(array: NDArray[np.float32], modality: str) -> float | None:
    """Standard deviation of the noise of slices, (z, y, x), as `scan_noise_std` gives it."""
    try:
        return float(modality_named(modality).estimate_noise(array).sigma)
    except NoiseLevelError:
        return None
