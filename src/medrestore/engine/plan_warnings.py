"""Warnings of a run before it begins: noise, guidance and calibration beyond what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.method import ESTIMATED
from medrestore.settings.noise import UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.engine.level import Level
    from medrestore.models.card import Card
    from medrestore.settings.settings import Settings
    from medrestore.volume import Modality

__all__ = ["calibrated", "warnings_of"]

WITHIN = 1.01
"""Noise this near to a bound is not beyond it."""


def warnings_of(card: Card, levels: Sequence[Level], settings: Settings) -> tuple[str, ...]:
    """Sentences on noise, guidance and calibration beyond what is known; often none."""
    return (
        *_noise_beyond_training(card, levels),
        *_guided(settings),
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


def _against(level: Level, bound: float, modality: Modality) -> str:
    """The noise of a volume beside a bound, with room for what it is."""
    (noise, scale), unit = level, UNIT[modality]
    return (
        f"the noise (σ {noise.sigma:.3g} {unit}, {noise.sigma / scale:.2%} of the intensity scale) "
        f"is {{}} ({bound * scale:.3g} {unit}, {bound:.2%})"
    )


def _among(some: int, levels: Sequence[Level]) -> str:
    return "" if len(levels) == 1 else f"in {some} of {len(levels)} time points "


def _guided(settings: Settings) -> tuple[str, ...]:
    if not settings.guided:
        return ()
    return (
        f"samples are guided (guidance {settings.guidance:g}, measurement "
        f"{settings.measurement:g}): they no longer spread as the posterior does, and their std "
        "and intervals are not calibrated",
    )


def _not_calibrated(card: Card, settings: Settings) -> tuple[str, ...]:
    if settings.guided or calibrated(card, settings):
        return ()
    method, known = _method(settings), ", ".join(sorted(card.facts["intervals"]["factors"]))
    if not known:
        return (f"{card.name} is not calibrated: {ESTIMATED}",)
    return (f"{card.name} {card.family.not_calibrated(known, method)}",)


def _method(settings: Settings) -> str:
    return settings.method if settings.samples else "predictor"
