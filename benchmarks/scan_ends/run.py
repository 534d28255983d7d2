"""The first and last slices of a scan: their error, and the std they are given.

    python -m benchmarks.scan_ends.run mr_patch3d ct_patch3d [--samples 0] [--slices 20] [--out F]

A scan's end has neighbours on one side only, and stacks of 3-D models end there. The slices
around the middle of two validation scans of each modality, 96² pixels around the middle of the
plane, so that the ends lie in anatomy; noise of seed 0 (`benchmarks.quality.cases`), σ told, in CT
as a map. Root mean square error over σ, and root mean square std over that error, in the
foreground (MR, above 6 %) or soft tissue (CT), of the first and last slice, the second and last
but one, the third and last but two, and the middle four. Writes
`benchmarks/scan_ends/scan_ends.csv`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import medrestore as mr
from benchmarks.quality.cases import SOFT_HU, cropped, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.quality.cases import Case

HERE = Path(__file__).resolve().parent
SCANS = {
    "MR": ("mr_niivue_t2w", "mr_pyradiomics_brain1"),
    "CT": ("ct_totalseg_abdomen", "ct_cptacpda_abdomen_sharp"),
}
LEVELS = {"MR": (0.03, 0.09), "CT": (20.0, 40.0)}
SIDE = 96
PLACES = {"first": (0, -1), "second": (1, -2), "third": (2, -3)}


def central(case: Case) -> Case:
    """The 96² pixels around the middle of the plane."""
    rows, columns = (slice((n - SIDE) // 2, (n + SIDE) // 2) for n in case.noisy.shape[1:])
    return cropped(case, slice(None), rows, columns)


def measured(case: Case, model: str, samples: int) -> Iterator[dict[str, Any]]:
    """A row for each place in the scan."""
    sigma = np.full_like(case.noisy, case.sigma) if case.sigma_map is None else case.sigma_map
    noise = f"{case.sigma} a.u." if case.sigma_map is None else case.volume.with_array(sigma)
    settings = {"device": "cpu", "precision": "float32", "seed": 0}
    result = mr.denoise(case.volume, model=model, noise=noise, samples=samples, **settings)
    low, high = SOFT_HU if case.modality == "CT" else (0.06, np.inf)
    inside = (case.truth > low) & (case.truth < high)
    error, std = result.restored.array - case.truth, result.std.array
    middle = range(len(error) // 2 - 2, len(error) // 2 + 2)
    for place, index in (PLACES | {"middle": middle}).items():
        rows = list(index)
        off, told = (rms((part / sigma)[rows][inside[rows]]) for part in (error, std))
        yield {"place": place, "rmse_sigma": off, "std_error": told / off}


def rms(values: np.ndarray[Any, Any]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values.astype(np.float64) ** 2)))


def main() -> None:
    """Restore, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--samples", type=int, nargs="+", default=[0])
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--out", type=Path, default=HERE / "scan_ends.csv")
    asked = parser.parse_args()
    table = []
    for model in asked.models:
        modality = model.partition("_")[0].upper()
        for scan in SCANS[modality]:
            for level in LEVELS[modality]:
                case = central(simulated(scan, modality, level, wanted=asked.slices))
                for samples in asked.samples:
                    head = {"model": model, "scan": scan, "noise": level, "samples": samples}
                    rows = [head | row for row in measured(case, model, samples)]
                    table += rows
                    print(model, scan, level, samples, end=": ")
                    print(*(f"{r['rmse_sigma']:.3f} {r['std_error']:.3f} |" for r in rows))
    with asked.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, table[0])
        writer.writeheader()
        for row in table:
            row |= {name: round(row[name], 4) for name in ("rmse_sigma", "std_error")}
            writer.writerow(row)


if __name__ == "__main__":
    main()
