"""Numbers as people read them, and tables for pages and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Table", "amount", "number", "table_of", "true_minus"]

Parts = TypeVarTuple("Parts")


class Table(NamedTuple):
    """Titles and rows; the first ``text_columns`` columns are text, the others numbers."""

    titles: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    text_columns: int


def table_of(
    items: Iterable[tuple[*Parts]],
    text_columns: int,
    *columns: tuple[str, Callable[[*Parts], str]],
) -> Table:
    """Return a table with a row for each item; a column is its title and the cell of an item."""
    titles, cells = zip(*columns, strict=True)
    return Table(titles, [tuple(cell(*item) for cell in cells) for item in items], text_columns)


def number(value: float) -> str:
    """Return three significant digits, at least all before the point, with a true minus."""
    return true_minus(f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}")


def amount(value: float, unit: str) -> str:
    """Return a number with its unit."""
    return f"{number(value)} {unit}"


def true_minus(text: str) -> str:
    """Return a text whose hyphens are minus signs."""
    return text.replace("-", "−")
