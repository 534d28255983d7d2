"""Noise estimates by increments, which need no truth.

    python -m benchmarks.noise.run [--modalities MR CT] [--estimators medrestore ...]

Known noise a is added to every scan of ``../shared/data/train`` and ``validation``; an estimator e
is right if q = √(e(a)² − e(0)²)/a is 1. Ten middle slices of each scan, seed from its name. Writes
``noise.csv``, a row for each estimator, scan, kind of noise and level, and ``README.md``: how many
scans have q within 15 %.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.noise import noises
from benchmarks.noise.estimators import ESTIMATORS
from benchmarks.noise.page import write_page
from benchmarks.noise.scans import cases
from medrestore.core.intensity import intensity_scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.noise.scans import Case

HERE = Path(__file__).parent
LEVELS = {"MR": (0.01, 0.03, 0.06, 0.12), "CT": (10.0, 20.0, 40.0)}
"""MR: fractions of the foreground scale; CT: HU."""


def rows_of(case: Case, name: str, estimate: Callable[..., float]) -> Iterator[dict[str, object]]:
    """Rows of a scan; an estimator that gives up has q = NaN."""
    clean = case.array()
    unit = intensity_scale(clean, "MR") if case.modality == "MR" else 1.0
    for kind in getattr(noises, case.modality):
        rng = np.random.default_rng(zlib.crc32(f"{case.name} {kind.name}".encode()))
        own = estimate(kind.add(clean, 0.0, rng), case.modality)
        for level in LEVELS[case.modality]:
            added = level * unit
            found = estimate(kind.add(clean, added, rng), case.modality)
            square = found**2 - own**2
            yield {
                "estimator": name,
                "modality": case.modality,
                "scan": case.name,
                "anatomy": case.anatomy,
                "noise": kind.name,
                "level": level,
                "own": round(own / unit, 5),
                "q": round(float(np.sign(square) * np.sqrt(abs(square)) / added), 4),
            }


def main() -> None:
    """Measure what is asked for; rows of other parts stay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modalities", nargs="*", default=["MR", "CT"])
    parser.add_argument("--estimators", nargs="*", default=list(ESTIMATORS), choices=ESTIMATORS)
    asked = parser.parse_args()
    path = HERE / "noise.csv"
    rows: list[dict[str, object]] = []
    if path.exists():
        with path.open(newline="") as file:
            rows = [
                row
                for row in csv.DictReader(file)
                if row["estimator"] not in asked.estimators
                or row["modality"] not in asked.modalities
            ]
    for name in asked.estimators:
        for modality in asked.modalities:
            for case in cases(modality):
                rows += rows_of(case, name, ESTIMATORS[name])
                print(name, case.name, flush=True)
            _write(rows)


def _write(rows: list[dict[str, object]]) -> None:
    rows.sort(key=lambda row: (row["modality"], row["estimator"], row["scan"], row["noise"]))
    with (HERE / "noise.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    write_page(rows, HERE / "README.md")


if __name__ == "__main__":
    main()
