"""What noise-aware targets and made-up anatomy change: a model fine-tuned with and without them.

    python -m benchmarks.targets.run mr_slice [--steps 400] [--seed 0]

All runs start from the shipped predictor and see as many patches; contrasts are not remapped in
any, as noise-aware targets need the scan's own noise. *plain*: the training scans as they are;
*noise-aware*: the same with `training.targets.noise_aware`; *synthetic*: plain, 30 % of the patches
from dead leaves and label maps (`training.synthesis`), which have no noise of their own. Scored
on the validation scans (`benchmarks.quality`): RMSE against the reference, which carries noise of
its own, and RMSE estimated against the noise-free anatomy (`evaluation.floor`). Writes
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
from medrestore.models.model import Model, find_card, load
from medrestore.training.config import Config
from medrestore.training.loop import Schedule, fit
from medrestore.training.pairs import Pairs
from medrestore.training.source import stacks_by_person
from medrestore.training.stages import predictor_step

if TYPE_CHECKING:
    from torch import nn

HERE = Path(__file__).resolve().parent
LEVELS = {"MR": (0.03, 0.09), "CT": (20.0, 40.0)}
SYNTHETIC = {"dead_leaves": 0.15, "label_map": 0.15}
VARIANTS = ("plain", "noise-aware", "synthetic")


def tuned(model: Model, variant: str, steps: int, seed: int, folder: Path) -> nn.Module:
    """The model's predictor after some more steps."""
    path = model.card.folder / "configs" / "train.json"
    config = replace(Config.read(path), noise_aware=True, seed=seed)
    if variant == "synthetic":
        config = replace(config, synthetic=SYNTHETIC)
    people = stacks_by_person(config, Path("runs") / "noise_banks", SILENT)
    stacks = [stack for group in people.values() for stack in group]
    schedule = Schedule(steps=steps, rate=3e-4, muon=20.0, warm_up=50, ema=0.99, every=100)
    torch.manual_seed(seed)
    pairs = Pairs(config, stacks, seed + 17)
    pairs.noise_aware = variant == "noise-aware"  # all else the same
    return fit(model.predictor, predictor_step(pairs), schedule, folder).eval()


def main() -> None:
    """Train each, score each, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("runs") / "targets")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    card, rows = find_card(asked.model, modality), []
    for name in VARIANTS:
        model = load(card)
        folder = asked.work / f"{asked.model}_{name}_{asked.steps}_{asked.seed}"
        net = tuned(model, name, asked.steps, asked.seed, folder)
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
