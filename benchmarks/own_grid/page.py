"""The table of `docs/mathematics.md`, from the CSV file.

python -m benchmarks.own_grid.page
"""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.results.software import device_name

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "mathematics.md"
BEGIN, END = "<!-- own grid -->", "<!-- end of own grid -->"
PLAIN = ("0", "on")
"""Samples and mirroring of the rows that are shown."""
TITLES = (
    "scan, filled",
    "acquired → shown",
    "noise",
    "acquired against shown, dB",
    "auto: grid, dB",
    "auto against BM4D, dB",
    "σ estimated: over the true one, auto against shown, dB",
    "std / error: shown, auto",
    "90 % cover: shown, auto",
    "CPU s: shown, auto",
)


def _lines(path: Path) -> Iterator[str]:
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["samples"], row["mirroring"]) == PLAIN]
    for scan, noise in dict.fromkeys((row["scan"], row["noise"]) for row in rows):
        by = {
            (row["sigma"], row["grid"]): row
            for row in rows
            if (row["scan"], row["noise"]) == (scan, noise)
        }
        shown, acquired, auto = (by["told", grid] for grid in ("shown", "acquired", "auto"))
        estimated = by["estimated", "auto"]
        taken = "as shown" if auto["chosen"] == shown["chosen"] else auto["chosen"]
        worked = acquired["chosen"] != shown["chosen"]
        worked_too = estimated["chosen"] != shown["chosen"]
        cells = [
            scan,
            f"{acquired['chosen'] if worked else 'refused'} → {shown['chosen']}",
            f"{100 * float(noise):g} %",
            _signed(acquired["over_shown_db"] if worked else ""),
            taken if taken == "as shown" else f"{taken}, {_signed(auto['over_shown_db'])}",
            _signed(auto["over_bm4d_db"]),
            f"{float(estimated['found_sigma']):.2f}, "
            + (_signed(estimated["over_shown_db"]) if worked_too else "as shown"),
            *(
                f"{float(shown[name]):.2f}, {float(auto[name]):.2f}"
                for name in ("std_error", "coverage")
            ),
            f"{float(shown['seconds']):.1f}, {float(auto['seconds']):.1f}",
        ]
        yield f"| {' | '.join(cells)} |"


def _signed(decibels: str) -> str:
    """With its sign; a dash where there is none."""
    return f"{float(decibels):+.2f}".replace("-", "−") if decibels else "–"


def write_table(path: Path = HERE / "mr_slice.csv") -> None:
    """Write the table between its marks."""
    note = (
        "One middle slice with its neighbours, mirrored, without samples; the truth has the noise "
        "of the scan itself.\n"
        f"`python -m benchmarks.own_grid.run`, {date.today().isoformat()}, "
        f"{device_name('cpu')}, seed 0."
    )
    lines = [f"| {' | '.join(TITLES)} |", f"|{' --- |' * len(TITLES)}", *_lines(path)]
    text = "\n".join([BEGIN, "", *lines, "", note, "", END])
    page = DOCS.read_text(encoding="utf-8")
    DOCS.write_text(
        re.sub(f"{BEGIN}.*{END}", lambda _: text, page, flags=re.DOTALL), encoding="utf-8"
    )


if __name__ == "__main__":
    write_table()
