"""Numbers as people read them, and tables for pages and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Table", "amount", "number", "true_minus"]


class Table(NamedTuple):
    """Titles and rows; the first ``text_columns`` columns are text, the others numbers."""

    titles: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    text_columns: int


def number(value: float) -> str:
    """Return three significant digits, at least all before the point, with a true minus."""
    return true_minus(f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}")


def amount(value: float, unit: str) -> str:
    """Return a number with its unit."""
    return f"{number(value)} {unit}"


def true_minus(text: str) -> str:
    """Return a text whose hyphens are minus signs."""
    return text.replace("-", "−")
