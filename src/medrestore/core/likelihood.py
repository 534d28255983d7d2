"""Likelihood of a residual under a refiner: the probability-flow ODE, from r to pure noise.

The ODE dz/dt = v̂(z, t) carries the density of z at a small angle into that of white unit noise at
π/2, and its divergence says by how much it changes on the way (instantaneous change of variables,
Chen et al. 2018, arXiv:1806.07366; Song et al. 2021, arXiv:2011.13456, §4.3):

    log p(z_first) = log N(z_{π/2}; 0, 1) + ∫ div v̂ dt.

The divergence is estimated by a random probe of ±1 (Hutchinson 1990; Grathwohl et al. 2019,
arXiv:1810.01367), without bias.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import torch

from medrestore.core.diffusion import v_hat
from medrestore.core.meter import SILENT, Meter

if TYPE_CHECKING:
    from torch import Tensor

    from medrestore.core.diffusion import Denoiser

__all__ = ["EVALUATIONS", "FIRST", "log_density", "nodes"]

FIRST = 0.02
"""Smallest angle that refiners are trained at."""

EVALUATIONS = 4
"""Of the network, with its derivative, for each step and probe."""


def nodes(steps: int) -> list[float]:
    """``steps + 1`` angles from `FIRST` to π/2, log tan t equally spaced but for the last.

    A frequency of variance λ turns from signal to noise where tan²t is about λ; steps that are
    equal in log tan t meet all of them alike.
    """
    reach = math.log(math.tan(FIRST))
    between = [math.atan(math.exp(reach * (1 - 2 * i / (steps - 1)))) for i in range(steps)]
    return [*between, math.pi / 2]


def log_density(
    denoiser: Denoiser,
    z: Tensor,
    condition: Tensor,
    probe: Tensor,
    steps: int,
    meter: Meter = SILENT,
) -> Tensor:
    """Log density of z at the angle `FIRST`, in nats, (batch,) in float64 on the host.

    Fourth-order Runge–Kutta over `nodes`, the divergence carried along.

    Parameters
    ----------
    denoiser : Denoiser
        Predicts r̂; differentiable.
    z : Tensor, shape (batch, 1, y, x)
        cos t·r + sin t·ε at that angle.
    condition : Tensor, shape (batch, channels, y, x)
        Condition of the denoiser.
    probe : Tensor, shape (batch, 1, y, x)
        Of ±1, independent; exact where voxels do not act on each other.
    steps : int
        At least 2.
    meter : Meter
        One tick per slice and evaluation.
    """

    def slope(z: Tensor, t: float) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            at = z.detach().requires_grad_()
            v = v_hat(at, denoiser(at, t, condition), t)
            (pulled,) = torch.autograd.grad(v, at, probe)
        meter.tick(len(z))
        return v.detach(), (pulled * probe).cpu().sum(dim=(1, 2, 3), dtype=torch.float64)

    change = torch.zeros(len(z), dtype=torch.float64)
    for t, u in itertools.pairwise(nodes(steps)):
        h, middle = u - t, 0.5 * (t + u)
        v1, d1 = slope(z, t)
        v2, d2 = slope(z + 0.5 * h * v1, middle)
        v3, d3 = slope(z + 0.5 * h * v2, middle)
        v4, d4 = slope(z + h * v3, u)
        z = z + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
        change += h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    normal = -0.5 * (z.cpu().double().square() + math.log(2 * math.pi)).sum(dim=(1, 2, 3))
    return normal + change
