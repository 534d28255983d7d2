"""DDIM (Song et al. 2021, arXiv:2010.02502), η = 0, respaced to the angles asked for.

Deterministic after the first noise; in angle form a rotation of (r̂, ε̂) from t to u.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.diffusion import diffuse, eps_hat
from medrestore.core.samplers.sampler import Chain, sampler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ddim"]


@sampler("ddim", "DDIM", ("song2021ddim",))
def ddim(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """z_u = cos u · r̂ + sin u · ε̂; nothing else is used."""
    return diffuse(r_hat, eps_hat(z_t, r_hat, t), u)
