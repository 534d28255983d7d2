"""What guides the samples of some slices: settings and scan, as wrappers of their denoiser."""

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

    from medrestore.core.denoiser import Denoiser
    from medrestore.engine.time_point import Frame

__all__ = ["guided"]


def guided(
    denoiser: Denoiser,
    frame: Frame,
    slices: Sequence[int],
    maps: tuple[NDArray[np.float32], NDArray[np.float32]],
    left: Callable[[float], NDArray[np.float32]],
) -> Denoiser:
    """The denoiser of whole slices, led as the plan's settings ask; itself where they ask nothing.

    Parameters
    ----------
    denoiser : Denoiser
        Of a batch that holds these slices of the scan.
    frame : Frame
        The scan and the plan.
    slices : sequence of int
        Which slices.
    maps : (mu, s), each (batch, y, x)
        What r is about and its unit, intensity units.
    left : callable
        Angle → variance of r given z_t for each slice, (batch,).
    """
    asked = frame.plan.settings
    steered = classifier_free(denoiser, frame.engine.family.silent, asked.guidance, frame.meter)
    if not asked.measurement:
        return steered
    device = frame.plan.device
    y, sigma = (
        torch.from_numpy(np.stack([of(z) for z in slices]))[:, None].to(device)
        for of in (frame.seen, frame.sigma)
    )
    mean = np.clip(maps[0], *frame.known)  # as `y` is: what is beyond is left alone
    mu, s = (torch.from_numpy(one)[:, None].to(device) for one in (mean, maps[1]))
    sigma = sigma.clamp(min=0.1 * float(frame.floor))
    unit = torch.maximum(s, 0.05 * sigma)
    debiased = modality_named(frame.plan.modality).noise.debiased
    seen = y if debiased is None else debiased(y, sigma)

    def remaining(t: float) -> Tensor:
        return torch.from_numpy(left(t)).view(-1, 1, 1, 1).to(device)

    return measured(steered, (seen - mu) / unit, sigma / unit, remaining, asked.measurement)
