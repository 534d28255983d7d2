"""A metric: a number that an image, or an uncertainty, is judged by, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from medrestore.evaluation.agreement import Agreement, agreement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from medrestore.evaluation.windows import Window

__all__ = ["INTENSITY", "Errors", "Metric", "Pair", "shown"]

INTENSITY = "intensity"
"""Unit of what is in the scan's own: HU, or a.u., over cases percent of the foreground scale."""

Evidence = TypeVar("Evidence", bound="Pair | Errors")


@dataclass(frozen=True, eq=False)
class Pair:
    """An image and its reference, (z, y, x), in a window; NaN may stand outside of the mask."""

    image: NDArray[Any]
    reference: NDArray[Any]
    mask: NDArray[np.bool_]
    window: Window

    @cached_property
    def agreement(self) -> Agreement:
        """Differences to the reference; nothing is cut to the window."""
        return agreement(self.image, self.reference, self.mask)


@dataclass(frozen=True, eq=False)
class Errors:
    """Truth, expected image and its standard deviation at the voxels that count, (n,)."""

    truth: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @cached_property
    def error(self) -> NDArray[np.float64]:
        """Expected image − truth."""
        return self.mean - self.truth


@dataclass(frozen=True)
class Metric(Generic[Evidence]):
    """A number, from `Pair` for an image and from `Errors` for an uncertainty.

    Parameters
    ----------
    name : str
        In tables; neighbours of one name share a cell.
    column : str
        In ``figures.csv`` and JSON; of what is compared over cases only, empty.
    unit : str
        ``"dB"``, empty, or `INTENSITY`.
    of : callable
        Measures it.
    cell : str
        Format in the table of cases; empty if it is not shown there.
    better : str
        ``"higher"``, ``"lower"``, a number that is best, or empty.
    compared : bool
        True if methods are compared by it over cases.
    digits : int
        Significant ones of a mean over cases.
    reference : str
        Identifier of the work that defines it, where it is not elementary.
    """

    name: str
    column: str
    unit: str
    of: Callable[[Evidence], float]
    cell: str = ""
    better: str = ""
    compared: bool = True
    digits: int = 3
    reference: str = ""

    @property
    def key(self) -> str:
        """Name of its value among those of an image or an uncertainty."""
        return self.column or self.name

    def titled(self, unit: str) -> str:
        """Title of its column in a table; ``unit`` is the scan's."""
        own = unit if self.unit == INTENSITY else self.unit
        return f"{self.name} ({own})" if own else self.name


def shown(metrics: Iterable[Metric[Any]], unit: str) -> dict[str, list[Metric[Any]]]:
    """The metrics of each cell of a table of cases, by the cell's title."""
    cells: dict[str, list[Metric[Any]]] = {}
    for one in metrics:
        if one.cell:
            cells.setdefault(one.titled(unit), []).append(one)
    return cells
