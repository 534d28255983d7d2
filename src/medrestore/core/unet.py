"""The predictors' trunk: a residual U-Net without normalisation layers, in 2-D or 3-D."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UNet"]

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
GROW = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


class _Residual(nn.Module):
    def __init__(self, dimensions: Literal[2, 3], width: int) -> None:
        super().__init__()
        self.first = CONV[dimensions](width, width, 3, padding=1)
        self.second = CONV[dimensions](width, width, 3, padding=1)
        _silence(self.second)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.second(F.relu(self.first(x)))
        return y


class UNet(nn.Module):
    """Two outputs, for a mean and its spread, that start at zero.

    Parameters
    ----------
    dimensions : 2 or 3
        Of the grid.
    inputs, outputs : int
        Channels in, and channels of each of the two outputs.
    widths : sequence of int
        Channels at the full grid, at half of it, …
    blocks : sequence of int
        Residual blocks of a stage at each of these.
    """

    def __init__(
        self,
        dimensions: Literal[2, 3],
        inputs: int,
        outputs: int,
        widths: Sequence[int],
        blocks: Sequence[int],
    ) -> None:
        super().__init__()
        conv, grow = CONV[dimensions], GROW[dimensions]

        def stage(width: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(_Residual(dimensions, width) for _ in range(count)))

        levels, pairs = list(zip(widths, blocks, strict=True)), list(itertools.pairwise(widths))
        self.head = conv(inputs, widths[0], 3, padding=1)
        self.down = nn.ModuleList(stage(*level) for level in levels)
        self.shrink = nn.ModuleList(conv(a, b, 2, stride=2) for a, b in pairs)
        self.grow = nn.ModuleList(grow(b, a, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(stage(*level) for level in levels[:-1])
        self.mean = conv(widths[0], outputs, 3, padding=1)
        self.spread = nn.Sequential(
            conv(widths[0], 32, 3, padding=1), nn.ReLU(), conv(32, outputs, 3, padding=1)
        )
        _silence(self.mean)
        _silence(self.spread[-1])

    def outputs(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs of (batch, inputs, …), on the same grid."""
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
        return self.mean(x), self.spread(x)


def _silence(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
