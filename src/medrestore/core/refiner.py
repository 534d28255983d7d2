"""The refiner: predicts the velocity of the standardised residual. Built on MONAI."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from einops import rearrange
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from monai.networks.utils import pixelshuffle, pixelunshuffle
from torch import Tensor, nn
from torch.nn import functional as F

from medrestore.core.compute import in_float32
from medrestore.core.diffusion import r_hat_of
from medrestore.core.refiner_condition import CONDITION_CHANNELS

if TYPE_CHECKING:
    from medrestore.core.diffusion import Denoiser

__all__ = [
    "Refiner",
    "as_denoiser",
    "fold",
    "unfold",
]


class _InFloat32(nn.Sequential):
    """Layers that mixed-precision training leaves in float32."""

    def forward(self, x: Tensor) -> Tensor:
        """All layers, one after the other."""
        with in_float32(x.device):
            x = x.float()
            for layer in self:
                x = layer(x)
        return x


class Refiner(nn.Module):
    """MONAI's `DiffusionModelUNet` on 2×2-unshuffled patches, or 2×2×2-unshuffled stacks.

    Its GroupNorm ties it to the patch size it was trained at: run it through `core.tiles.Tiled`.

    Parameters
    ----------
    channels : tuple of int
        Channels at 1/2, 1/4, 1/8 of the resolution; multiples of ``groups``.
    blocks : int
        Residual blocks of each level.
    groups : int
        GroupNorm groups.
    depth : int
        Slices of a stack, which follow each other in the batch; 1 for a slice model.
    conditions : int
        Channels of the condition.
    """

    def __init__(
        self,
        channels: tuple[int, ...] = (48, 64, 96),
        blocks: int = 1,
        groups: int = 8,
        depth: int = 1,
        conditions: int = CONDITION_CHANNELS,
    ) -> None:
        super().__init__()
        self.depth, block = depth, 4 if depth == 1 else 8
        self.unet = DiffusionModelUNet(
            spatial_dims=2 if depth == 1 else 3,
            in_channels=block * (1 + conditions),
            out_channels=block,
            channels=channels,
            attention_levels=(False,) * len(channels),
            num_res_blocks=blocks,
            norm_num_groups=groups,
            num_head_channels=32,
        )
        self.unet.out = _InFloat32(*self.unet.out)

    def forward(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """Velocity v, (batch, 1, y, x), for angles ``t`` of shape (batch,), equal in a stack."""
        both, timesteps = torch.cat((z_t, condition), dim=1), t * (1000 / (math.pi / 2))
        if self.depth == 1:
            v = self.unet(F.pixel_unshuffle(both, 2), timesteps=timesteps)
            return F.pixel_shuffle(v, 2).float()
        stacks = pixelunshuffle(unfold(both, self.depth), 3, 2)
        v = self.unet(stacks, timesteps=timesteps[:: self.depth])
        return fold(pixelshuffle(v, 3, 2)).float()


def as_denoiser(refiner: nn.Module) -> Denoiser:
    """The network as a `Denoiser`."""

    def denoise(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        v = refiner(z_t, torch.full((len(z_t),), t, device=z_t.device), condition)
        return r_hat_of(z_t, v, t)

    return denoise


def unfold(x: Tensor, depth: int) -> Tensor:
    """Stacks of ``depth`` slices out of the batch: (n·depth, c, y, x) → (n, c, depth, y, x)."""
    return rearrange(x, "(n depth) c y x -> n c depth y x", depth=depth)


def fold(x: Tensor) -> Tensor:
    """Undo `unfold`: (n, c, depth, y, x) → (n·depth, c, y, x)."""
    return rearrange(x, "n c depth y x -> (n depth) c y x")
