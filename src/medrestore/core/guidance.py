"""Denoisers made of another: guided, conditioned on an observation, filtered at the last step.

Each wraps a `Denoiser`, so that every sampler can use it. `classifier_free` and `measured` sharpen
a distribution that was learned: what they draw is no longer the posterior, and its spread is not
calibrated.

`informed` gives the posterior of an unconditional network, without training. With y = r + τ n and
z_t = cos t·r + sin t·ε there are two independent Gaussian observations of r, of precisions 1/τ²
and cot²t. Together they are one: w, the mean of y and z_t/cos t weighted by their precisions, has
noise of variance tan²t* with

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

import torch

from medrestore.core.diffusion import r_hat_of
from medrestore.core.meter import SILENT, Meter
from medrestore.core.noise_field import filtered
from medrestore.core.spectrum import RADIUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.spectrum import Kernel

__all__ = ["classifier_free", "informed", "measured", "merged", "shaped"]


def classifier_free(
    denoiser: Denoiser,
    null_condition: Callable[[Tensor], Tensor],
    weight: float,
    meter: Meter = SILENT,
) -> Denoiser:
    """r̂ = r̂_∅ + w (r̂_c − r̂_∅) (Ho & Salimans 2022, arXiv:2207.12598, eq. 6 with w = 1 + their w).

    Every sampler is linear in r̂, so that this is the same for noise, velocity and score. Two
    evaluations; one where w is 0 (the null condition) or 1 (the denoiser itself).

    Parameters
    ----------
    denoiser : Denoiser
        Was trained with the null condition too.
    null_condition : callable
        Makes that of a condition (`core.families.family.Family.null_condition`).
    weight : float
        w, not below 0.
    meter : Meter
        One tick per slice for the second evaluation; the first is the sampler's to count.
    """
    if weight == 1:
        return denoiser

    def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        unconditional = denoiser(z_t, t, null_condition(condition))
        if weight == 0:
            return unconditional
        meter.tick(len(z_t))
        return unconditional + weight * (denoiser(z_t, t, condition) - unconditional)

    return denoise


def measured(
    denoiser: Denoiser,
    y: Tensor,
    tau: Tensor,
    left: Callable[[float], Tensor],
    weight: float,
) -> Denoiser:
    """r̂' = r̂ + K (y − r̂) with K = λ C_t/(λ C_t + τ²): the likelihood of the noise, once more.

    With r given z_t taken for Gaussian of mean r̂ and variance C_t, and y = r + τ n, this is its
    mean given y too; λ tempers the likelihood, p(y | r)^λ. It is the guidance of ΠGDM (Song et al.
    2023, "Pseudoinverse-guided diffusion models for inverse problems", ICLR) for denoising, with
    the Jacobian of r̂ as Tweedie's formula has it, C_t cos t/sin²t.
    Diffusion posterior sampling (Chung et al. 2023, arXiv:2209.14687) takes steps of a gradient
    instead. Around an unconditional denoiser this is posterior sampling; with the scan in the
    condition the likelihood counts twice.

    Parameters
    ----------
    denoiser : Denoiser
        Of whole slices.
    y, tau : Tensor, shape (batch, 1, y, x)
        The scan in the units of r and the standard deviation of its noise there, above 0.
    left : callable
        Angle → C_t, the variance of r given z_t, (batch, 1, 1, 1).
    weight : float
        λ, not below 0; 1 is the likelihood as it is.
    """
    if weight == 0:
        return denoiser

    def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        r_hat = denoiser(z_t, t, condition)
        variance = weight * left(t)
        return r_hat + variance / (variance + tau.square()) * (y - r_hat)

    return denoise


class Merged(NamedTuple):
    """Two observations as one: z at t*, (batch, 1, y, x), and t*, (batch,)."""

    z: Tensor
    t: Tensor


def merged(z_t: Tensor, t: float, y: Tensor, tau: Tensor) -> Merged:
    """Two observations of r, z_t and y, as one z at the angle t*.

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
    """The unconditional network as a `Denoiser` of condition (y, τ), (batch, 2, y, x)."""

    def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        z, t_star = merged(z_t, t, condition[:, :1], condition[:, 1:])
        v = refiner(z, t_star, condition[:, :0])
        return r_hat_of(z, v, t_star.view(-1, 1, 1, 1))

    return denoise


def shaped(denoiser: Denoiser, kernel: Kernel, last: float) -> Denoiser:
    """The denoiser with its prediction at the last angle filtered in the plane.

    Whole slices go in, which are continued beyond their borders as in a mirror.

    Parameters
    ----------
    denoiser : Denoiser
        Makes samples, as distilled weights do.
    kernel : Kernel
        From `core.spectra.Spectra.shape`, one for each entry of the batch or one for all.
    last : float
        Angle of the sampler's last step.
    """

    def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        made = denoiser(z_t, t, condition)
        if t > last * (1 + 1e-6):
            return made
        rows, columns = (_mirrored(n, made.device) for n in made.shape[-2:])
        wide = made[:, 0][:, rows][:, :, columns]
        return filtered(wide, kernel.plane)[:, None]

    return denoise


def _mirrored(n: int, device: torch.device) -> Tensor:
    """Indices of ``n`` positions and `RADIUS` more on either side, reflected at the borders."""
    at = torch.arange(-RADIUS, n + RADIUS, device=device) % (2 * n)
    return torch.minimum(at, 2 * n - 1 - at)
