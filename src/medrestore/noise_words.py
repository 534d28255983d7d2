"""A noise level in plain words: always σ in the scan's unit, for MR beside its fraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.noise_told import UNIT

if TYPE_CHECKING:
    from medrestore.plan import Plan

__all__ = ["doubts_in_words", "noise_in_words", "strength_in_words"]

MOST_NAMED = 4
"""Time points whose noise is listed one by one."""
APART = 1.5
"""The scan's own noise is worth a word where it is so many times what was told, or less."""


def noise_in_words(plan: Plan) -> str:
    """The noise that is removed: how strong, how that is known, and what is doubtful about it."""
    return "; ".join([strength_in_words(plan), plan.noise.source, *doubts_in_words(plan)])


def doubts_in_words(plan: Plan) -> list[str]:
    """Where the scan's witnesses disagree, or the scan with what was told."""
    noise, unit, found = plan.noise, UNIT[plan.modality], []
    if noise.between is not None:
        low, high = noise.between
        found.append(f"between {low:.3g} and {high:.3g} {unit}: give the noise where it is known")
    own = noise.measured
    if own is not None and not noise.sigma / APART < own < noise.sigma * APART:
        found.append(f"the scan itself reads {own:.3g} {unit}")
    return found


def strength_in_words(plan: Plan) -> str:
    """σ in the scan's unit and, for MR, as a fraction of the noise-free foreground."""
    unit, what = UNIT[plan.modality], "" if plan.modality == "MR" else " in soft tissue"
    levels = plan.levels
    if len(levels) < 2:
        sigma, scale = plan.noise.sigma, plan.scale
        if plan.modality == "MR" and plan.noise.map is not None:
            return f"σ a map, median {sigma:.3g} {unit}"
        share = f", {_percent(sigma / scale)} of the foreground" if plan.modality == "MR" else ""
        return f"σ {sigma:.3g} {unit}{what}{share}"
    sigmas = [level.noise.sigma for level in levels]
    if len(levels) <= MOST_NAMED:
        listed = ", ".join(f"{sigma:.3g}" for sigma in sigmas)
        text = f"σ {listed} {unit}{what} at time points 0 to {len(levels) - 1}"
    else:
        text = (
            f"σ {min(sigmas):.3g} to {max(sigmas):.3g} {unit}{what} over {len(levels)} time "
            f"points, each with its own (middle one {plan.noise.sigma:.3g})"
        )
    if plan.modality == "MR":
        shares = [level.noise.sigma / level.scale for level in levels]
        low, high = _percent(min(shares)), _percent(max(shares))
        text += f", {low} of each one's foreground" if low == high else f", {low} to {high} of it"
    return text


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
