"""What noise-aware targets change: a model fine-tuned with and without them, side by side.

    python -m benchmarks.targets.run mr_slice [--steps 400] [--seed 0]

Both runs start from the shipped predictor and see as many patches; contrasts are not remapped in
either, as noise-aware targets need the scan's own noise. Scored on the validation scans
(`benchmarks.quality`): RMSE against the reference, which carries noise of its own, and RMSE
estimated against the noise-free anatomy (`evaluation.noisy_reference`). Writes
`benchmarks/targets/<model>.csv`.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.quality.cases import SCANS, simulated
from benchmarks.quality.ours import predictor_row
from medrestore.core.meter import SILENT
from medrestore.models import Model, find_card, load
from medrestore.training.config import Config
from medrestore.training.loop import Schedule, fit
from medrestore.training.pairs import Pairs
from medrestore.training.source import stacks_by_person
from medrestore.training.stages import predictor_step

if TYPE_CHECKING:
    from torch import nn

HERE = Path(__file__).resolve().parent
LEVELS = {"MR": (0.03, 0.09), "CT": (20.0, 40.0)}


def tuned(model: Model, aware: bool, steps: int, seed: int, folder: Path) -> nn.Module:
    """The model's predictor after some more steps."""
    path = model.card.folder / "configs" / "train.json"
    config = replace(Config.read(path), noise_aware=True, seed=seed)
    people = stacks_by_person(config, Path("runs") / "noise_banks", SILENT)
    stacks = [stack for group in people.values() for stack in group]
    schedule = Schedule(steps=steps, rate=3e-4, muon=20.0, warm_up=50, ema=0.99, every=100)
    torch.manual_seed(seed)
    pairs = Pairs(config, stacks, seed + 17)
    pairs.noise_aware = aware  # all else the same
    return fit(model.predictor, predictor_step(pairs), schedule, folder).eval()


def main() -> None:
    """Train both, score both, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("runs") / "targets")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    card, rows = find_card(asked.model, modality), []
    for name, aware in (("plain", False), ("noise-aware", True)):
        model = load(card)
        folder = asked.work / f"{asked.model}_{name}_{asked.steps}_{asked.seed}"
        net = tuned(model, aware, asked.steps, asked.seed, folder)
        one = Model(card, net, model.refiner, "cpu")
        for scan in SCANS[modality]:
            for level in LEVELS[modality]:
                found: dict[str, Any] = predictor_row(one, simulated(scan, modality, level))
                row = {"targets": name, "scan": scan, "noise": level}
                row |= {k: round(found[k], 5) for k in ("rmse", "clean_rmse", "std_ratio")}
                rows.append(row)
                print(*row.values(), flush=True)
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
