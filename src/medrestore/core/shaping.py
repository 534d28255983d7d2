"""A denoiser whose last word is filtered: samples lose what they have too much of, band by band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from medrestore.core.noise_field import filtered
from medrestore.core.spectrum import RADIUS

if TYPE_CHECKING:
    from torch import Tensor

    from medrestore.core.denoiser import Denoiser
    from medrestore.core.spectrum import Kernel

__all__ = ["shaped"]


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
        rows, columns = (_mirrored(n) for n in made.shape[-2:])
        wide = made[:, 0][:, rows][:, :, columns]
        return filtered(wide, kernel.plane.to(made.device))[:, None]

    return denoise


def _mirrored(n: int) -> Tensor:
    """Indices of ``n`` places and `RADIUS` more on either side, reflected at the borders."""
    at = torch.arange(-RADIUS, n + RADIUS) % (2 * n)
    return torch.minimum(at, 2 * n - 1 - at)
