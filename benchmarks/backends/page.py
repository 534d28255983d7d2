"""CSV files and the page of what `run.py` measured."""

from __future__ import annotations

import csv
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.devices import device_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
HEADINGS = {
    "model": "model", "back_end": "back end", "predictor_ms": "predictor, ms a slice",
    "predictor_of_torch": "× torch", "refiner_ms": "refiner, ms for 16 windows",
    "refiner_of_torch": "× torch", "mu_sigma": "μ apart, σ", "log_s": "log s apart",
    "r_hat_s": "r̂ apart, s", "samples": "samples", "s_per_slice": "s a slice",
    "of_torch": "× torch", "restored_sigma": "image apart, σ", "imports_s": "imports, s",
    "first_s": "first prediction after, s", "mb": "process, MB", "torch": "torch loaded",
    "converting_s": "conversion, s", "converting_mb": "conversion, MB",
}  # fmt: skip
"""Columns as the page names them."""


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows in Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[HEADINGS[name] for name in names], ["---"] * len(names)]
    lines += [[str(row.get(name, "")) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_page(
    tables: Mapping[str, Sequence[Mapping[str, object]]], rounds: int, seed: int
) -> None:
    """Write `networks.csv`, `runs.csv`, `start.csv` and the page around them."""
    for name, rows in tables.items():
        names = list(dict.fromkeys(field for row in rows for field in row))
        with (HERE / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    facts = {name: table(rows) for name, rows in tables.items()}
    facts["machine"] = (
        f"{device_name('cpu')}, one thread of one core that other programs used too; torch "
        f"{version('torch')}, MONAI {version('monai')}, OpenVINO {version('openvino')}; best of "
        f"{rounds} rounds, seed {seed}, {date.today():%Y-%m-%d}"
    )
    page = (HERE / "text.md").read_text(encoding="utf-8")
    for name, text in facts.items():
        page = page.replace(f"{{{name}}}", text)
    (HERE / "README.md").write_text(page, encoding="utf-8")
