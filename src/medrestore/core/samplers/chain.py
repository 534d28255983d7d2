"""The walk every sampler shares: from pure noise at π/2 down the angles to the residual."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

from medrestore.core.diffusion import angles
from medrestore.core.meter import SILENT, Meter
from medrestore.core.noise_field import START

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from medrestore.core.denoiser import Denoiser
    from medrestore.core.noise_field import NoiseField
    from medrestore.core.spectrum import Kernel

__all__ = ["Sample", "Step", "sample", "shared_start"]


class Step(Protocol):
    """One step of a method: from z_t and r̂ at angle t to z_u at the smaller angle u."""

    def __call__(
        self,
        z_t: Tensor,
        r_hat: Tensor,
        t: float,
        u: float,
        *,
        index: int,
        field: NoiseField,
        kernel: Callable[[float], Kernel],
    ) -> Tensor:
        """z_u; ``index`` counts steps and keys the noise."""


class Sample(NamedTuple):
    """A sampled residual and the network's last prediction of it, (batch, 1, y, x)."""

    r: Tensor
    r_hat: Tensor


def shared_start(denoiser: Denoiser, condition: Tensor, field: NoiseField) -> Tensor:
    """r̂ at t = π/2, where z carries no information: evaluated once, used by all samples.

    ``field`` must be that of sample 0, so that the result does not depend on how many follow.
    """
    return denoiser(field.white(0, START), math.pi / 2, condition)


def sample(
    step: Step,
    denoiser: Denoiser,
    condition: Tensor,
    field: NoiseField,
    kernel: Callable[[float], Kernel],
    steps: int,
    *,
    start: Tensor | None = None,
    meter: Meter = SILENT,
) -> Sample:
    """Draw one residual for each entry of the batch.

    Parameters
    ----------
    step : Step
        The method: `moment_matched`, `ddpm` or `ddim`.
    denoiser : Denoiser
        Predicts r̂.
    condition : Tensor, shape (batch, channels, y, x)
        What the denoiser is told.
    field : NoiseField
        Noise of these samples and slices.
    kernel : callable
        Angle → kernel of the covariance of r − r̂ there.
    steps : int
        Evaluations, the shared first one included.
    start : Tensor, optional
        r̂ at π/2 from `shared_start`; evaluated here when absent.
    meter : Meter
        One tick per slice and evaluation.
    """
    schedule = angles(steps)
    z = field.white(0, START)
    r_hat = z
    for index, (t, u) in enumerate(itertools.pairwise(schedule)):
        if index == 0 and start is not None:
            r_hat = start
        else:
            r_hat = denoiser(z, t, condition)
            meter.tick(len(z))
        z = step(z, r_hat, t, u, index=index, field=field, kernel=kernel)
    return Sample(z, r_hat)
