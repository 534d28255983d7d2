"""The predictor: one evaluation gives the restored image μ and its standard deviation s.

μ = y + σ·f₁(c) and log s = log σ + f₂(c), with everything the network sees in units of the noise:
as σ → 0, μ → y and s → 0, so a clean scan cannot be harmed. No normalisation layers: what a voxel
becomes depends on its neighbourhood alone, not on how large the patch is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from medrestore.core.unet import UNet

__all__ = ["Condition", "Prediction", "Predictor", "compress", "condition", "smooth", "spread_of"]

SMOOTHING_PX = 2.5
"""Width of the Gaussian whose output is the local mean that differences are taken to."""

LOWEST = -3.0
"""Smallest log s/σ: below a twentieth of the noise, a spread means nothing."""


class Prediction(NamedTuple):
    """Posterior mean and log standard deviation, each (batch, 1, y, x), intensity units."""

    mu: Tensor
    log_s: Tensor


class Condition(NamedTuple):
    """What is known before denoising.

    y : (batch, slices, y, x), the noisy slice in the middle of its neighbours, intensity units;
    sigma : (batch, 1, y, x), standard deviation of the noise, same units;
    scale : (batch, 1, 1, 1), the scan's intensity scale.
    """

    y: Tensor
    sigma: Tensor
    scale: Tensor

    @property
    def centre(self) -> Tensor:
        """The slice to be restored, (batch, 1, y, x)."""
        middle = self.y.shape[1] // 2
        return self.y[:, middle : middle + 1]


def compress(x: Tensor, knee: float = 8.0) -> Tensor:
    """Linear up to ``knee`` noise standard deviations, logarithmic beyond."""
    return knee * torch.asinh(x / knee)


def smooth(image: Tensor, width: float = SMOOTHING_PX) -> Tensor:
    """Gaussian local mean of (batch, 1, y, x), replicated at the border."""
    radius = int(3 * width)
    taps = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-0.5 * (taps / width) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(image, (radius, radius, radius, radius), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))


def condition(c: Condition) -> Tensor:
    """The network's view of a condition: (batch, slices + 3, y, x), all of order one.

    Differences of every slice to the centre's local mean in units of σ (so that precision does
    not depend on the noise level), the local mean itself, its signal-to-noise ratio, and log σ.
    """
    mean = smooth(c.centre)
    return torch.cat(
        (
            compress((c.y - mean) / c.sigma),
            mean / c.scale,
            compress(mean / c.sigma) / 8,
            torch.log(c.sigma / c.scale) + 3.5,
        ),
        dim=1,
    )


def spread_of(sigma: Tensor, f2: Tensor) -> Tensor:
    """Log s from the network's f₂: log σ + f₂, bounded smoothly from below."""
    return torch.log(sigma) + F.softplus(f2 - LOWEST) + LOWEST


class Predictor(UNet):
    """Residual U-Net on 2×2-unshuffled slices, without normalisation layers.

    Parameters
    ----------
    slices : int
        Neighbouring slices in (odd); the middle one is restored.
    widths : tuple of int
        Channels at 1/2, 1/4 and 1/8 of the resolution.
    blocks : int
        Residual blocks of each stage.
    """

    def __init__(
        self, slices: int = 7, widths: tuple[int, ...] = (64, 96, 128), blocks: int = 2
    ) -> None:
        super().__init__(2, 4 * (slices + 3), 4, widths, (blocks,) * len(widths))
        self.slices = slices
        self.multiple = 2 ** len(widths)

    def forward(self, c: Condition) -> Prediction:
        """μ and log s of the middle slice; any size, padded to a multiple of 8 inside."""
        height, width = c.y.shape[-2:]
        seen = condition(c)
        seen = F.pad(seen, (0, -width % self.multiple, 0, -height % self.multiple), "replicate")
        f1, f2 = (
            F.pixel_shuffle(output, 2)[..., :height, :width].float()
            for output in self.outputs(F.pixel_unshuffle(seen, 2))
        )
        return Prediction(mu=c.centre + c.sigma * f1, log_s=spread_of(c.sigma, f2))
