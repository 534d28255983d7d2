"""DDPM ancestral sampling (Ho et al. 2020, arXiv:2006.11239), respaced to the angles asked for.

Takes r̂ for r and so loses Cov[r | z_t] at every step: too little spread in few steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.diffusion import posterior

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from medrestore.core.noise_field import NoiseField
    from medrestore.core.spectrum import Kernel

__all__ = ["ddpm"]


def ddpm(
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
    """z_u = A z_t + B r̂ + β ε; ``kernel`` and ``evaluate`` are not used."""
    q = posterior(t, u)
    z_u = q.a * z_t + q.b * r_hat
    return z_u + q.beta * field.white(index) if q.beta else z_u
