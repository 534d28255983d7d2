"""A critic of texture: tells residuals from what an autoencoder and noise put in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.losses.adversarial_loss import PatchAdversarialLoss
from monai.networks.nets.patchgan_discriminator import PatchDiscriminator
from torch.nn import functional as F

from medrestore.core.refiner import CONDITION_CHANNELS

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Adversary"]


class Adversary:
    """A PatchGAN (Isola et al. 2017, arXiv:1611.07004), told what the refiner is told.

    Least squares (Mao et al. 2017, arXiv:1611.04076), with an optimiser of its own; it begins anew
    when a training goes on.

    Parameters
    ----------
    device : torch.device
        Where it works.
    channels : int
        Of its first layer; doubled twice.
    rate : float
        AdamW's learning rate.
    """

    def __init__(self, device: torch.device, channels: int = 16, rate: float = 4e-4) -> None:
        self.net = PatchDiscriminator(
            spatial_dims=2,
            channels=channels,
            in_channels=1 + CONDITION_CHANNELS,
            num_layers_d=2,
            norm="INSTANCE",
        ).to(device)
        self.loss = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=rate, betas=(0.5, 0.9))

    def learn(self, real: Tensor, made: Tensor, told: Tensor) -> None:
        """One step: real residuals towards 1, made ones towards 0; all (batch, ·, y, x)."""
        self.net.requires_grad_(True)
        loss = 0.5 * (
            self.loss(self._judged(real, told), True, for_discriminator=True)
            + self.loss(self._judged(made.detach(), told), False, for_discriminator=True)
        )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def doubt(self, made: Tensor, told: Tensor) -> Tensor:
        """What the critic has against made residuals: 0 where it takes them for real ones."""
        self.net.requires_grad_(False)
        found: Tensor = self.loss(self._judged(made, told), True, for_discriminator=False)
        return found

    def _judged(self, residual: Tensor, told: Tensor) -> Tensor:
        """The critic's map; ``told`` is (batch, 24, y/2, x/2)."""
        seen = torch.cat((residual, F.pixel_shuffle(told, 2)), dim=1)
        judged: Tensor = self.net(seen)[-1]
        return judged
