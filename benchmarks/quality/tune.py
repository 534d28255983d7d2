"""Chooses the peers' parameters on training scans, per modality and noise level.

    python -m benchmarks.quality.tune

Tries every combination of the grids below on a part of two training people of low noise each (8
slices of 72 × 72 pixels around the middle, noise as in `cases.simulated`) and writes the best, by
mean PSNR over the two, to `tuned.json`. The peers therefore get what a careful user would find who
had clean scans of the same kind; ours was trained on the same people.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np

from benchmarks.quality.cases import SEED, Case, central, cropped, simulated
from benchmarks.quality.peers import TUNED, restored
from medrestore.evaluation.fidelity import psnr

SCANS = {
    "MR": ("mr_uih_t1_a", "mr_studyforrest_t1_2x"),
    "CT": ("ct_acrin001_a", "ct_lidc0314_chest_3mm"),
}
LEVELS = {"MR": (0.01, 0.03, 0.09), "CT": (15.0, 30.0)}
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "gaussian": {
        "width": (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3),
        "through": (0.0, 0.5, 1.0),
    },
    "median": {"size": ([1, 3, 3], [3, 3, 3], [1, 5, 5], [3, 5, 5])},
    "nlm": {"h": (0.3, 0.4, 0.55, 0.75, 1.0), "patch": (3, 5), "distance": (3, 5)},
    "tv": {"weight": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3)},
    "dipy": {
        "method": ("classic", "blockwise"),
        "factor": (0.4, 0.6, 0.8, 1.0, 1.3),
    },
}


def part(scan: str, modality: str, level: float) -> Case:
    """The middle of a training scan."""
    case = simulated(scan, modality, level, "train", wanted=8)
    _, height, width = case.noisy.shape
    return cropped(case, slice(None), central(height, 72), central(width, 72))


def combinations(method: str) -> list[dict[str, Any]]:
    """Every point of a method's grid."""
    grid = GRIDS[method]
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def best(method: str, cases: list[Case]) -> dict[str, Any] | None:
    """The grid point of the highest mean PSNR; None where the method is not installed."""
    scores = []
    for parameters in combinations(method):
        images = [restored(method, case, parameters) for case in cases]
        scores.append(
            np.mean(
                [
                    psnr(image[0], case.truth, case.mask, 1.0)
                    for image, case in zip(images, cases, strict=True)
                    if image is not None
                ]
            )
            if None not in images
            else -np.inf
        )
    print(method, cases[0].level, combinations(method)[int(np.argmax(scores))], max(scores))
    return combinations(method)[int(np.argmax(scores))] if max(scores) > -np.inf else None


def main() -> None:
    """Tune everything."""
    table: dict[str, Any] = {"seed": SEED, "scans": SCANS}
    for modality, levels in LEVELS.items():
        table[modality] = {}
        for level in levels:
            cases = [part(scan, modality, level) for scan in SCANS[modality]]
            chosen = {method: best(method, cases) for method in GRIDS}
            table[modality][str(level)] = {k: v for k, v in chosen.items() if v is not None}
    TUNED.write_text(json.dumps(table, indent=1) + "\n")  # whole: a part would serve other levels


if __name__ == "__main__":
    main()
