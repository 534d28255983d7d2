"""Rows of figures as CSV files that later runs add to."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from benchmarks.quality import table

__all__ = ["KEY", "Row", "add", "read"]

FOLDER = Path(__file__).parent
KEY = ("anatomy", "scan", "noise", "kernel", "told", "method")

Row = dict[str, Any]


def read(part: str) -> list[Row]:
    """Rows of a part; [] where it was not run."""
    return table.read(FOLDER / f"{part}.csv")


def add(part: str, new: list[Row]) -> None:
    """Add rows to a part's file; one about the same as an older one replaces it."""
    rows = {table.key(*(row.get(name, "") for name in KEY)): row for row in read(part)}
    rows |= {table.key(*(row.get(name, "") for name in KEY)): row for row in new}
    kept = [rows[key] for key in sorted(rows)]
    columns = list(dict.fromkeys([*KEY, *(name for row in kept for name in row)]))
    with (FOLDER / f"{part}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _short(value) for name, value in row.items()} for row in kept)


def _short(value: Any) -> Any:
    return f"{value:.5g}" if isinstance(value, float) else value
