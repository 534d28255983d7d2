"""Consistency distillation: the refiner learns to jump along its own probability-flow ODE.

In angle form the ODE is dz/dt = v̂(z, t). Its solution through (z, t) reaches t = 0 at the
consistency function f(z, t) (Song et al. 2023, arXiv:2303.01469). Written with the refiner's own
formula, f = cos t · z − sin t · F(z, t), it obeys f(z, 0) = z whatever F is (Lu & Song 2024,
arXiv:2410.11081, TrigFlow with σ_d = 1): student and teacher share one architecture, and the
student starts from the teacher's weights.

Discrete, not continuous: a step of the teacher and a plain squared error need no derivative of the
network along its input, which on a CPU would cost as much again as all of a step. Heun's method
keeps the price of a step's width low: for a Gaussian of variance 0.05…4 steps of π/16 end within
2 % of the right spread. Widths begin at π/4, so that what is known at t = 0 reaches π/2 in two
jumps, and are halved to π/16 (the curriculum of Song & Dhariwal 2023, arXiv:2310.14189). From there
too the target network is the student itself, without an average.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from medrestore.core.diffusion import diffuse, r_hat_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.training.stages import LossOf

    Example = tuple[Tensor, Tensor]

__all__ = ["Widths", "consistency_step", "ode_step", "reused"]

WIDEST, HALVINGS = math.pi / 4, 2
"""Width of the first steps of the ODE, and how often it is halved."""


class Widths:
    """The curriculum: a step's width, halved after ``every`` batches, then after twice as many.

    Parameters
    ----------
    done : int
        Batches drawn before, in a training that goes on.
    every : int
        Batches of the widest steps.
    """

    def __init__(self, done: int = 0, every: int = 150) -> None:
        self.drawn, self.every = done, every

    def __call__(self) -> float:
        """Width for the next batch, in radians."""
        halved = min(int(math.log2(1 + self.drawn / self.every)), HALVINGS)
        self.drawn += 1
        return math.ldexp(WIDEST, -halved)


def reused(draw: Callable[[], Example], times: int) -> Callable[[], Example]:
    """Every drawn batch ``times`` times in a row; the steps on it differ in angles and noise."""
    waiting: list[Example] = []

    def again() -> Example:
        if not waiting:
            waiting.extend([draw()] * times)
        return waiting.pop()

    return again


@torch.no_grad()
def ode_step(teacher: nn.Module, z_t: Tensor, t: Tensor, u: Tensor, condition: Tensor) -> Tensor:
    """z_u on the probability-flow ODE through (z_t, t), by Heun's method.

    z_u = z_t − (t − u)·(v̂(z_t, t) + v̂(z', u))/2 with z' = z_t − (t − u)·v̂(z_t, t) (Karras et al.
    2022, arXiv:2206.00364, algorithm 1). The refiner predicts v̂ itself, so that u may be 0.

    Parameters
    ----------
    teacher : Module
        ``teacher(z, t, condition)`` predicts v̂, as `core.refiner.Refiner` does.
    z_t : Tensor, shape (batch, 1, y, x)
        State at t.
    t, u : Tensor, shape (batch, 1, 1, 1)
        Angles, 0 ≤ u ≤ t ≤ π/2.
    condition : Tensor, shape (batch, channels, y, x)
        The teacher's condition.
    """
    v_t: Tensor = teacher(z_t, t.flatten(), condition)
    v_u: Tensor = teacher(z_t - (t - u) * v_t, u.flatten(), condition)
    return z_t - 0.5 * (t - u) * (v_t + v_u)


def consistency_step(
    examples: Callable[[], Example],
    teacher: nn.Module,
    generator: torch.Generator,
    width: Callable[[], float],
    depth: int = 1,
) -> LossOf:
    """Loss of the student: E|f(z_t, t) − f⁻(z_u, u)|², the teacher's ODE leading from t to u.

    f⁻ is the student without gradient. A quarter of each batch starts at π/2, where samplers do;
    the other angles are uniform. The metric ``sample_power`` is the power of one-evaluation
    samples: it falls below ``residual_power`` where modes are lost.

    Parameters
    ----------
    examples : callable
        Draws a batch of standardised residuals with their conditions.
    teacher : Module
        The refiner that is distilled; frozen by the caller.
    generator : torch.Generator
        Of angles and noise.
    width : callable
        Gives t − u for the next batch (`Widths`); u is not below 0.
    depth : int
        Slices of a stack, which follow each other in the batch and share an angle.
    """

    def loss_of(net: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
        r, condition = examples()
        t = _angles(len(r) // depth, generator, r.device).repeat_interleave(depth)
        t = t.view(-1, 1, 1, 1)
        u = (t - width()).clamp(min=0.0)
        eps = torch.randn(r.shape, generator=generator, device=r.device)
        z_t = diffuse(r, eps, t)
        z_u = ode_step(teacher, z_t, t, u, condition)
        with torch.no_grad():
            target = r_hat_of(z_u, net(z_u, u.flatten(), condition), u)
        found = r_hat_of(z_t, net(z_t, t.flatten(), condition), t)
        loss = (found - target).square().mean()
        samples = found.detach()[t.flatten() == t.max()]
        return loss, {
            "residual_power": r.square().mean(),
            "sample_power": samples.square().mean(),
        }

    return loss_of


def _angles(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Angles in (0, π/2], the first quarter of them, and at least one, π/2."""
    left = 1 - torch.rand(count, generator=generator, device=device)
    left[: max(1, count // 4)] = 1.0
    return math.pi / 2 * left
