"""The table as a CSV file that later runs add to; a row that is there is not computed again."""

from __future__ import annotations

import csv
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.families.crops import DataSet
    from benchmarks.families.method import Method
    from medrestore.models.card import Card

__all__ = ["COLUMNS", "PATH", "Row", "Table", "head"]

Row = dict[str, Any]

PATH = Path(__file__).with_name("families.csv")
NAME = ("data", "family", "method", "model")
"""What a row is about: a newer one takes its place."""
ASKED = ("weights", "calibration", "settings", "crops", "side", "seed")
"""With what it was made: where all are the same, it need not be made again."""
COLUMNS = (
    *NAME,
    *("sampler", "steps", "samples", "people", "crops", "side"),
    *("psnr", "ssim", "psnr_sample", "fid", "kid", "kid_lower", "kid_upper"),
    *("fid_sample", "kid_sample", "kid_sample_lower", "kid_sample_upper"),
    *("std_ratio", "sample_ratio", "cover90"),
    *("cover90_16", "cover90_64", "cover90_256", "cover90_1024"),
    *("regions_16", "regions_64", "regions_256", "regions_1024"),
    *("nps_shift", "rmse_mean_of_40", "noise_left", "edge_gain", "psnr_each"),
    *("evaluations", "cpu_seconds", "seconds", "memory_mb"),
    *("training_steps", "training_minutes"),
    *("weights", "calibration", "settings", "date", "machine", "seed", "note"),
)


def head(method: Method, data: DataSet, crops: int, side: int, seed: int) -> Row:
    """The columns that say what a row is about and with what it is made."""
    card = method.card
    return {
        "data": data.name,
        "family": method.family,
        "method": method.label,
        "model": method.model,
        "weights": "" if card is None else card.sha256[:12],
        "calibration": "" if card is None else calibration(card),
        "settings": json.dumps(dict(method.asked), sort_keys=True),
        "crops": crops,
        "side": side,
        "seed": seed,
    }


def calibration(card: Card) -> str:
    """Hash of all in a card that enters what is drawn and stated beside the weights."""
    facts = [card.facts.get(name) for name in ("spectra", "intervals", "region_factors")]
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


class Table:
    """Rows by what they are about.

    Parameters
    ----------
    path : Path
        The file; read if it is there.
    """

    def __init__(self, path: Path = PATH) -> None:
        self.path, self.rows = path, dict[tuple[str, ...], Row]()
        self.read()

    def read(self) -> None:
        """Take over what the file holds."""
        if self.path.is_file():
            with self.path.open(newline="", encoding="utf-8") as file:
                self.add(_read(row) for row in csv.DictReader(file))

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows; one about the same is replaced."""
        for row in rows:
            self.rows[tuple(str(row[name]) for name in NAME)] = row

    def holds(self, row: Row) -> bool:
        """Whether a row about the same was made with the same, and has figures."""
        found = self.rows.get(tuple(str(row[name]) for name in NAME))
        return (
            found is not None
            and "psnr" in found
            and all(str(found.get(name, "")) == str(row[name]) for name in ASKED)
        )

    def keep(self, names: Iterable[tuple[str, ...]]) -> None:
        """Keep the rows about these, in this order; others are forgotten."""
        self.rows = {name: self.rows[name] for name in names if name in self.rows}

    def record(self, row: Row) -> None:
        """Add a row and write the file; what another run wrote in the meantime stays."""
        self.read()
        self.add([row])
        self.write()

    def write(self) -> None:
        """Write the file, at once or not at all."""
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: _short(v) for k, v in row.items()} for row in self.rows.values())
        os.replace(partial, self.path)


def _read(row: dict[str, str]) -> Row:
    """A row of the file, numbers as numbers, empty cells left out."""
    text = {*NAME, *ASKED, "psnr_each", "date"} - {"crops", "side", "seed"}
    return {k: v if k in text else _value(v) for k, v in row.items() if v != ""}


def _value(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _short(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value
