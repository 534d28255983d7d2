"""Colours of the plots: told apart by the colour-blind (Okabe & Ito), and in print."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ACCENT", "FAINT", "INK", "NOISY", "of_methods"]

INK, FAINT = "#1c1f23", "#9aa0a6"
NOISY, ACCENT = "#777777", "#d55e00"
METHODS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")


def of_methods(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method, the same in every plot; they repeat after the seventh."""
    return {name: METHODS[i % len(METHODS)] for i, name in enumerate(methods)}
