"""Does what exceeds a value with probability p do so in a share p of the voxels? Held-out scans.

    python -m benchmarks.exceedance.run mr_slice [--samples 0 4] [--every 3] [--truth restored]

Scans and noise of `benchmarks/quality`, MR 1, 3 and 9 %, CT 15 and 30 HU; every third of the scored
slices. Thresholds: the deciles 10 to 90 % of the foreground of each truth; in CT also values that
readers know, between fat, water, soft tissue, enhanced blood and bone (`KNOWN_HU`).
Voxels of the foreground are put into ten bins by their probability; a bin's row is the mean
probability and the share that did exceed, of each person, then the mean over persons. Writes
`<model>.csv` and `<model>.png` beside this file; rows of other numbers of samples stay. The noise
of the scans themselves counts as error; `--truth restored` counts against CT without it (`truths`)
and writes `<model>_restored.csv`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.exceedance.plot import draw
from benchmarks.exceedance.truths import of_restored, of_scan
from benchmarks.quality.cases import SCANS, Case
from benchmarks.quality.ours import noise_of, run_model
from medrestore.modalities import modality_named
from medrestore.models.model import find_card, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medrestore.models.model import Model

HERE = Path(__file__).resolve().parent
LEVELS = {"MR": (0.01, 0.03, 0.09), "CT": (15.0, 30.0)}
QUANTILES = tuple(range(10, 100, 10))
KNOWN_HU = (-30.0, 20.0, 100.0, 150.0)
"""Between fat and water, water and soft tissue, plain and enhanced blood, tissue and bone."""
BINS = 10
TRUTHS = {"scan": of_scan, "restored": of_restored}
FEWEST = 500
"""Voxels of a person in a bin, below which the person does not count there."""


def thresholds(truth: NDArray[np.float32], inside: NDArray[np.bool_], modality: str) -> list[float]:
    """Values to exceed, each halfway to the next that the truth takes.

    Files hold whole numbers: of a threshold that is one of them, all that were rounded to it count
    as not above, and at 1 % of noise that is a tenth of what lies near.
    """
    wanted = [float(v) for v in np.percentile(truth[inside], QUANTILES)]
    wanted += list(KNOWN_HU) if modality == "CT" else []
    taken = np.unique(truth[inside])
    after = np.searchsorted(taken, wanted, side="right").clip(1, len(taken) - 1)
    return [float(v) for v in (taken[after - 1] + taken[after]) / 2]


def counted(model: Model, case: Case, slices: tuple[int, ...], samples: int) -> NDArray[np.float64]:
    """Voxels, sum of probabilities and how many exceeded, (3, bins), over all thresholds."""
    result, _ = run_model(model, case, noise_of(case, "true"), slices, samples)
    truth = case.truth[list(slices)]
    modality = modality_named(case.modality)
    inside = modality.foreground(truth, modality.scale(case.truth))
    found = np.zeros((3, BINS))
    for value in thresholds(truth, inside, case.modality):
        probability = result.exceedance(value).array[inside].astype(np.float64)
        bins = np.minimum((probability * BINS).astype(int), BINS - 1)
        for row, weights in enumerate((None, probability, truth[inside] > value)):
            found[row] += np.bincount(bins, weights, BINS)
    return found


def rows(
    model: Model, samples: int, every: int, scans: list[str], truth: str
) -> Iterator[dict[str, Any]]:
    """A row for each person, noise level and bin."""
    modality = model.card.modality
    for level in LEVELS[modality]:
        for scan in scans:
            case, slices = TRUTHS[truth](scan, model, level, every)
            table = counted(model, case, slices, samples)
            for i, (voxels, predicted, observed) in enumerate(table.T):
                if voxels >= FEWEST:
                    yield {
                        "samples": samples,
                        "noise": level,
                        "scan": scan,
                        "bin": i,
                        "voxels": int(voxels),
                        "predicted": predicted / voxels,
                        "observed": observed / voxels,
                    }


def means(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each person counting the same: by noise level, and (noise "all") over the levels."""
    found = []
    for samples in sorted({row["samples"] for row in table}):
        for level in (*sorted({row["noise"] for row in table}), "all"):
            for i in range(BINS):
                taken = [
                    row
                    for row in table
                    if row["samples"] == samples
                    and row["bin"] == i
                    and level in ("all", row["noise"])
                ]
                if taken:
                    mean = {
                        k: float(np.mean([r[k] for r in taken])) for k in ("predicted", "observed")
                    }
                    head = {"samples": samples, "noise": level, "scan": "mean", "bin": i}
                    found.append({**head, "voxels": sum(r["voxels"] for r in taken), **mean})
    return found


def read(path: Path) -> list[dict[str, Any]]:
    """Rows that were written before."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v if k == "scan" else number(v) for k, v in row.items()} for row in rows]


def number(text: str) -> float | int | str:
    """A number of a table; the word "all" as it is."""
    if text == "all":
        return text
    return float(text) if "." in text else int(text)


def main() -> None:
    """Restore, count, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, nargs="+", default=[0, 4])
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--scans", nargs="*")
    parser.add_argument("--truth", choices=list(TRUTHS), default="scan")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    model = load(find_card(asked.model, modality))
    table: list[dict[str, Any]] = []
    for samples in asked.samples:
        scans = asked.scans or list(SCANS[modality])
        table += rows(model, samples, asked.every, scans, asked.truth)
    table += (found := means(table))
    names = list(table[0])
    path = HERE / f"{asked.model}{'' if asked.truth == 'scan' else '_restored'}.csv"
    table = [row for row in read(path) if row["samples"] not in asked.samples] + table
    for row in found:
        off = row["observed"] - row["predicted"]
        print(row["samples"], row["noise"], row["bin"], f"{row['predicted']:.3f} {off:+.3f}")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in table
        )
    draw(path.with_suffix(".png"), table, asked.model)


if __name__ == "__main__":
    main()
