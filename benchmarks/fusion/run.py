"""Do samples make the map better? Likelihood, rank and coverage after 0, 2, 4, 8, 32 samples.

    python -m benchmarks.fusion.run mr_slice [--samples 2 4 8 32] [--scans …] [--picture]

Validation people, noise of seed 0 added and told (MR: Rician, 1, 3 and 9 %; CT: through filtered
back-projection, 15, 20 and 30 HU), the middle slices (MR 3, CT 2), at most 256² around the tissue.
Scored: MR voxels above 6 % of the foreground, CT between −50 and 150 HU of the reference, whose own
noise counts as error. By number of samples:

- `nll`: Gaussian negative log-likelihood in nats, each map scaled to its own mean error, less that
  of one evaluation (0 samples, not mirrored);
- `rank`: Spearman's correlation of std and |error|; `rank_s`: of the s of one evaluation with the
  same error;
- `psnr`: gain of the image over that of one evaluation, dB;
- `std_ratio`: root mean squares of std over error;
- `cover50` …: coverage with factors fitted to all other people of the table.

`how`: `fused` is what runs return; `total` the law of total variance on the same samples' last
predictions, as it was until 2026-11-30. Writes `<model>.csv`; with --picture `<model>.png`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.fusion.maps import MARGIN, case, maps
from benchmarks.quality.cases import SCANS
from medrestore.core.intervals import LEVELS
from medrestore.evaluation.intervals import Scores, fit_intervals, merged
from medrestore.models.model import find_card, load

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
NOISE = {"MR": (0.01, 0.03, 0.09), "CT": (15.0, 20.0, 30.0)}
SLICES, SIDE = {"MR": 3, "CT": 2}, 256
FARTHEST = 60.0
"""Largest squared error over variance that counts in a likelihood: metal is no statistics."""


class Scored:
    """One map's errors on one scan."""

    def __init__(self, error: NDArray[Any], std: NDArray[Any], relative_sigma: NDArray[Any]):
        self.error, self.std = np.abs(error), std
        self.scores = Scores(self.error / std, relative_sigma)

    @property
    def nll(self) -> float:
        """Nats a voxel, the std scaled by one number to its mean error."""
        z = np.minimum((self.error / self.std) ** 2, FARTHEST)
        return float(np.log(self.std).mean() + 0.5 * np.log(z.mean()))

    def rank(self, std: NDArray[Any]) -> float:
        """Spearman's correlation of a std with the errors."""
        return float(spearmanr(std, self.error)[0])


def scan_scores(model: Any, scan: str, level: float, counts: list[int]) -> dict[Any, Scored]:
    """By (samples, mirrored, how) the errors of a scan; the s of one evaluation comes first."""
    one = case(scan, model.card.modality, level, SLICES[model.card.modality], SIDE)
    inner = slice(MARGIN, len(one.noisy) - MARGIN)
    truth, inside = one.truth[inner], one.mask[inner]
    sigma = np.full(truth.shape, one.sigma) if one.sigma_map is None else one.sigma_map[inner]
    scale = 1.0 if model.card.modality == "MR" else 1000.0
    found = {}
    for made in maps(model, one, counts):
        for how, std in (("fused", made.std), ("total", made.total)):
            if std is not None:
                error = (truth - made.mu)[inside]
                found[made.samples, made.mirrored, how] = Scored(
                    error, std[inside], sigma[inside] / scale
                )
    return found


def rows_of(seen: dict[tuple[str, float], dict[Any, Scored]]) -> list[dict[str, Any]]:
    """A row for each scan, noise, number of samples and kind of map."""
    rows = []
    people = sorted({scan for scan, _ in seen})
    for (scan, level), by_map in seen.items():
        alone = by_map[0, False, "fused"]
        for key, one in by_map.items():
            row: dict[str, Any] = {"scan": scan, "noise": level}
            row |= dict(zip(("samples", "mirrored", "how"), key, strict=True))
            row["nll"] = one.nll - alone.nll
            row["rank"], row["rank_s"] = one.rank(one.std), one.rank(alone.std)
            row["psnr"] = 10 * np.log10(np.mean(alone.error**2) / np.mean(one.error**2))
            row["std_ratio"] = np.sqrt(np.mean(one.std**2) / np.mean(one.error**2))
            others = [
                merged([seen[who, noise][key].scores for w, noise in seen if w == who])
                for who in people
                if who != scan
            ]
            if others:
                intervals, _ = fit_intervals(others)
                for p in LEVELS:
                    hit = one.scores.error <= intervals.factor(p, one.scores.relative_sigma)
                    row[f"cover{round(100 * p)}"] = hit.mean()
            rows.append(row)
    return rows


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each scan counting the same; the largest nll of a scan beside the mean."""
    keys = ("noise", "samples", "mirrored", "how")
    found = []
    for key in dict.fromkeys(tuple(row[name] for name in keys) for row in rows):
        mine = [row for row in rows if tuple(row[name] for name in keys) == key]
        mean: dict[str, Any] = {"scan": f"mean of {len(mine)}", **dict(zip(keys, key, strict=True))}
        names = [name for name in mine[0] if name not in ("scan", *keys)]
        mean |= {name: float(np.mean([row[name] for row in mine])) for name in names}
        found.append(mean | {"worst_nll": max(row["nll"] for row in mine)})
    return found


def main() -> None:
    """Draw, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--samples", nargs="+", type=int, default=[2, 4, 8, 32])
    parser.add_argument("--scans", nargs="*")
    parser.add_argument("--picture", action="store_true", help="draw the maps of the first scan")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    model = load(find_card(asked.model, modality))
    torch.set_num_threads(1)
    if asked.picture:
        from benchmarks.fusion.picture import draw

        scan, level = (asked.scans or SCANS[modality])[0], NOISE[modality][1]
        draw(model, scan, level, HERE / f"{asked.model}.png")
        return
    seen = {}
    for scan in asked.scans or SCANS[modality]:
        for level in NOISE[modality]:
            seen[scan, level] = scan_scores(model, scan, level, asked.samples)
            print(scan, level, flush=True)
    rows = rows_of(seen)
    rows += means(rows)
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[-1]))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
    for row in rows:
        print(*(f"{v:.4f}" if isinstance(v, float) else v for v in row.values()))


if __name__ == "__main__":
    main()
