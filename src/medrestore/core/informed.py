"""An unconditional denoiser that is told of a noisy observation: the posterior, without training.

With y = r + τ n and z_t = cos t·r + sin t·ε there are two independent Gaussian observations of r,
of precisions 1/τ² and cot²t. Together they are one: w, the mean of y and z_t/cos t weighted by
their precisions, has noise of variance tan²t* with

    cot²t* = cot²t + 1/τ²        and so        E[r | z_t, y] = E[r | z_t* = cos t*·w],

exactly, whatever the distribution of r. One evaluation of the unconditional network at the angle
t* serves every sampler; at t = π/2 it is the denoiser of Venkatakrishnan et al. 2013
(doi:10.1109/GlobalSIP.2013.6737048) by Tweedie's formula (Efron 2011,
doi:10.1198/jasa.2011.tm11181). Kawar et al. 2021 (arXiv:2101.09552) draw from the same posterior by
Langevin dynamics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from medrestore.core.diffusion import r_hat_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from medrestore.core.denoiser import Denoiser

__all__ = ["Merged", "informed", "merged"]


class Merged(NamedTuple):
    """Two observations as one: z at t*, (batch, 1, y, x), and t*, (batch,)."""

    z: Tensor
    t: Tensor


def merged(z_t: Tensor, t: float, y: Tensor, tau: Tensor) -> Merged:
    """What z_t and y say of r, as one z at the angle t*.

    Parameters
    ----------
    z_t, y : Tensor, shape (batch, 1, y, x)
        The diffusion's variable, and r with white noise.
    t : float
        Angle in (0, π/2].
    tau : Tensor, shape (batch, 1, y, x)
        Standard deviation of that noise, above 0; infinite where nothing was observed. Where it
        varies, the two are weighted voxel by voxel and t* is that of the mean noise of w.
    """
    cos, sin = math.cos(t), math.sin(t)
    trust = tau.square().reciprocal()
    precision = trust + (cos / sin) ** 2
    w = (z_t * (cos / sin**2) + y * trust) / precision
    noise = precision.rsqrt().mean(dim=(1, 2, 3), keepdim=True)
    cos_star = (1 + noise.square()).rsqrt()  # not from t*: near π/2 its rounding would tell
    return Merged(cos_star * w, noise.flatten().atan())


def informed(refiner: nn.Module) -> Denoiser:
    """The unconditional network as a `Denoiser` that is told (y, τ), (batch, 2, y, x)."""

    def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        z, t_star = merged(z_t, t, condition[:, :1], condition[:, 1:])
        v = refiner(z, t_star, condition[:, :0])
        return r_hat_of(z, v, t_star.view(-1, 1, 1, 1))

    return denoise
