"""Annealed Langevin dynamics (Song & Ermon 2019, arXiv:1907.05600) on our angles.

At each angle a few updates z ← z + α ∇log p_t(z) + √(2α) w, whose step α = η sin²t follows the
noise level; then the next angle goes on from the same z, since a residual of unit variance has
nearly the same distribution at all angles. The last word is r̂, the mean of r given z
(Jolicoeur-Martineau et al. 2020, arXiv:2009.05475). It needs many evaluations.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medrestore.core.diffusion import eps_hat
from medrestore.core.evaluations import PER_ANGLE
from medrestore.core.noise_field import LANGEVIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from medrestore.core.noise_field import NoiseField
    from medrestore.core.spectrum import Kernel

__all__ = ["langevin", "langevin_update"]

STEP = 0.5
"""η: raises the variance of pure noise by 1/(1 − η/2), that of a unit residual by less."""


def langevin_update(z_t: Tensor, r_hat: Tensor, t: float, size: float, noise: Tensor) -> Tensor:
    """One update, z + α·score + √(2α)·w: α = ``size`` · sin²t, score = −ε̂/sin t."""
    drift = size * math.sin(t) * eps_hat(z_t, r_hat, t)
    return z_t - drift + math.sqrt(2 * size) * math.sin(t) * noise


def langevin(
    z_t: Tensor,
    r_hat: Tensor,
    t: float,
    u: float,
    *,
    index: int,
    field: NoiseField,
    kernel: Callable[[float], Kernel],
    evaluate: Callable[[Tensor, float], Tensor],
) -> Tensor:
    """Updates at t, from π/2 just the start: cos u · r̂ + z, where r̂ is the mean of r.

    At the last angle one update fewer, and r̂ of the outcome is the sample.
    """
    if index == 0:
        return r_hat if u == 0 else math.cos(u) * r_hat + z_t
    updates = PER_ANGLE["langevin"]
    for i in range(updates - 1):
        noise = field.white(index * updates + i, LANGEVIN)
        z_t = langevin_update(z_t, r_hat, t, STEP, noise)
        r_hat = evaluate(z_t, t)
    if u == 0:
        return r_hat
    noise = field.white(index * updates + updates - 1, LANGEVIN)
    return langevin_update(z_t, r_hat, t, STEP, noise)
