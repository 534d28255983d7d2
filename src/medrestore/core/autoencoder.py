"""A latent plane of half the resolution for standardised residuals, conditioned as the refiner.

One number stands for 2×2 voxels. Encoder and decoder are the two halves of MONAI's `AutoencoderKL`
(Rombach et al. 2022, arXiv:2112.10752), each beside one linear layer: at first the pair is a mean
of blocks and its repetition, and the networks learn what is better. The refiner's condition goes
into both, so that they need not encode anatomy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from monai.networks.nets.autoencoderkl import Decoder, Encoder
from torch import Tensor, nn
from torch.nn import functional as F

from medrestore.core.diffusion import diffuse
from medrestore.core.refiner_condition import CONDITION_CHANNELS

if TYPE_CHECKING:
    from medrestore.core.refiner import Refiner

__all__ = ["BLOCK", "Autoencoder", "Coded", "LatentRefiner"]

BLOCK = 4
"""Voxels that one latent number stands for."""

SURE = -4.0
"""Log variance of the latent at first: an encoder that is nearly sure."""


class Coded(NamedTuple):
    """Output in training: r decoded, (batch, 1, y, x), and the latent's moments."""

    r: Tensor
    mean: Tensor
    log_var: Tensor


class Autoencoder(nn.Module):
    """Encodes r in a plane of half the resolution, and decodes it.

    GroupNorm ties it to the window it was trained at: run it through `core.tiles.Tiled`.

    Parameters
    ----------
    channels : int
        Channels, all at half the resolution; a multiple of ``groups``.
    blocks : int
        Residual blocks of encoder and of decoder.
    groups : int
        GroupNorm groups.
    conditions : int
        Channels of the condition, at half the resolution.
    """

    centre: Tensor
    spread: Tensor

    def __init__(
        self,
        channels: int = 48,
        blocks: int = 2,
        groups: int = 8,
        conditions: int = BLOCK * CONDITION_CHANNELS,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(
            2, BLOCK + conditions, (channels,), 2, (blocks,), groups, 1e-6, (False,), False
        )
        self.decoder = Decoder(
            2, (channels,), 1 + conditions, BLOCK, (blocks,), groups, 1e-6, (False,), False
        )
        self.down = nn.Conv2d(BLOCK, 1, 3, padding=1, bias=False)
        self.up = nn.Conv2d(1, BLOCK, 3, padding=1, bias=False)
        self.register_buffer("centre", torch.zeros(1))
        self.register_buffer("spread", torch.ones(1))
        for linear in (self.down, self.up):
            nn.init.zeros_(linear.weight)
            linear.weight.data[..., 1, 1] = 0.5
        for net in (self.encoder, self.decoder):
            for parameter in net.blocks[-1].parameters():
                nn.init.zeros_(parameter)

    def forward(self, r: Tensor, condition: Tensor, eps: tuple[Tensor, Tensor], t: Tensor) -> Coded:
        """Encode, disturb, decode, as training does.

        The latent is given the std of the batch's residuals, so that both are in units of s, and
        drawn by the reparametrisation of Kingma & Welling (arXiv:1312.6114). At t > 0 the decoder
        sees it as the mean of what is known at angle t, cos t · z_t: it has to decode predictions
        too, which vary less.

        Parameters
        ----------
        r : Tensor, shape (batch, 1, y, x)
            Standardised residual; y and x even.
        condition : Tensor, shape (batch, conditions, y/2, x/2)
            Of the refiner, 2×2 blocks in channels.
        eps : (Tensor, Tensor), each (batch, 1, y/2, x/2)
            Unit noise: of the encoder's uncertainty, of the diffusion.
        t : Tensor, shape (batch, 1, 1, 1)
            Angles; 0 for the latent itself.
        """
        mean, log_var = self._moments(F.pixel_unshuffle(r, 2), condition)
        mean = (mean - mean.mean()) * (r.std() / mean.std().clamp(min=1e-3))
        z = mean + torch.exp(0.5 * log_var) * eps[0]
        seen = torch.where(t > 0, t.cos() * diffuse(z, eps[1], t), z)
        return Coded(F.pixel_shuffle(self.decode(seen, condition), 2), mean, log_var)

    def encode(self, blocks: Tensor, condition: Tensor) -> Tensor:
        """The latent's mean, in units of s, (batch, 1, y/2, x/2), of r's 2×2 blocks in channels."""
        return (self._moments(blocks, condition)[0] - self.centre) / self.spread

    def decode(self, z: Tensor, condition: Tensor) -> Tensor:
        """The mean of r given z, as 2×2 blocks in channels, (batch, 4, y/2, x/2)."""
        found: Tensor = self.up(z) + self.decoder(torch.cat((z, condition), dim=1))
        return found.float()

    def standardise(self, means: Tensor, r: Tensor) -> None:
        """From now on latents have mean 0 and the std of residuals.

        Not that of 1: a few patches whose residuals are far larger than s would make all others
        small, and sampling begins as if all were of unit variance.

        Parameters
        ----------
        means : Tensor
            From `encode`.
        r : Tensor
            What they are the latents of.
        """
        self.centre += self.spread * means.mean()
        self.spread *= means.std() / r.std()

    def _moments(self, blocks: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, before it is scaled."""
        mean, log_var = self.encoder(torch.cat((blocks, condition), dim=1)).float().chunk(2, dim=1)
        return self.down(blocks) + mean, (SURE + log_var).clamp(-12.0, 4.0)


class LatentRefiner(nn.Module):
    """An autoencoder and a refiner of its latent."""

    def __init__(self, autoencoder: Autoencoder, diffusion: Refiner) -> None:
        super().__init__()
        self.autoencoder, self.diffusion = autoencoder, diffusion

    def forward(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """Velocity in the latent plane, as `core.refiner.Refiner` gives it."""
        v: Tensor = self.diffusion(z_t, t, condition)
        return v
