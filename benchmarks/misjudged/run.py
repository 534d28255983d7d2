"""MR restored with a σ that is wrong by some per cent, as estimates of it are.

    python -m benchmarks.misjudged.run [--model mr_slice] [--checkpoint FILE]
        [--predictors shipped "under way"]

The held-out people of `benchmarks.anatomy`, 3 and 9 % of noise added, all noise told (the scan's
own too) times a factor. ``loss_db``: how much larger the RMSE against the reference is than with
the right σ; ``std_error``: RMS std over that RMSE. Writes `benchmarks/misjudged/<model>.csv`
(a minute a predictor on one core); rows of other predictors stay; *before*: weights of 2026-11-30.
"""

from __future__ import annotations

import argparse
import csv
import math
import warnings
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.anatomy import ours
from benchmarks.anatomy.cases import cells, told_all
from benchmarks.anatomy.scores import reference_error
from medrestore.errors import MedrestoreWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.anatomy.cases import Cell
    from medrestore.models.model import Model

HERE = Path(__file__).resolve().parent
LEVELS = (0.03, 0.09)
RIGHT = 1.0
FACTORS = (RIGHT, 0.92, 0.96, 1.04, 1.08)
COLUMNS = ("predictor", "anatomy", "scan", "noise", "factor", "rmse", "loss_db", "std_error")


def rows_of(cell: Cell, name: str, model: Model) -> Iterator[dict[str, Any]]:
    """A row for each factor."""
    told, right = told_all(cell.case), math.nan
    for factor in FACTORS:
        restored = ours.restored(model, replace(told, sigma=factor * told.sigma), "off")
        rmse = reference_error(restored.image, cell)
        right = rmse if factor == RIGHT else right
        inside = restored.std[cell.case.mask].astype(np.float64)
        yield {
            **{"predictor": name, "anatomy": cell.anatomy, "scan": cell.case.scan},
            **{"noise": cell.case.level, "factor": factor, "rmse": round(rmse, 5)},
            "loss_db": round(20 * math.log10(rmse / right), 3),
            "std_error": round(float(np.sqrt(np.mean(inside**2))) / rmse, 3),
        }


def write(path: Path, new: list[dict[str, Any]]) -> None:
    """Write rows; those of other predictors stay."""
    names = {row["predictor"] for row in new}
    kept: list[dict[str, Any]] = []
    if path.exists():
        with path.open(newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["predictor"] not in names]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([*kept, *new])


def show(rows: list[dict[str, Any]]) -> None:
    """Mean and worst loss by level and factor, and dB over the first predictor with the right σ."""
    names = list(dict.fromkeys(row["predictor"] for row in rows))
    for name in names:
        for noise in LEVELS:
            for factor in FACTORS:
                at = [r for r in rows if (r["noise"], r["factor"]) == (noise, factor)]
                ours_, first = ([r for r in at if r["predictor"] == n] for n in (name, names[0]))
                over = [
                    20 * math.log10(a["rmse"] / b["rmse"])
                    for a, b in zip(ours_, first, strict=True)
                ]
                losses = [row["loss_db"] for row in ours_]
                print(
                    f"{name:24} {100 * noise:g} % σ × {factor:.2f}  loss {fmean(losses):+.3f} dB "
                    f"(worst {max(losses):+.3f}), over {names[0]} {fmean(over):+.3f}"
                )


def main() -> None:
    """Restore every case with every factor, by every predictor."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="mr_slice")
    parser.add_argument("--predictors", nargs="*", default=list(ours.PREDICTORS))
    parser.add_argument("--checkpoint", type=Path)
    asked = parser.parse_args()
    warnings.simplefilter("ignore", MedrestoreWarning)
    models = ours.models(asked.model, "MR", asked.predictors, asked.checkpoint)
    rows: list[dict[str, Any]] = []
    for cell in cells("MR", levels=LEVELS):
        for name, model in models.items():
            rows += rows_of(cell, name, model)
    write(HERE / f"{asked.model}.csv", rows)
    show(rows)


if __name__ == "__main__":
    main()
