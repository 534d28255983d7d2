"""The predictor: one evaluation gives the restored image μ and its standard deviation s.

μ = y + σ·f₁(c) and log s = log σ + f₂(c), with everything the network sees in units of the noise:
as σ → 0, μ → y and s → 0, so a clean scan cannot be harmed. No normalisation layers: what a voxel
becomes depends on its neighbourhood alone, not on how large the patch is.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medrestore.core.compute import in_float32
from medrestore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Condition",
    "Prediction",
    "Predictor",
    "Prior",
    "compress",
    "condition",
    "smooth",
    "spread_of",
    "start_predictor",
]

SMOOTHING_PX = 2.5
"""Width of the Gaussian whose output is the local mean that differences are taken to."""

LOWEST = -3.0
"""Smallest log s/σ: below a twentieth of the noise, a spread means nothing."""


class Prediction(NamedTuple):
    """Posterior mean and log standard deviation, each (batch, 1, y, x), intensity units."""

    mu: Tensor
    log_s: Tensor


class Condition(NamedTuple):
    """Input of the predictor.

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


class _Across(nn.Module):
    """Exchange between each slice of a stack and those before and after it; none, to begin with.

    Slices of a stack follow each other in the batch; the first and the last exchange with
    themselves.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        self.before = nn.Conv2d(width, width, 1, bias=False)
        self.after = nn.Conv2d(width, width, 1, bias=False)
        nn.init.zeros_(self.before.weight)
        nn.init.zeros_(self.after.weight)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Add what neighbours pass on of ``x`` to ``hidden``, in place."""
        before, after, sums = (
            part.unflatten(0, (-1, self.depth)) for part in (self.before(x), self.after(x), hidden)
        )
        sums[:, 1:] += before[:, :-1]
        sums[:, :1] += before[:, :1]
        sums[:, :-1] += after[:, 1:]
        sums[:, -1:] += after[:, -1:]
        return hidden


class _Residual(nn.Module):
    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.across = _Across(width, depth) if depth > 1 else None
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        if self.across is not None:
            hidden = self.across(x, hidden)
        y: Tensor = x + self.second(F.relu(hidden))
        return y


def _stage(width: int, blocks: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(_Residual(width, depth) for _ in range(blocks)))


class Predictor(nn.Module):
    """Residual U-Net on 2×2-unshuffled slices, without normalisation layers.

    A 3-D model is the same network on stacks of slices, with an exchange between neighbours in
    every block. With the exchange at zero it is the slice model: training starts from one.

    Parameters
    ----------
    slices : int
        Neighbouring slices in (odd); the middle one is restored.
    widths : tuple of int
        Channels at 1/2, 1/4 and 1/8 of the resolution.
    blocks : int
        Residual blocks of each stage.
    depth : int
        Slices of a stack, which follow each other in the batch; 1 for a slice model.
    """

    def __init__(
        self,
        slices: int = 7,
        widths: tuple[int, ...] = (64, 96, 128),
        blocks: int = 2,
        depth: int = 1,
    ) -> None:
        super().__init__()
        self.slices, self.depth = slices, depth
        self.multiple = 2 ** len(widths)
        self.head = nn.Conv2d(4 * (slices + 3), widths[0], 3, padding=1)
        self.down = nn.ModuleList(_stage(w, blocks, depth) for w in widths)
        pairs = list(itertools.pairwise(widths))
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(_stage(w, blocks, depth) for w in widths[:-1])
        self.mean = nn.Conv2d(widths[0], 4, 3, padding=1)
        self.spread = nn.Sequential(
            nn.Conv2d(widths[0], 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 4, 3, padding=1)
        )
        for last in (self.mean, self.spread[-1]):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, c: Condition) -> Prediction:
        """μ and log s of the middle slices; any size, padded to a multiple of 8 inside."""
        height, width = c.y.shape[-2:]
        features = self._features(c)
        with in_float32(c.y.device):
            f1 = F.pixel_shuffle(self.mean(features), 2)[..., :height, :width]
            f2 = F.pixel_shuffle(self.spread(features), 2)[..., :height, :width]
        return Prediction(mu=c.centre + c.sigma * f1, log_s=spread_of(c.sigma, f2))

    def encode(self, c: Condition) -> Tensor:
        """Features of the deepest stage for the middle slices: (batch, widths[-1], y/8, x/8)."""
        return self._stages(c)[-1]

    def _seen(self, c: Condition) -> Tensor:
        height, width = c.y.shape[-2:]
        seen = condition(c)
        seen = F.pad(seen, (0, -width % self.multiple, 0, -height % self.multiple), "replicate")
        return F.pixel_unshuffle(seen, 2)

    def _stages(self, c: Condition) -> list[Tensor]:
        """Outputs on the way down, one per stage."""
        with in_float32(c.y.device):
            x: Tensor = self.head(self._seen(c))
        outputs = []
        for stage, shrink in zip(self.down, self.shrink, strict=False):
            x = stage(x)
            outputs.append(x)
            x = shrink(x)
        return [*outputs, self.down[-1](x)]

    def _features(self, c: Condition) -> Tensor:
        *skips, x = self._stages(c)
        for stage, grow, skip in zip(
            reversed(self.up), reversed(self.grow), reversed(skips), strict=True
        ):
            x = stage(grow(x) + skip)
        return x


class Prior(nn.Module):
    """Prior of all images, in place of a predictor where the image itself is diffused.

    Parameters
    ----------
    mean, std : float
        Of the voxels of clean images, in units of the scale.
    slices : int
        Neighbouring slices that a condition holds (odd).
    """

    def __init__(self, mean: float, std: float, slices: int = 1) -> None:
        super().__init__()
        self.mean, self.std, self.slices = mean, std, slices

    def forward(self, c: Condition) -> Prediction:
        """μ = m·scale and log s = log(S·scale) for the middle slices."""
        scale = torch.broadcast_to(c.scale, c.centre.shape)
        return Prediction(mu=self.mean * scale, log_s=torch.log(scale) + math.log(self.std))


def start_predictor(predictor: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load weights; those of a slice model too, with which a 3-D predictor does the same.

    Raises
    ------
    ModelError
        If the weights belong to another architecture.
    """
    random = predictor.state_dict()
    missing = random.keys() - weights.keys()
    silent = {name: random[name] for name in missing if ".across." in name}
    try:
        predictor.load_state_dict({**silent, **weights})
    except RuntimeError as error:
        raise ModelError(
            "the model to start from is of another architecture; change the config's predictor "
            "to that model's, or start without it"
        ) from error
