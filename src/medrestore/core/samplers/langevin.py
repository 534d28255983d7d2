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
from medrestore.core.samplers.sampler import Chain, sampler
from medrestore.core.white_noise import LANGEVIN

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["langevin", "langevin_update"]

UPDATES = 4
"""At each angle, one evaluation each."""

STEP = 0.5
"""η: raises the variance of pure noise by 1/(1 − η/2), that of a unit residual by less."""


def langevin_update(z_t: Tensor, r_hat: Tensor, t: float, size: float, noise: Tensor) -> Tensor:
    """One update, z + α·score + √(2α)·w: α = ``size`` · sin²t, score = −ε̂/sin t."""
    drift = size * math.sin(t) * eps_hat(z_t, r_hat, t)
    return z_t - drift + math.sqrt(2 * size) * math.sin(t) * noise


@sampler("langevin", "Langevin", ("song2019", "jolicoeur2020"), per_angle=UPDATES)
def langevin(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """Updates at t, from π/2 just the start: cos u · r̂ + z, where r̂ is the mean of r.

    At the last angle one update fewer, and r̂ of the outcome is the sample.
    """
    if chain.index == 0:
        return r_hat if u == 0 else math.cos(u) * r_hat + z_t
    for i in range(UPDATES - 1):
        noise = chain.field.white(chain.index * UPDATES + i, LANGEVIN)
        z_t = langevin_update(z_t, r_hat, t, STEP, noise)
        r_hat = chain.evaluate(z_t, t)
    if u == 0:
        return r_hat
    noise = chain.field.white(chain.index * UPDATES + UPDATES - 1, LANGEVIN)
    return langevin_update(z_t, r_hat, t, STEP, noise)
