"""Numbers with their uncertainty as a person writes them. No Qt."""

from __future__ import annotations

import math

__all__ = ["decimals", "interval", "measured"]


def decimals(std: float) -> int:
    """Decimals that a value deserves: its uncertainty keeps two significant digits."""
    if not math.isfinite(std) or std <= 0:
        return 1
    return min(6, max(0, 1 - math.floor(math.log10(std))))


def measured(value: float, std: float, unit: str = "") -> str:
    """A value, rounded as its uncertainty allows."""
    if not math.isfinite(value):
        return "no value"
    text = f"{value:.{decimals(std)}f}".replace("-", "−")
    return f"{text} {unit}".rstrip()


def interval(lower: float, upper: float, std: float) -> str:
    """Both ends of an interval."""
    return f"{measured(lower, std)} … {measured(upper, std)}"
