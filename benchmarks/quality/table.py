"""Rows of figures as CSV files that later runs add to."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
KEY = ("scan", "level", "method", "sigma")
FIRST = ("kind", "modality", *KEY)

Row = dict[str, Any]


def identity(row: Row) -> tuple[str, ...]:
    """What a row is about; a newer row about the same replaces it."""
    return key(*(row[name] for name in KEY))


def key(*about: Any) -> tuple[str, ...]:
    """Scan, level, method and σ as they are written, so that rows read back are known again."""
    return tuple(str(_short(value)) for value in about)


def read(path: Path) -> list[Row]:
    """Rows of a CSV file, numbers as numbers, empty cells left out; [] if there is none."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = [{k: _value(v) for k, v in row.items() if v != ""} for row in csv.DictReader(file)]
    return rows


def merge(old: list[Row], new: list[Row]) -> list[Row]:
    """Old rows, replaced or followed by new ones, sorted."""
    rows = {identity(row): row for row in [*old, *new]}
    return sorted(rows.values(), key=lambda r: (r["kind"], r["modality"], r["scan"], r["level"]))


def write(path: Path, rows: list[Row]) -> None:
    """Write rows; columns are the union, in the order of their first appearance."""
    columns = list(dict.fromkeys([*FIRST, *(name for row in rows for name in row)]))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: _short(v) for k, v in row.items()} for row in rows)


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _short(value: Any) -> Any:
    return f"{value:.5g}" if isinstance(value, float) else value
