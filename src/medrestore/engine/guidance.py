"""Guidance of the samples of some slices by settings and scan, as wrappers of their denoiser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.guidance import classifier_free, measured
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.diffusion import Denoiser
    from medrestore.engine.time_point import TimePoint

__all__ = ["guided"]


def guided(
    denoiser: Denoiser,
    point: TimePoint,
    slices: Sequence[int],
    maps: tuple[NDArray[np.float32], NDArray[np.float32]],
    left: Callable[[float], NDArray[np.float32]],
) -> Denoiser:
    """The denoiser of whole slices, led as the plan's settings ask; itself where they ask nothing.

    Parameters
    ----------
    denoiser : Denoiser
        Of a batch that holds these slices of the scan.
    point : TimePoint
        The scan and the plan.
    slices : sequence of int
        The slices.
    maps : (mu, s), each (batch, y, x)
        Centre and unit of r, intensity units.
    left : callable
        Angle → variance of r given z_t for each slice, (batch,).
    """
    settings = point.plan.settings
    steered = classifier_free(
        denoiser, point.engine.family.null_condition, settings.guidance, point.meter
    )
    if not settings.measurement:
        return steered
    device = point.plan.device
    y, sigma = (
        torch.from_numpy(np.stack([of(z) for z in slices]))[:, None].to(device)
        for of in (point.seen, point.sigma)
    )
    mean = np.clip(maps[0], *point.known)  # as `y` is: what is beyond is left alone
    mu, s = (torch.from_numpy(one)[:, None].to(device) for one in (mean, maps[1]))
    sigma = sigma.clamp(min=0.1 * float(point.floor))
    unit = torch.maximum(s, 0.05 * sigma)
    debiased = modality_named(point.plan.modality).noise.debiased
    seen = y if debiased is None else debiased(y, sigma)

    def remaining(t: float) -> Tensor:
        return torch.from_numpy(left(t)).view(-1, 1, 1, 1).to(device)

    return measured(steered, (seen - mu) / unit, sigma / unit, remaining, settings.measurement)
