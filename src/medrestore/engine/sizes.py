"""Amounts of memory in words."""

from __future__ import annotations

__all__ = ["memory"]

GIGA, MEGA = 1e9, 1e6


def memory(size: float) -> str:
    """Bytes in GB (10⁹) to a tenth; below a tenth in MB, of two digits."""
    if size >= 0.0995 * GIGA:
        return f"{size / GIGA:.1f} GB"
    return f"{size / MEGA:.2g} MB"
