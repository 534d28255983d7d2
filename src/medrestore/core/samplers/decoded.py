"""From a sample of the latent to a sample of the residual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["decoded"]


def decoded(
    latent: Sample,
    sampler: str,
    last: float,
    decode: Callable[[Tensor], Tensor],
    left: Callable[[float], Tensor],
) -> Sample:
    """The residual's sample and its last prediction, (batch, 1, y, x).

    A decoder gives the mean, r̂ = D(ẑ), so that the rest has to be drawn: noise with the measured
    spectrum C_t of r − D(ẑ_t), which holds what sampling had left open at t and what no latent
    holds. The moment-matched step to 0, ẑ + C^{1/2} ξ, is taken here, in voxels, at its own angle;
    the others go on to z_0 themselves, and C_0, the autoencoder's own loss, is added.

    Parameters
    ----------
    latent : Sample
        z_0 and the last ẑ.
    sampler : str
        Name of the method that sampled.
    last : float
        Angle of ẑ.
    decode : callable
        D, from the plane to voxels.
    left : callable
        Angle → noise of the spectrum C_t, (batch, 1, y, x).
    """
    r_hat = decode(latent.r_hat)
    if SAMPLERS[sampler].adds_covariance:
        return Sample(r_hat + left(last), r_hat)
    return Sample(decode(latent.r) + left(0.0), r_hat)
