"""Is the spread of a model's samples that of its error? Voxels and regions, on held-out scans.

    python -m benchmarks.spread.run mr_slice [--slices 5] [--samples 8] [--steps 2] [--seed 0]

Validation scans, MR: Rician noise of 3 and 9 %, CT: 20 and 40 HU through filtered back-projection;
the middle slices of the third stored axis, at most 256² around the foreground. Regions are
disjoint boxes inside it. Errors are those against the noise-free anatomy, as estimated: the noise
that the scans carry is told, and allowed for. For each size and for intervals of no sample and of
the first 2, 4 and 8 of a run: scale of the error over the true error (both root mean square) and
the share of true means inside the 90 % interval, as `Result.region` gives it; ``alone90`` is that
of Student's t from the samples alone. Each case's row, then the mean over the scans. Writes
`benchmarks/spread/<model>.csv`.
"""

from __future__ import annotations

import argparse
import csv
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.cases import SCANS
from benchmarks.spread.probes import probes
from medrestore.core.region_mean import sampled_spread
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.region_factors import COUNTS, SHAPES, region_errors, spread_of

if TYPE_CHECKING:
    from medrestore.models.model import Model
    from medrestore.training.probe import Probe

HERE = Path(__file__).resolve().parent
LEVELS = {"MR": (0.03, 0.09), "CT": (20.0, 40.0)}
LEVEL = 0.9
MOST = 200
"""Regions of one size in a case."""

NAMES = ("scan", "noise", "samples", "voxels", "regions", "std_ratio", "alone90", "cover90")


def rows_of(probe: Probe, model: Model, method: str) -> list[dict[str, Any]]:
    """Ratio and coverage at every size and number of samples; voxels first."""
    arrays, card, found = probe.arrays, model.card, []
    assert arrays.samples is not None
    error, drawn = (arrays.mu - probe.truth)[probe.inside], len(arrays.samples)
    for count, std in ((0, arrays.s), (drawn, arrays.std)):
        expected = probe.expected(std)[probe.inside]
        ratio = float(np.sqrt((expected**2).mean() / (error**2).mean()))
        found.append({"samples": count, "voxels": 1, "regions": error.size, "std_ratio": ratio})
    for shape in SHAPES:
        errors = region_errors(probe, model.spectra, shape, MOST)
        if not len(errors.error):
            continue
        size, off = int(np.prod(shape)), np.abs(errors.error)
        for count in (0, *(n for n in COUNTS if n <= drawn)):
            says = spread_of(errors, card.region_dof(size), count)
            half = says.half_width(LEVEL) * card.region_factor(
                method if count else "predictor", size
            )
            row = {
                "samples": count,
                "voxels": size,
                "regions": len(off),
                "std_ratio": float(np.sqrt((says.std**2).mean() / (off**2).mean())),
                "cover90": float((off <= half).mean()),
            }
            if count:
                drawn_only = sampled_spread(errors.samples[:, :count])
                std = np.hypot(drawn_only.std, errors.left)
                alone = drawn_only._replace(std=std).half_width(LEVEL)
                row["alone90"] = float((off <= alone).mean())
            found.append(row)
    return found


def means(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each scan counting the same."""

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["noise"], row["samples"], row["voxels"]

    found = []
    for (noise, samples, voxels), group in groupby(sorted(table, key=key), key):
        rows = list(group)
        row = {"scan": f"mean of {len(rows)}", "noise": noise, "samples": samples, "voxels": voxels}
        row["regions"] = sum(one["regions"] for one in rows)
        for name in ("std_ratio", "alone90", "cover90"):
            if name in rows[0]:
                row[name] = float(np.mean([one[name] for one in rows]))
        found.append(row)
    return found


def main() -> None:
    """Restore, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", nargs="*")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    model = load(find_card(asked.model, modality))
    drawn = {"samples": asked.samples, "steps": asked.steps, "keep_samples": True}
    settings = Settings(**drawn, seed=asked.seed)
    method = f"{model.card.sampler(settings.sampler)}:{asked.steps}"
    table = []
    for name in asked.scans or SCANS[modality]:
        files = [f"validation/{name}.nii.gz"]
        for level, probe in probes(model, files, LEVELS[modality], settings, asked.slices):
            head = {"scan": name, "noise": level}
            table += [head | row for row in rows_of(probe, model, method)]
    table += means(table)
    for row in table:
        print(*(f"{v:.3f}" if isinstance(v, float) else v for v in row.values()))
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, NAMES)
        writer.writeheader()
        writer.writerows(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in table
        )


if __name__ == "__main__":
    main()
