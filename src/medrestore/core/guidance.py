"""Denoisers that are steered: towards what they are told, or towards the scan that was measured.

Both wrap a `Denoiser`, so that every sampler can be guided. Both sharpen a distribution that was
learned: what they draw is no longer the posterior, and its spread is not calibrated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.meter import SILENT, Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from medrestore.core.denoiser import Denoiser

__all__ = ["classifier_free", "measured"]


def classifier_free(
    denoiser: Denoiser,
    silent: Callable[[Tensor], Tensor],
    weight: float,
    meter: Meter = SILENT,
) -> Denoiser:
    """r̂ = r̂_∅ + w (r̂_c − r̂_∅) (Ho & Salimans 2022, arXiv:2207.12598, eq. 6 with w = 1 + their w).

    Every sampler is linear in r̂, so that this is the same for noise, velocity and score. Two
    evaluations; one where w is 0 (nothing is told) or 1 (the denoiser itself).

    Parameters
    ----------
    denoiser : Denoiser
        Knows the condition that says nothing.
    silent : callable
        Makes that of a condition (`core.families.family.Family.null_condition`).
    weight : float
        w, not below 0.
    meter : Meter
        One tick per slice for the second evaluation; the first is the sampler's to count.
    """
    if weight == 1:
        return denoiser

    def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        alone = denoiser(z_t, t, silent(condition))
        if weight == 0:
            return alone
        meter.tick(len(z_t))
        return alone + weight * (denoiser(z_t, t, condition) - alone)

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
    instead. Around an unconditional denoiser this is posterior sampling; one that is told of the
    scan already knows the likelihood, and is told it twice.

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
        open_to = weight * left(t)
        return r_hat + open_to / (open_to + tau.square()) * (y - r_hat)

    return denoise
