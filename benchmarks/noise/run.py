"""Noise estimates by increments, which need no truth.

    python -m benchmarks.noise.run [--modalities MR CT] [--estimators medrestore Immerkær peers]

Known noise a is added to every scan of ``../shared/data/train`` and ``validation``; an estimator e
is right if q = √(e(a)² − e(0)²)/a is 1. Ten middle slices of each scan, seed from its name. Writes
``noise.csv``, a row for each estimator, scan, kind of noise and level, ``real.csv``
(`real_noise.py`), and ``README.md``: how many scans have q within 15 %. ``peers`` are DIPY and
scikit-image, in the environment that ``MEDRESTORE_BENCH_PYTHON`` names
(``benchmarks/requirements.txt``). ``--page`` only writes the page anew.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.noise import noises, real_noise
from benchmarks.noise.estimators import GROUPS, MEMBERS
from benchmarks.noise.page import write_page
from benchmarks.noise.scans import cases
from medrestore.core.intensity import foreground_scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.noise.estimators import Found
    from benchmarks.noise.scans import Case

    Row = dict[str, object]

HERE = Path(__file__).parent
LEVELS = {"MR": (0.01, 0.03, 0.06, 0.12), "CT": (10.0, 20.0, 40.0)}
"""MR: fractions of the foreground scale; CT: HU."""
NUMBERS = ("level", "own", "found", "low", "high", "q", "known")


def rows_of(case: Case, groups: Iterable[str]) -> Iterator[Row]:
    """Rows of a scan; an estimator that gives up has q = NaN.

    ``own`` is e(0), ``found`` e(a), ``low`` and ``high`` the range said beside it, all in the unit
    of ``level``.
    """
    clean = case.array()
    unit = foreground_scale(clean) if case.modality == "MR" else 1.0
    for kind in getattr(noises, case.modality):
        rng = np.random.default_rng(zlib.crc32(f"{case.name} {kind.name}".encode()))
        own = _all(kind.add(clean, 0.0, rng), case.modality, groups)
        for level in LEVELS[case.modality]:
            noisy = kind.add(clean, level * unit, rng)
            for name, found in _all(noisy, case.modality, groups).items():
                square = (found.sigma**2 - own[name].sigma ** 2) / (level * unit) ** 2
                low, high = found.between or (float("nan"),) * 2
                yield {
                    "estimator": name,
                    "modality": case.modality,
                    "scan": case.name,
                    "half": case.half,
                    "anatomy": case.anatomy,
                    "noise": kind.name,
                    "level": level,
                    "own": round(own[name].sigma / unit, 5),
                    "found": round(found.sigma / unit, 5),
                    "low": round(low / unit, 5),
                    "high": round(high / unit, 5),
                    "q": round(float(np.sign(square) * np.sqrt(abs(square))), 4),
                }


def _all(array: np.ndarray, modality: str, groups: Iterable[str]) -> dict[str, Found]:
    return {k: v for group in groups for k, v in GROUPS[group](array, modality).items()}


def main() -> None:
    """Measure what is asked for; rows of other parts stay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modalities", nargs="*", default=["MR", "CT"])
    parser.add_argument("--estimators", nargs="*", default=list(GROUPS), choices=GROUPS)
    parser.add_argument("--page", action="store_true", help="only write README.md")
    asked = parser.parse_args()
    rows = _read(HERE / "noise.csv")
    if not asked.page:
        new = {name for group in asked.estimators for name in MEMBERS[group]}
        for modality in asked.modalities:
            for case in cases(modality):
                rows = [
                    row for row in rows if row["estimator"] not in new or row["scan"] != case.name
                ]
                rows += rows_of(case, asked.estimators)
                print(case.name, flush=True)
                _write(rows, HERE / "noise.csv")
        if "medrestore" in asked.estimators:
            _write(list(real_noise.rows()), HERE / "real.csv")
    write_page(rows, _read(HERE / "real.csv"), HERE / "README.md")


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {k: float(v) if k in NUMBERS else v for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


def _write(rows: list[Row], path: Path) -> None:
    if path.name == "noise.csv":
        rows.sort(key=lambda row: tuple(str(row[k]) for k in ("modality", "estimator", "scan")))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
