"""The loss table of a training: means since the last row, and how fast it goes."""

from __future__ import annotations

import csv
import math
import time
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["Means", "Pace", "append_row"]


def append_row(path: Path, row: dict[str, float]) -> None:
    """Append to a CSV table; one that was begun with other columns keeps those it has."""
    columns = list(row)
    if path.exists():
        with path.open(newline="") as file:
            columns = next(csv.reader(file), columns)
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(columns)
        writer.writerow(f"{row.get(name, math.nan):.6g}" for name in columns)


class Pace:
    """Steps a second since it was last asked, everything included."""

    def __init__(self, step: int) -> None:
        self._step, self._at = step, time.monotonic()

    def of(self, step: int) -> float:
        """Pace up to ``step``."""
        now = time.monotonic()
        pace = (step - self._step) / max(now - self._at, 1e-9)
        self._step, self._at = step, now
        return pace


class Means:
    """Running means of named figures since they were last taken; left on their device till then."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._n = 0

    def add(self, figures: dict[str, Tensor]) -> None:
        """One step's figures."""
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._n += 1

    def take(self) -> dict[str, float]:
        """The means, which begin anew."""
        means = {name: float(total) / self._n for name, total in self._sums.items()}
        self._sums, self._n = {}, 0
        return means
