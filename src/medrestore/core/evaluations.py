"""What a sample costs: network evaluations, the common coin of all samplers.

Every method evaluates the network once at t = π/2 and a fixed number of times for each further
angle. Of a method that takes r̂ for the mean of r, all samples share the result at π/2, where z
carries no information. Nothing here needs torch.
"""

from __future__ import annotations

from medrestore.errors import SettingsError

__all__ = [
    "DEFAULT",
    "OWN_START",
    "PER_ANGLE",
    "evaluations",
    "passes",
    "shares_start",
    "steps_within",
    "without_network",
]

DEFAULT = "moment-matched"
"""What draws the samples of a refiner that predicts means."""

PER_ANGLE: dict[str, int] = {
    "moment-matched": 1,
    "ddpm": 1,
    "ddim": 1,
    "heun": 2,
    "predictor-corrector": 2,
    "ve-sde": 1,
    "langevin": 4,
    "consistency": 1,
}
"""Evaluations at each angle between π/2 and 0, by the name of the method."""

OWN_START = frozenset({"consistency"})
"""Methods whose network makes a sample, not a mean, of the z it sees: each sample evaluates it at
π/2 itself, its weights are distilled, and gains of the card act on its samples."""


def evaluations(sampler: str, steps: int) -> int:
    """Network evaluations that one sample takes, a shared first one included.

    Raises
    ------
    SettingsError
        If the sampler is unknown or takes no step.
    """
    if sampler not in PER_ANGLE:
        raise SettingsError(f"sampler is one of {', '.join(PER_ANGLE)}, got {sampler!r}")
    if steps < 1:
        raise SettingsError(f"a sampler takes at least one step, got {steps}")
    return 1 + (steps - 1) * PER_ANGLE[sampler]


def steps_within(sampler: str, budget: int) -> int:
    """The most steps that a sampler can take in ``budget`` evaluations, at least 1."""
    return 1 + max(0, budget - evaluations(sampler, 1)) // PER_ANGLE[sampler]


def without_network(sampler: str, steps: int) -> bool:
    """Whether samples are Gaussian noise about μ: one step of a method that takes r̂ for a mean."""
    return sampler not in OWN_START and evaluations(sampler, steps) == 1


def shares_start(sampler: str, steps: int) -> bool:
    """Whether all samples use one evaluation at π/2."""
    return sampler not in OWN_START and not without_network(sampler, steps)


def passes(sampler: str, steps: int, samples: int, guidance: float = 1.0) -> int:
    """Network evaluations of a slice, or window of slices, that ``samples`` samples take.

    With classifier-free ``guidance`` each prediction takes two, told and untold, unless its weight
    leaves one of them out (`core.guidance`).
    """
    if not samples or without_network(sampler, steps):
        return 0
    shared = int(shares_start(sampler, steps))
    predictions = shared + samples * (evaluations(sampler, steps) - shared)
    return predictions if guidance in (0, 1) else 2 * predictions
