"""A noise level in plain words: always σ in the scan's unit, for MR beside its fraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from medrestore.engine.plan import Plan

__all__ = ["doubts_in_words", "noise_in_words", "strength_in_words"]

MOST_NAMED = 4
"""Time points whose noise is listed one by one."""
APART = 1.5
"""The scan's own noise is worth a word where it is so many times what was told, or less."""


def noise_in_words(plan: Plan) -> str:
    """The noise that is removed: how strong, how that is known, and what is doubtful about it."""
    return "; ".join([strength_in_words(plan), plan.noise.source, *doubts_in_words(plan)])


def doubts_in_words(plan: Plan) -> list[str]:
    """Where the scan's witnesses disagree, or the scan with what was told, volume by volume."""
    unit, found = modality_named(plan.modality).unit, []
    unsure = [noise.between for noise, _ in plan.each if noise.between is not None]
    if unsure:
        low, high = min(low for low, _ in unsure), max(high for _, high in unsure)
        found.append(f"between {low:.3g} and {high:.3g} {unit}: give the noise where it is known")
    told = [(noise.sigma, noise.measured) for noise, _ in plan.each if noise.measured is not None]
    if any(not sigma / APART < own < sigma * APART for sigma, own in told):
        reads = _listed([own for _, own in told], unit)
        found.append(f"the scan itself reads {reads}")
    return found


def strength_in_words(plan: Plan) -> str:
    """σ in the scan's unit and, where noise is relative, as a fraction of the foreground."""
    modality, levels = modality_named(plan.modality), plan.levels
    unit, what, relative = modality.unit, modality.noise.where, modality.noise.relative
    if len(levels) < 2:
        sigma, scale = plan.noise.sigma, plan.scale
        if relative and plan.noise.map is not None:
            return f"σ a map, median {sigma:.3g} {unit}"
        share = f", {_percent(sigma / scale)} of the foreground" if relative else ""
        return f"σ {sigma:.3g} {unit}{what}{share}"
    sigmas = [level.noise.sigma for level in levels]
    if len(levels) <= MOST_NAMED:
        text = f"σ {_listed(sigmas, unit)}{what} at time points 0 to {len(levels) - 1}"
    else:
        text = (
            f"σ {min(sigmas):.3g} to {max(sigmas):.3g} {unit}{what} over {len(levels)} time "
            f"points, each with its own (middle one {plan.noise.sigma:.3g})"
        )
    if relative:
        shares = [level.noise.sigma / level.scale for level in levels]
        spread = " to ".join(dict.fromkeys(f"{100 * s:.2g}" for s in (min(shares), max(shares))))
        text += f", {spread} % of each one's foreground"
    return text


def _listed(sigmas: list[float], unit: str) -> str:
    """A few one by one, of more the lowest and the highest."""
    if len(sigmas) > MOST_NAMED:
        return f"{min(sigmas):.3g} to {max(sigmas):.3g} {unit}"
    return f"{', '.join(f'{sigma:.3g}' for sigma in sigmas)} {unit}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
