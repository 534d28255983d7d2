"""A way from noise to a sampled residual: its step, and the facts that are known of it.

Nothing here needs torch, nor does a sampler's file: settings, command line and form list them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from medrestore.core.noise_field import NoiseField
    from medrestore.core.spectrum import Kernel

    Step = Callable[[Tensor, Tensor, float, float, "Chain"], Tensor]

__all__ = ["Chain", "Sampler", "sampler"]


@dataclass(frozen=True)
class Chain:
    """Position of a step in the chain of a sample, and what it may draw on.

    Parameters
    ----------
    index : int
        Steps before it; keys its noise.
    field : NoiseField
        Noise of these samples and slices.
    kernel : callable
        Angle → kernel of the covariance of r − r̂ there.
    evaluate : callable
        (z, t) → another r̂; called as often as the sampler's ``per_angle`` says, less one.
    """

    index: int
    field: NoiseField
    kernel: Callable[[float], Kernel]
    evaluate: Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Sampler:
    """A method by which samples are drawn; called like its step.

    Parameters
    ----------
    step : callable
        One step of it: z_t and r̂ at angle t, the smaller angle u, and its place in the chain → z_u.
    name : str
        In settings, records and cards.
    label : str
        For people, in the form.
    references : tuple of str
        Keys of the works that describe it (`citations.references`).
    per_angle : int
        Network evaluations at each angle between π/2 and 0.
    makes_samples : bool
        True if the network makes a sample, not a mean, of the z it sees: each sample evaluates it
        at π/2 itself, its weights are distilled, and gains of the card act on its samples.
    adds_covariance : bool
        True if each step adds Cov[r | z_t] to r̂, as a spectrum that a predictor's card holds.
    """

    step: Step
    name: str
    label: str
    references: tuple[str, ...]
    per_angle: int = 1
    makes_samples: bool = False
    adds_covariance: bool = False

    def __call__(self, z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
        """z_u at the smaller angle u, from z_t and r̂ at angle t, where the chain evaluated it."""
        return self.step(z_t, r_hat, t, u, chain)


def sampler(
    name: str,
    label: str,
    references: tuple[str, ...],
    *,
    per_angle: int = 1,
    makes_samples: bool = False,
    adds_covariance: bool = False,
) -> Callable[[Step], Sampler]:
    """Decorate a step with the facts of its `Sampler`."""
    return lambda step: Sampler(
        step, name, label, references, per_angle, makes_samples, adds_covariance
    )
