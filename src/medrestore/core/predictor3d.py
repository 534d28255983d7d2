"""The predictor of 3-D patch models: the same idea as `core.predictor`, with depth.

Slices of a stack follow each other in the batch, so everything around the network (conditions,
losses, noise fields, samplers) treats a stack as a batch of slices.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medrestore.core.predictor import Condition, Prediction, condition, spread_of
from medrestore.core.shuffle import fold, shuffle, unfold, unshuffle

__all__ = ["Predictor3d"]


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(width, width, 3, padding=1)
        self.second = nn.Conv3d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(F.relu(self.first(x)))
        return y


class Predictor3d(nn.Module):
    """Residual U-Net on 2×2×2-unshuffled stacks, without normalisation layers.

    Parameters
    ----------
    depth : int
        Slices of a stack.
    widths : tuple of int
        Channels at 1/2, 1/4, … of the resolution.
    blocks : tuple of int
        Residual blocks of a stage at each of these resolutions.
    """

    slices = 1
    """Slices of a condition: the stack itself is the neighbourhood."""

    def __init__(
        self,
        depth: int = 24,
        widths: tuple[int, ...] = (64, 96, 128),
        blocks: tuple[int, ...] = (2, 2, 1),
    ) -> None:
        super().__init__()
        self.depth, self.multiple = depth, 2 ** len(widths)
        self.head = nn.Conv3d(8 * 4, widths[0], 3, padding=1)
        stages = [
            nn.Sequential(*(_Residual(w) for _ in range(n)))
            for w, n in (*zip(widths, blocks, strict=True), *zip(widths[:-1], blocks, strict=False))
        ]
        self.down = nn.ModuleList(stages[: len(widths)])
        self.up = nn.ModuleList(stages[len(widths) :])
        pairs = list(itertools.pairwise(widths))
        self.shrink = nn.ModuleList(nn.Conv3d(a, b, 2, stride=2) for a, b in pairs)
        self.grow = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in pairs)
        self.mean = nn.Conv3d(widths[0], 8, 3, padding=1)
        self.spread = nn.Sequential(
            nn.Conv3d(widths[0], 32, 3, padding=1), nn.ReLU(), nn.Conv3d(32, 8, 3, padding=1)
        )
        for last in (self.mean, self.spread[-1]):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, c: Condition) -> Prediction:
        """μ and log s of every slice of stacks of ``depth``, (stacks × depth, 1, y, x)."""
        height, width = c.y.shape[-2:]
        m = self.multiple
        seen = unfold(condition(c), self.depth)
        pad = (0, -width % m, 0, -height % m, 0, -self.depth % m)
        features = self._features(unshuffle(F.pad(seen, pad, "replicate")))

        def slices(output: Tensor) -> Tensor:
            return fold(shuffle(output)[:, :, : self.depth, :height, :width]).float()

        f1, f2 = slices(self.mean(features)), slices(self.spread(features))
        return Prediction(mu=c.centre + c.sigma * f1, log_s=spread_of(c.sigma, f2))

    def _features(self, seen: Tensor) -> Tensor:
        x: Tensor = self.head(seen)
        kept = []
        for stage, shrink in zip(self.down, self.shrink, strict=False):
            x = stage(x)
            kept.append(x)
            x = shrink(x)
        x = self.down[-1](x)
        for stage, grow, skip in zip(
            reversed(self.up), reversed(self.grow), reversed(kept), strict=True
        ):
            x = stage(grow(x) + skip)
        return torch.as_tensor(x)
