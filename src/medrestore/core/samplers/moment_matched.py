"""Moment-matched ancestral sampling: each step adds back the conditional covariance it dropped.

Bao et al. 2022 (Analytic-DPM, arXiv:2201.06503) match a scalar variance, SN-DDPM (arXiv:2206.07309)
one per voxel; here the covariance of r given z_t is a power spectrum C_t, so that the mean of a
region varies as it should. Exact in mean and covariance for a stationary Gaussian, at any number
of steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.diffusion import posterior
from medrestore.core.samplers.sampler import Chain, sampler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["moment_matched"]


@sampler(
    "moment-matched",
    "Moment-matched",
    ("bao2022analytic", "bao2022covariance"),
    adds_covariance=True,
)
def moment_matched(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """z_u = A z_t + B (r̂ + C_t^{1/2} ξ) + β ε; at u = 0 this is r̂ + C_t^{1/2} ξ."""
    q = posterior(t, u)
    z_u = q.a * z_t + q.b * (r_hat + chain.field.coloured(chain.index, chain.kernel(t)))
    return z_u + q.beta * chain.field.white(chain.index) if q.beta else z_u
