"""The diffusion of the standardised residual r = (x − μ)/s, in angle form.

Variance preserving, t ∈ (0, π/2]:  z_t = cos t · r + sin t · ε,  v = cos t · ε − sin t · r,
so that r̂ = cos t · z_t − sin t · v (Salimans & Ho 2022, arXiv:2202.00512). t is the angle of the
cosine schedule; one network serves every sampler.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Denoiser",
    "Posterior",
    "diffuse",
    "eps_hat",
    "posterior",
    "r_hat_of",
    "v_hat",
    "velocity",
]


class Posterior(NamedTuple):
    """Coefficients of z_u given z_t and r: mean A·z_t + B·r, standard deviation β."""

    a: float
    b: float
    beta: float


def diffuse(r: Tensor, eps: Tensor, t: Tensor | float) -> Tensor:
    """z_t = cos t · r + sin t · ε; ``t`` broadcasts."""
    return _cos(t) * r + _sin(t) * eps


def velocity(r: Tensor, eps: Tensor, t: Tensor | float) -> Tensor:
    """V = cos t · ε − sin t · r: what the network is trained to predict."""
    return _cos(t) * eps - _sin(t) * r


def r_hat_of(z_t: Tensor, v: Tensor, t: Tensor | float) -> Tensor:
    """r̂ = cos t · z_t − sin t · v."""
    return _cos(t) * z_t - _sin(t) * v


def eps_hat(z_t: Tensor, r_hat: Tensor, t: float) -> Tensor:
    """ε̂ = (z_t − cos t · r̂)/sin t, the noise that r̂ leaves; t > 0."""
    return (z_t - math.cos(t) * r_hat) / math.sin(t)


def v_hat(z_t: Tensor, r_hat: Tensor, t: float) -> Tensor:
    """v̂ = (cos t · z_t − r̂)/sin t, the velocity that r̂ implies; t > 0."""
    return (math.cos(t) * z_t - r_hat) / math.sin(t)


def posterior(t: float, u: float) -> Posterior:
    """q(z_u | z_t, r) for u < t (Ho et al. 2020, eq. 7, in angles).

    With a = cos t/cos u and σ²_{t|u} = sin²t − a² sin²u:
    A = a sin²u/sin²t,  B = cos u · σ²_{t|u}/sin²t,  β² = sin²u · σ²_{t|u}/sin²t.
    """
    a = math.cos(t) / math.cos(u)
    var_t, var_u = math.sin(t) ** 2, math.sin(u) ** 2
    var_tu = var_t - a**2 * var_u
    return Posterior(
        a=a * var_u / var_t,
        b=math.cos(u) * var_tu / var_t,
        beta=math.sqrt(max(var_u * var_tu / var_t, 0.0)),
    )


def _cos(t: Tensor | float) -> Tensor | float:
    return math.cos(t) if isinstance(t, float | int) else t.cos()


def _sin(t: Tensor | float) -> Tensor | float:
    return math.sin(t) if isinstance(t, float | int) else t.sin()


class Denoiser(Protocol):
    """Predicts the residual from its noisy version."""

    def __call__(self, z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        """r̂ = E[r | z_t], all (batch, channels, y, x), for one angle ``t`` in (0, π/2]."""
