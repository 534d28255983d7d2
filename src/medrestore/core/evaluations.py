"""What a sample costs: network evaluations, the common coin of all samplers.

Every method evaluates the network once at t = π/2, where all samples share the result, and a fixed
number of times for each further angle. Nothing here needs torch.
"""

from __future__ import annotations

from medrestore.errors import SettingsError

__all__ = ["PER_ANGLE", "evaluations", "steps_within"]

PER_ANGLE: dict[str, int] = {
    "moment-matched": 1,
    "ddpm": 1,
    "ddim": 1,
    "heun": 2,
    "predictor-corrector": 2,
    "langevin": 4,
}
"""Evaluations at each angle between π/2 and 0, by the name of the method."""


def evaluations(sampler: str, steps: int) -> int:
    """Network evaluations that one sample takes, the shared first one included.

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
