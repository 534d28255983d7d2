"""Values rounded as their uncertainty allows.

The half-width of an interval keeps one significant digit, two where the first is a 1, and the value
as many decimals (GUM, JCGM 100:2008, §7.2.6, allows two at most).
"""

from __future__ import annotations

import math

__all__ = ["decimals", "rounded", "with_half_width"]


def decimals(half: float) -> int:
    """Decimals that a value with an interval of this half-width deserves."""
    if not math.isfinite(half) or half <= 0:
        return 1
    mantissa, exponent = f"{half:.1e}".split("e")
    return min(6, max(0, (1 if mantissa.startswith("1") else 0) - int(exponent)))


def rounded(value: float, half: float, unit: str = "") -> str:
    """A value, rounded as the half-width of its interval allows."""
    if not math.isfinite(value):
        return "no value"
    text = f"{value:.{decimals(half)}f}".replace("-", "−")
    return f"{text} {unit}".rstrip()


def with_half_width(value: float, half: float, unit: str = "") -> str:
    """A value ± the half-width of its interval, as ``85.6 ± 0.5 HU``."""
    return f"{rounded(value, half)} ± {rounded(half, half, unit)}"
