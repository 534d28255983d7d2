"""The training step of a latent's autoencoder: variational, with a critic of its texture.

E|r − D(z)|² + w_KL · KL(q(z|r) ‖ N(0, 1)) + w_A · E(A(D(z) + e') − 1)², with z ~ q(z|r).

D shall stay a mean: a critic of D(z) alone would have it invent the texture that a quarter of the
numbers cannot hold, and the mean would be none. So the critic A sees what a sample will be: D(z)
and noise e' with the power of what is missing, the error r − D(z) turned by 180°.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from monai.losses.adversarial_loss import PatchAdversarialLoss
from monai.networks.nets.patchgan_discriminator import PatchDiscriminator
from torch.nn import functional as F

from medrestore.core.refiner_condition import CONDITION_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.autoencoder import Coded
    from medrestore.training.stages import LossOf

__all__ = ["Adversary", "autoencoder_step", "divergence"]


class Adversary:
    """A PatchGAN (Isola et al. 2017, arXiv:1611.07004) under the refiner's condition.

    Least squares (Mao et al. 2017, arXiv:1611.04076), with an optimiser of its own; it begins anew
    when a training goes on.

    Parameters
    ----------
    device : torch.device
        Device of the network.
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

    def learn(self, real: Tensor, made: Tensor, condition: Tensor) -> None:
        """One step: real residuals towards 1, made ones towards 0; all (batch, ·, y, x)."""
        self.net.requires_grad_(True)
        loss = 0.5 * (
            self.loss(self._judged(real, condition), True, for_discriminator=True)
            + self.loss(self._judged(made.detach(), condition), False, for_discriminator=True)
        )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def doubt(self, made: Tensor, condition: Tensor) -> Tensor:
        """Loss of made residuals under the critic: 0 where it takes them for real ones."""
        self.net.requires_grad_(False)
        found: Tensor = self.loss(self._judged(made, condition), True, for_discriminator=False)
        return found

    def _judged(self, residual: Tensor, condition: Tensor) -> Tensor:
        """The critic's map; ``condition`` is (batch, 24, y/2, x/2)."""
        channels = torch.cat((residual, F.pixel_shuffle(condition, 2)), dim=1)
        judged: Tensor = self.net(channels)[-1]
        return judged


RATE, DOUBT = 1e-3, 0.02
"""Weights of the two terms beside the squared error, whose unit is the residual's variance."""

PATIENCE = 200
"""Batches on which the critic learns before it is listened to."""


def divergence(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(m, σ²) ‖ N(0, 1)) per number, ½(m² + σ² − 1 − log σ²) (Kingma & Welling, appendix B)."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).mean()


def autoencoder_step(
    examples: Callable[[], tuple[Tensor, Tensor]],
    generator: torch.Generator,
    adversary: Adversary | None = None,
    patience: int = PATIENCE,
    weight: float = DOUBT,
) -> LossOf:
    """Loss of the autoencoder on the next batch.

    Every other example of a batch is decoded from a prediction at a uniformly drawn angle, as
    sampling leaves it; the critic sees the others. Metrics: ``lost``, the share of the residual's
    power that the latent does not hold, ``divergence`` and ``doubt``.

    Parameters
    ----------
    examples : callable
        Draws a batch of standardised residuals with the refiner's conditions, 2×2 blocks in
        channels.
    generator : torch.Generator
        Of angles and noise.
    adversary : Adversary, optional
        The critic; without it the step is that of a plain variational autoencoder.
    patience : int
        Batches before the critic is listened to.
    weight : float
        Of its doubt.
    """
    batches = 0

    def loss_of(net: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
        nonlocal batches
        r, condition = examples()
        t = _angles(len(r), generator, r.device)
        shape = (2, len(r), 1, *condition.shape[-2:])
        first, second = torch.randn(shape, generator=generator, device=r.device)
        coded: Coded = net(r, condition, (first, second), t)
        error, whole = r - coded.r, t.flatten() == 0
        rate = divergence(coded.mean, coded.log_var)
        metrics = {
            "lost": error[whole].square().mean().detach() / r[whole].square().mean(),
            "divergence": rate.detach(),
        }
        loss = error.square().mean() + RATE * rate
        if adversary is not None:
            made = (coded.r + error.detach().flip((-2, -1)))[whole]
            adversary.learn(r[whole], made, condition[whole])
            doubt = adversary.doubt(made, condition[whole])
            loss = loss + (weight * doubt if batches >= patience else 0)
            metrics["doubt"] = doubt.detach()
        batches += 1
        return loss, metrics

    return loss_of


def _angles(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """0 for every other example, else uniform up to π/2, (count, 1, 1, 1)."""
    t = 0.5 * math.pi * torch.rand(count, generator=generator, device=device)
    t[::2] = 0
    return t.view(-1, 1, 1, 1)
