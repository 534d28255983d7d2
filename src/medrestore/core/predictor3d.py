"""The predictor of 3-D patch models: the same idea as `core.predictor`, with depth.

Slices of a stack follow each other in the batch, so everything around the network (conditions,
losses, noise fields, samplers) treats a stack as a batch of slices.
"""

from __future__ import annotations

from torch.nn import functional as F

from medrestore.core.predictor import Condition, Prediction, condition, spread_of
from medrestore.core.shuffle import fold, shuffle, unfold, unshuffle
from medrestore.core.unet import UNet

__all__ = ["Predictor3d"]


class Predictor3d(UNet):
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
        super().__init__(3, 8 * 4, 8, widths, blocks)
        self.depth, self.multiple = depth, 2 ** len(widths)

    def forward(self, c: Condition) -> Prediction:
        """μ and log s of every slice of stacks of ``depth``, (stacks × depth, 1, y, x)."""
        height, width = c.y.shape[-2:]
        m = self.multiple
        seen = unfold(condition(c), self.depth)
        pad = (0, -width % m, 0, -height % m, 0, -self.depth % m)
        f1, f2 = (
            fold(shuffle(output)[:, :, : self.depth, :height, :width]).float()
            for output in self.outputs(unshuffle(F.pad(seen, pad, "replicate")))
        )
        return Prediction(mu=c.centre + c.sigma * f1, log_s=spread_of(c.sigma, f2))
