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

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.autoencoder import Coded
    from medrestore.training.adversary import Adversary
    from medrestore.training.stages import LossOf

__all__ = ["autoencoder_step", "divergence"]

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

    Every other example of a batch is decoded from a prediction at a uniformly drawn angle, as the
    walk leaves it; the critic is shown the others. Figures: ``lost``, the share of the residual's
    power that the latent does not hold, ``divergence`` and ``doubt``.

    Parameters
    ----------
    examples : callable
        Draws a batch of standardised residuals with what the refiner is told, 2×2 blocks in
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
    seen = 0

    def loss_of(net: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
        nonlocal seen
        r, told = examples()
        t = _angles(len(r), generator, r.device)
        shape = (2, len(r), 1, *told.shape[-2:])
        first, second = torch.randn(shape, generator=generator, device=r.device)
        coded: Coded = net(r, told, (first, second), t)
        error, whole = r - coded.r, t.flatten() == 0
        rate = divergence(coded.mean, coded.log_var)
        figures = {
            "lost": error[whole].square().mean().detach() / r[whole].square().mean(),
            "divergence": rate.detach(),
        }
        loss = error.square().mean() + RATE * rate
        if adversary is not None:
            made = (coded.r + error.detach().flip((-2, -1)))[whole]
            adversary.learn(r[whole], made, told[whole])
            doubt = adversary.doubt(made, told[whole])
            loss = loss + (weight * doubt if seen >= patience else 0)
            figures["doubt"] = doubt.detach()
        seen += 1
        return loss, figures

    return loss_of


def _angles(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """0 for every other example, else uniform up to π/2, (count, 1, 1, 1)."""
    t = 0.5 * math.pi * torch.rand(count, generator=generator, device=device)
    t[::2] = 0
    return t.view(-1, 1, 1, 1)
