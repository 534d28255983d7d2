"""A distilled model beside its teacher: spread, coverage and fidelity of few-evaluation samples.

    python -m benchmarks.consistency.run mr_slice_consistency [--slices 3] [--samples 8] [--seed 0]

Validation scans and noise as in `benchmarks.spread`, the middle slices, at most 256² around the
foreground; the model is told all the noise there is, and the scan's own counts as no error.
Student: one and two steps; teacher: moment-matched, four steps, which take four evaluations. Of
voxels: std of the samples over true error (`sample_ratio`), the stated standard deviation over
true error (`std_ratio`), coverage of the 90 % interval, widened by the scan's own noise, PSNR of
the mean of the samples and seconds. Of means of regions: std of the samples over true error, and
coverage with the card's factor. Where the scan's own noise leaves nothing of the error, there is
no ratio. Each scan counts the same in the means. Writes `benchmarks/consistency/<model>.csv`; with
`--update-card` the model's card and page too.
"""

from __future__ import annotations

import argparse
import csv
import platform
import time
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.headline import headline
from benchmarks.quality.cases import SCANS
from benchmarks.spread.probes import middle
from benchmarks.spread.run import LEVEL, LEVELS, MOST
from medrestore.models.bundle import write_card
from medrestore.models.model import Model, find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.probe import Case, Probe, restored
from medrestore.training.region_factors import SHAPES, region_errors, spread_of

HERE = Path(__file__).resolve().parent
REFERENCE = ("moment-matched", 4)
"""What the teacher is run with: sampler and steps."""

FIELDS = (
    *("scan", "noise", "method", "sample_ratio", "std_ratio"),
    *("cover90", "psnr_mean", "seconds"),
    *(f"{what}_{int(np.prod(shape))}" for shape in SHAPES for what in ("ratio", "cover90")),
)


def figures(probe: Probe, model: Model, settings: Settings) -> dict[str, float]:
    """Of one case: voxels, the mean of the samples, regions."""
    arrays, inside = probe.arrays, probe.inside
    assert arrays.samples is not None
    own = (probe.expected(np.zeros_like(arrays.std)) ** 2)[inside].mean()
    error = ((arrays.mu - probe.truth)[inside] ** 2).mean() - own
    spread = arrays.samples.var(axis=0, ddof=1)[inside].mean()
    off = ((arrays.samples.mean(axis=0) - probe.truth)[inside] ** 2).mean() - own
    wider = probe.expected(arrays.std) / np.maximum(arrays.std, 1e-20)
    covered = np.abs(arrays.mu - probe.truth) <= 0.5 * (arrays.upper - arrays.lower) * wider
    scale = 1.0 if model.card.modality == "MR" else 1000.0
    found = {"cover90": float(covered[inside].mean())}
    if error > 0:
        found["sample_ratio"] = float(np.sqrt(spread / error))
        found["std_ratio"] = float(np.sqrt((arrays.std[inside] ** 2).mean() / error))
    if off > 0:
        found["psnr_mean"] = float(-10 * np.log10(off / scale**2))
    for shape in SHAPES:
        errors = region_errors(probe, model.spectra, shape, MOST)
        if len(errors.error):
            size = int(np.prod(shape))
            drawn, away = errors.samples.var(axis=1, ddof=1), np.abs(errors.error)
            card = model.card
            half = spread_of(errors, card.region_dof(size), settings.samples).half_width(LEVEL)
            factor = card.region_factor(settings.method, size)
            drawn = drawn + errors.left**2
            found[f"ratio_{size}"] = float(np.sqrt(drawn.mean() / (away**2).mean()))
            found[f"cover90_{size}"] = float((away <= factor * half).mean())
    return found


def measured(model: Model, case: Case, level: float, settings: Settings, slices: int):
    """Restore a case and measure; seconds are the whole run's."""
    started = time.perf_counter()
    probe = restored(model, case, level, settings, slices)
    seconds = time.perf_counter() - started
    return {"method": settings.method, **figures(probe, model, settings), "seconds": seconds}


def means(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each scan counting the same."""

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["noise"], row["method"]

    found = []
    for (noise, method), group in groupby(sorted(table, key=key), key):
        rows = list(group)
        row: dict[str, Any] = {"scan": f"mean of {len(rows)}", "noise": noise, "method": method}
        for name in FIELDS[3:]:
            values = [one[name] for one in rows if name in one]
            if values:
                row[name] = float(np.mean(values))
        found.append(row)
    return found


def stated(table: list[dict[str, Any]], asked: argparse.Namespace) -> dict[str, Any]:
    """What a card says of it."""
    rows = [
        {name: round(v, 4) if isinstance(v, float) else v for name, v in row.items()}
        for row in table
    ]
    last = [row for row in rows if row["scan"].startswith("mean")]
    return {
        "headline": headline(last, asked.model.partition("_")[0].upper(), asked.samples),
        "command": f"python -m benchmarks.consistency.run {asked.model} --update-card",
        "date": str(date.today()),
        "machine": f"{platform.machine()} CPU, 1 thread",
        "seed": asked.seed,
        "measure": "samples beside the teacher's",
        "rows": rows,
    }


def main() -> None:
    """Restore, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", nargs="*")
    parser.add_argument("--update-card", action="store_true")
    parser.add_argument("--folder", help="where the model lies, if not among the shipped ones")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    modality = asked.model.partition("_")[0].upper()
    pupil = load(find_card(asked.folder or asked.model, modality))
    teacher = load(find_card(pupil.card.facts["training"]["teacher"], modality))
    own = pupil.card.sampler("auto")
    runs = [(pupil, own, 1), (pupil, own, 2), (teacher, *REFERENCE)]
    table = []
    for name in asked.scans or SCANS[modality]:
        case = middle(f"validation/{name}.nii.gz", modality, asked.slices + 6)
        for level in LEVELS[modality]:
            for model, sampler, steps in runs:
                settings = Settings(
                    samples=asked.samples,
                    steps=steps,
                    sampler=sampler,
                    keep_samples=True,
                    seed=asked.seed,
                )
                row = measured(model, case, level, settings, asked.slices)
                table.append({"scan": name, "noise": level, **row})
                print(*(f"{v:.3f}" if isinstance(v, float) else v for v in table[-1].values()))
    table += means(table)
    if asked.update_card:
        write_card(pupil.card.folder, {**pupil.card.facts, "evaluation": stated(table, asked)})
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in table
        )
    for row in table[-2 * len(runs) :]:
        print(*(f"{v:.3f}" if isinstance(v, float) else v for v in row.values()))


if __name__ == "__main__":
    main()
