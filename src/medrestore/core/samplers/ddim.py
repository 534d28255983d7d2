"""DDIM (Song et al. 2021, arXiv:2010.02502), η = 0, respaced to the angles asked for.

Deterministic after the first noise; in angle form a rotation of (r̂, ε̂) from t to u.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.diffusion import diffuse, eps_hat

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from medrestore.core.noise_field import NoiseField
    from medrestore.core.spectrum import Kernel

__all__ = ["ddim"]


def ddim(
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
    """z_u = cos u · r̂ + sin u · ε̂; nothing else is used."""
    return diffuse(r_hat, eps_hat(z_t, r_hat, t), u)
