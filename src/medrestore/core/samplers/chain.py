"""The chain every sampler shares: from pure noise at π/2 down the angles to the residual."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

from medrestore.core.meter import SILENT, Meter
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.sampler import Chain
from medrestore.core.schedules import angles
from medrestore.core.white_noise import START

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.noise_field import NoiseField
    from medrestore.core.samplers.sampler import Sampler
    from medrestore.core.spectrum import Kernel

__all__ = ["Sample", "decoded", "sample", "shared_start"]


class Sample(NamedTuple):
    """A sampled residual and the network's last prediction of it, (batch, 1, y, x)."""

    r: Tensor
    r_hat: Tensor


class _Evaluate:
    """The denoiser with its condition, counted; remembers its last prediction."""

    last: Tensor

    def __init__(self, denoiser: Denoiser, condition: Tensor, meter: Meter) -> None:
        self.denoiser, self.condition, self.meter = denoiser, condition, meter

    def __call__(self, z: Tensor, t: float) -> Tensor:
        self.last = self.denoiser(z, t, self.condition)
        self.meter.tick(len(z))
        return self.last


def shared_start(denoiser: Denoiser, condition: Tensor, field: NoiseField) -> Tensor:
    """r̂ at t = π/2, where z carries no information: evaluated once, used by all samples.

    ``field`` must be that of sample 0, so that the result does not depend on how many follow.
    """
    return denoiser(field.white(0, START), math.pi / 2, condition)


def sample(
    step: Sampler,
    denoiser: Denoiser,
    condition: Tensor,
    field: NoiseField,
    kernel: Callable[[float], Kernel],
    steps: int,
    *,
    start: Tensor | None = None,
    meter: Meter = SILENT,
    schedule: str = "cosine",
) -> Sample:
    """Draw one residual for each entry of the batch.

    Parameters
    ----------
    step : Sampler
        The method, one of `core.samplers.SAMPLERS`.
    denoiser : Denoiser
        Predicts r̂.
    condition : Tensor, shape (batch, channels, y, x)
        Of the denoiser.
    field : NoiseField
        Noise of these samples and slices.
    kernel : callable
        Angle → kernel of the covariance of r − r̂ there.
    steps : int
        Steps from π/2 to 0; `core.method.evaluations` says what they cost.
    start : Tensor, optional
        r̂ at π/2 from `shared_start`; evaluated here when absent.
    meter : Meter
        One tick per slice and evaluation.
    schedule : str
        Where the angles lie, one of `core.schedules.SCHEDULES`.
    """
    evaluate = _Evaluate(denoiser, condition, meter)
    z = field.white(0, START)
    for index, (t, u) in enumerate(itertools.pairwise(angles(steps, schedule))):
        if index == 0 and start is not None:
            r_hat = evaluate.last = start
        else:
            r_hat = evaluate(z, t)
        z = step(z, r_hat, t, u, Chain(index, field, kernel, evaluate))
    return Sample(z, evaluate.last)


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
