"""Windows of the refiner further apart: CPU seconds of a sampled run, and whether it is the same.

    python -m benchmarks.sampler_cost.run [--models mr_slice ct_slice] [--strides 48 56]
        [--samples 8] [--slices 2]

Whole slices of two held-out scans a modality, noise of seed 0, told; samples of seed 0 with the
refiner's windows of 64² at each stride, one after the other in one process. ``rmse``: of the
samples' mean, over σ; ``spread`` and ``spread_16``: RMS standard deviation of the samples of a
voxel, and of the mean of 16 × 16, over σ; ``ripple``: largest departure of the voxels' standard
deviation, averaged over periods of the stride, from its mean (rows and columns), beside that over
periods five longer (``ripple_elsewhere``). Writes `benchmarks/sampler_cost/strides.csv`.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.cases import simulated
from medrestore.api import run_plan
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.errors import MedrestoreWarning
from medrestore.modalities import modality_named
from medrestore.models.model import find_card, load
from medrestore.physics.ct import Scanner
from medrestore.results.software import device_name
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case
    from medrestore.models.model import Model

HERE = Path(__file__).resolve().parent
SCANS = {
    "MR": (("mr_uih_t1_b", 0.03), ("mr_pyradiomics_brain2", 0.09)),
    "CT": (("ct_totalseg_abdomen", 30.0), ("ct_cptacpda_abdomen_sharp", 30.0)),
}
SEED, BLOCK, MARGIN = 0, 16, 16
MOSTLY = 0.7
"""Share of a block that is scored."""


def case_of(name: str, modality: str, level: float, slices: int) -> Case:
    """A scan with noise and its neighbours; the inner slices are restored."""
    scanner = Scanner(360, 0.8) if modality == "CT" else None
    return simulated(name, modality, level, "validation", slices + 6, scanner)


def sampled(
    model: Model, case: Case, stride: int, samples: int, slices: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32], float]:
    """Samples (S, z, y, x), mask and truth of the middle slices, and the run's CPU seconds."""
    settings = Settings(samples=samples, keep_samples=True, seed=SEED)
    scale = modality_named(case.modality).fixed_scale or 1.0
    noise = Noise(case.sigma, case.sigma_map, "given")
    plan = resolve(settings, case.volume, model.card, noise, scale, model.device)
    first = (len(case.noisy) - slices) // 2
    middle = slice(first, first + slices)
    plan = replace(plan, stride=stride).for_slices(tuple(range(first, first + slices)))
    began = time.process_time()
    result = run_plan(plan, case.volume, model=model)
    seconds = time.process_time() - began
    assert result.samples is not None
    return result.samples, case.mask[middle], case.truth[middle], seconds


def rippled(std: NDArray[np.float32], period: int) -> float:
    """Largest departure of the mean over periods from the mean, along rows or columns."""
    inner, worst = std[:, MARGIN:-MARGIN, MARGIN:-MARGIN], 0.0
    for axis in (1, 2):
        profile = inner.mean(axis=(0, 3 - axis))
        whole = profile[: len(profile) // period * period].reshape(-1, period).mean(axis=0)
        worst = max(worst, float(np.abs(whole / whole.mean() - 1).max()))
    return worst


def figures(
    drawn: NDArray[np.float32], mask: NDArray[np.bool_], truth: NDArray[np.float32], case: Case
) -> dict[str, Any]:
    """What the table says of samples."""
    std = drawn.std(axis=0, ddof=1)
    error = (drawn.mean(axis=0) - truth)[mask].astype(np.float64)
    rows, columns = (n // BLOCK for n in truth.shape[1:])
    cut = (..., slice(rows * BLOCK), slice(columns * BLOCK))
    shape = (len(truth), rows, BLOCK, columns, BLOCK)
    means = drawn[cut].reshape(len(drawn), *shape).mean(axis=(3, 5))
    inside = mask[cut].reshape(shape).mean(axis=(2, 4)) > MOSTLY
    spread_16 = np.sqrt(means.var(axis=0, ddof=1)[inside].mean())
    return {
        "rmse": round(float(np.sqrt(np.mean(error**2))) / case.sigma, 4),
        "spread": round(float(np.sqrt(np.mean(std[mask] ** 2))) / case.sigma, 4),
        "spread_16": round(float(spread_16) / case.sigma, 5),
    }


def rows_of(name: str, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each scan and stride."""
    modality = name.partition("_")[0].upper()
    model = load(find_card(name, modality))
    for scan, level in SCANS[modality]:
        case = case_of(scan, modality, level, asked.slices)
        sampled(model, case, asked.strides[0], 1, 1)  # libraries load, caches fill
        for stride in asked.strides:
            *drawn, seconds = sampled(model, case, stride, asked.samples, asked.slices)
            std = drawn[0].std(axis=0, ddof=1)
            yield {
                **{"model": name, "scan": scan, "noise": level, "stride": stride},
                **{"samples": asked.samples, "cpu_s": round(seconds, 2)},
                **figures(*drawn, case),
                "ripple": round(rippled(std, stride), 3),
                "ripple_elsewhere": round(rippled(std, stride + 5), 3),
                **{"machine": device_name("cpu"), "date": date.today().isoformat()},
            }


def main() -> None:
    """Sample with each stride, compare, write."""
    warnings.simplefilter("ignore", MedrestoreWarning)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["mr_slice", "ct_slice"])
    parser.add_argument("--strides", nargs="+", type=int, default=[48, 56])
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--slices", type=int, default=2)
    asked = parser.parse_args()
    rows = []
    for name in asked.models:
        for row in rows_of(name, asked):
            print(*row.values(), flush=True)
            rows.append(row)
    with (HERE / "strides.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
