"""A plan in plain words: its noise, the memory it takes, and what is doubtful about it.

A noise level is always σ in the scan's unit, for MR beside its fraction of the foreground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.method import ESTIMATED
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.engine.noise import Level
    from medrestore.engine.plan import Plan
    from medrestore.models.card import Card
    from medrestore.settings.settings import Settings

__all__ = [
    "calibrated",
    "grid_in_words",
    "memory",
    "noise_doubts",
    "noise_in_words",
    "noise_strength",
    "warnings_of",
]

MOST_NAMED = 4
"""Time points whose noise is listed one by one."""
APART = 1.5
"""The scan's own noise is worth a word where it is so many times the given one, or less."""
WITHIN = 1.01
"""Noise this near to a bound is not beyond it."""
GIGA, MEGA = 1e9, 1e6


def memory(size: float) -> str:
    """Bytes in GB (10⁹) to a tenth; below a tenth in MB, of two digits."""
    if size >= 0.0995 * GIGA:
        return f"{size / GIGA:.1f} GB"
    return f"{size / MEGA:.2g} MB"


def noise_in_words(plan: Plan) -> str:
    """The noise that is removed: how strong, how that is known, and what is doubtful about it."""
    return "; ".join([noise_strength(plan), plan.noise.source, *noise_doubts(plan)])


def noise_doubts(plan: Plan) -> list[str]:
    """Disagreements of estimates among themselves, or of the scan with the given noise."""
    unit, found = modality_named(plan.modality).unit, []
    unsure = [noise.between for noise, _ in plan.each if noise.between is not None]
    if unsure:
        low, high = min(low for low, _ in unsure), max(high for _, high in unsure)
        found.append(f"between {low:.3g} and {high:.3g} {unit}: give the noise where it is known")
    given = [(noise.sigma, noise.measured) for noise, _ in plan.each if noise.measured is not None]
    if any(not sigma / APART < measured < sigma * APART for sigma, measured in given):
        reads = _listed([measured for _, measured in given], unit)
        found.append(f"the scan itself reads {reads}")
    return found


def grid_in_words(plan: Plan) -> str:
    """The grid that the run works on, where that is in question; empty where it is not."""
    shown = " × ".join(map(str, plan.shape[1:]))
    if plan.grid is not None:
        size = " × ".join(map(str, plan.grid))
        return f"restored on the acquired grid {size}, shown on {shown} ({plan.grid_source})"
    return f"restored as shown, on {shown}: {plan.grid_source}" if plan.grid_source else ""


def noise_strength(plan: Plan) -> str:
    """σ in the scan's unit and, where noise is relative, as a fraction of the foreground."""
    modality, levels = modality_named(plan.modality), plan.levels
    unit, tissue, relative = modality.unit, modality.noise.where, modality.noise.relative
    if len(levels) < 2:
        sigma, scale = plan.noise.sigma, plan.scale
        if relative and plan.noise.map is not None:
            return f"σ a map, median {sigma:.3g} {unit}"
        share = f", {_percent(sigma / scale)} of the foreground" if relative else ""
        return f"σ {sigma:.3g} {unit}{tissue}{share}"
    sigmas = [level.noise.sigma for level in levels]
    if len(levels) <= MOST_NAMED:
        text = f"σ {_listed(sigmas, unit)}{tissue} at time points 0 to {len(levels) - 1}"
    else:
        text = (
            f"σ {min(sigmas):.3g} to {max(sigmas):.3g} {unit}{tissue} over {len(levels)} time "
            f"points, each with its own (middle one {plan.noise.sigma:.3g})"
        )
    if relative:
        shares = [level.noise.sigma / level.scale for level in levels]
        spread = " to ".join(dict.fromkeys(f"{100 * s:.2g}" for s in (min(shares), max(shares))))
        text += f", {spread} % of each one's foreground"
    return text


def warnings_of(card: Card, levels: Sequence[Level], settings: Settings) -> tuple[str, ...]:
    """Sentences on noise, guidance and calibration beyond what is known; often none."""
    return (
        *_noise_beyond_training(card, levels),
        *_guided(card, settings),
        *_not_calibrated(card, settings),
    )


def calibrated(card: Card, settings: Settings) -> bool:
    """True if the model's coverage was measured for intervals drawn as these settings ask."""
    return card.calibrated(_method(settings)) is not None


def _noise_beyond_training(card: Card, levels: Sequence[Level]) -> tuple[str, ...]:
    """Noise that is more, or less, than a model was trained for."""
    low, high = card.sigma_range
    shares = [level.noise.sigma / level.scale for level in levels]
    more = sum(share > WITHIN * high for share in shares)
    less = sum(WITHIN * share < low for share in shares)
    found = []
    if more:
        compared = _against(levels[shares.index(max(shares))], high, card.modality)
        found.append(
            f"{_among(more, levels)}{compared.format(f'above what {card.name} was trained for')}; "
            "noise may be left or structure go with it: check the result"
        )
    if less:
        compared = _against(levels[shares.index(min(shares))], low, card.modality)
        found.append(
            f"{_among(less, levels)}{compared.format(f'below what {card.name} removes')}; "
            "voxels with less are returned as they are"
        )
    return tuple(found)


def _against(level: Level, bound: float, modality: str) -> str:
    """The noise of a volume beside a bound, with room for what it is."""
    (noise, scale), unit = level, modality_named(modality).unit
    return (
        f"the noise (σ {noise.sigma:.3g} {unit}, {noise.sigma / scale:.2%} of the intensity scale) "
        f"is {{}} ({bound * scale:.3g} {unit}, {bound:.2%})"
    )


def _among(some: int, levels: Sequence[Level]) -> str:
    return "" if len(levels) == 1 else f"in {some} of {len(levels)} time points "


def _guided(card: Card, settings: Settings) -> tuple[str, ...]:
    if not settings.guided:
        return ()
    of_them = "the intervals of regions" if card.family.predicts else "their std and intervals"
    return (
        f"samples are guided (guidance {settings.guidance:g}, measurement "
        f"{settings.measurement:g}): they no longer spread as the posterior does, and {of_them} "
        "are not calibrated",
    )


def _not_calibrated(card: Card, settings: Settings) -> tuple[str, ...]:
    if settings.guided or calibrated(card, settings):
        return ()
    method, known = _method(settings), ", ".join(sorted(card.known.intervals.factors))
    if not known:
        return (f"{card.name} is not calibrated: {ESTIMATED}",)
    return (f"{card.name} {card.family.not_calibrated(known, method)}",)


def _method(settings: Settings) -> str:
    return settings.method if settings.samples else "predictor"


def _listed(sigmas: list[float], unit: str) -> str:
    """A few one by one, of more the lowest and the highest."""
    if len(sigmas) > MOST_NAMED:
        return f"{min(sigmas):.3g} to {max(sigmas):.3g} {unit}"
    return f"{', '.join(f'{sigma:.3g}' for sigma in sigmas)} {unit}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
