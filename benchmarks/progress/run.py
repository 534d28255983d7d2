"""Where a training that is under way has come to: its average beside the shipped predictor.

    python -m benchmarks.progress.run ct_slice [--checkpoint FILE] [--slices 4]

On the people of `benchmarks.anatomy`, whom neither was trained on (`notes` in the training's
config). CT noise through a smooth and a sharp kernel. Both are told all the noise that there is,
the added and the scan's own, as an estimate would. Figures, one evaluation: RMSE against the
reference; RMSE and std over RMSE as estimated against the noise-free anatomy (`evaluation.floor`;
where the added noise is sharper than the scan's own, that estimate is too low, down to 0;
`benchmarks.anatomy` goes by frequency). The checkpoint is the one in `models/<model>/progress` by
default. Writes `benchmarks/progress/<model>.csv`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.anatomy.cases import HELD_OUT, KERNELS, LEVELS, HeldOut
from benchmarks.anatomy.ours import continued
from benchmarks.quality.cases import Case, simulated
from benchmarks.quality.ours import run_model, whole
from benchmarks.quality.scores import figures
from medrestore.engine.plan import Noise
from medrestore.models.model import find_card, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medrestore.models.model import Model

HERE = Path(__file__).resolve().parent


def cases(modality: str, wanted: int) -> Iterator[tuple[dict[str, object], Case]]:
    """What is restored, with what says which it is."""
    of = _ct_cases if modality == "CT" else _mr_cases
    for held_out in HELD_OUT[modality]:
        for facts, case in of(held_out, wanted):
            yield {"anatomy": held_out.anatomy, "scan": held_out.scan, **facts}, case


def _mr_cases(held_out: HeldOut, wanted: int) -> Iterator[tuple[dict[str, object], Case]]:
    for level in LEVELS["MR"]:
        case = simulated(held_out.scan, "MR", level, held_out.folder, wanted)
        yield {"noise": level}, case


def _ct_cases(held_out: HeldOut, wanted: int) -> Iterator[tuple[dict[str, object], Case]]:
    for level in LEVELS["CT"]:
        for name, scanner in KERNELS.items():
            case = simulated(held_out.scan, "CT", level, held_out.folder, wanted, scanner)
            yield {"noise": level, "kernel": name}, case


def scored(model: Model, case: Case) -> dict[str, float]:
    """RMSE against the reference and the noise-free anatomy, and std over the latter."""
    total = float(np.hypot(case.sigma, case.own))
    added = case.sigma_map
    noise = Noise(total, None if added is None else added * np.float32(total / case.sigma), "all")
    result, _ = run_model(model, case, noise, case.inner)
    found = figures(whole(case, result.restored.array, case.inner), case)
    std = result.std.array[case.mask[list(case.inner)]].astype(np.float64)
    clean = found["clean_rmse"]
    row = {"rmse": found["rmse"], "clean_rmse": clean}
    rms = float(np.sqrt(np.square(std).mean()))
    row["std_over_error"] = rms / clean if clean > 0 else float("nan")
    return {name: round(float(value), 5) for name, value in row.items()}


def main() -> None:
    """Score both, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--slices", type=int, default=4, help="of each scan, ends included")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    card = find_card(asked.model, modality)
    beside = card.folder / "progress" / "predictor" / "checkpoint.safetensors"
    models = {
        "shipped": load(card),
        "continued": continued(load(card), asked.checkpoint or beside),
    }
    rows = []
    for facts, case in cases(modality, asked.slices):
        for name, model in models.items():
            rows.append({**facts, "predictor": name, **scored(model, case)})
            print(*rows[-1].values(), flush=True)
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
