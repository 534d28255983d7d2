"""Steps a second of a training in float32 and in bfloat16, on this machine, in one run.

    python -m benchmarks.training_speed.run mr_slice ct_slice [--steps 6] [--rounds 7]

The shipped predictor's own config and loop (`training.loop.fit`: data, network, optimisers,
average), on the smallest of its scans, one thread. Seconds are those of the process itself, so that
other programs count only for what they take of caches; rounds of a few steps in one precision and
the other take turns, so that this falls on both, and the first of each is left out. Neither is
compiled. Writes `benchmarks/training_speed/training_speed.csv`, rows of other models stay.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from lightning_fabric import Fabric

from medrestore.core.compute import has_bfloat16
from medrestore.core.meter import SILENT
from medrestore.models.model import find_card
from medrestore.results.software import device_name
from medrestore.training.config import Config
from medrestore.training.loop import Schedule, fit
from medrestore.training.pairs import Pairs
from medrestore.training.session import launch
from medrestore.training.source import stacks_by_person
from medrestore.training.stages import predictor_step
from medrestore.training.trainings import networks_of

if TYPE_CHECKING:
    from torch import nn

HERE = Path(__file__).resolve().parent
TABLE = HERE / "training_speed.csv"


def pace(net: nn.Module, pairs: Pairs, fabric: Fabric, steps: int) -> float:
    """Steps a second of this process's own time in one round."""
    schedule = Schedule(steps=steps, rate=1e-6, last_rate=1e-6, every=steps + 1)
    with TemporaryDirectory() as folder:
        began = time.process_time()
        fit(net, predictor_step(pairs), schedule, Path(folder), fabric=fabric)
        return steps / (time.process_time() - began)


def measured(name: str, steps: int, rounds: int, seed: int) -> dict[str, object]:
    """Row of a model."""
    card = find_card(name, name.partition("_")[0].upper())
    config = Config.read(card.folder / "configs" / "train.json", {"seed": seed})
    smallest = min(config.scans, key=lambda scan: (Path(config.data) / scan.file).stat().st_size)
    config = replace(config, scans=(smallest,), synthetic={})
    people = stacks_by_person(config, Path("runs") / "noise_banks", SILENT)
    pairs = Pairs(config, [stack for group in people.values() for stack in group], seed)
    net, _ = networks_of(config, card)
    fabrics = {"float32": Fabric(accelerator="cpu", devices=1), "bfloat16": launch()}
    found: dict[str, list[float]] = {precision: [] for precision in fabrics}
    for _ in range(rounds + 1):
        for precision, fabric in fabrics.items():
            found[precision].append(pace(net, pairs, fabric, steps))
            print(name, precision, f"{found[precision][-1]:.3f}", flush=True)
    began = time.process_time()
    for _ in range(steps):
        pairs.draw()
    drawing = (time.process_time() - began) / steps
    ratios = [b / a for a, b in zip(*(paces[1:] for paces in found.values()), strict=True)]
    row: dict[str, object] = {"model": name}
    row |= {f"{precision}_steps_s": round(median(p[1:]), 3) for precision, p in found.items()}
    row |= {"ratio": round(median(ratios), 3), "lowest": round(min(ratios), 3)}
    row |= {"highest": round(max(ratios), 3), "drawing_s": round(drawing, 4)}
    row |= {"rounds": rounds, "steps": steps, "seed": seed}
    return row | {
        "device": device_name("cpu"),
        "date": date.today().isoformat(),
    }


def main() -> None:
    """Measure each, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if not has_bfloat16("cpu"):
        raise SystemExit("this chip does not multiply bfloat16: there is nothing to compare")
    rows = [measured(name, asked.steps, asked.rounds, asked.seed) for name in asked.models]
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            rows += [row for row in csv.DictReader(file) if row["model"] not in asked.models]
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: str(row["model"])))


if __name__ == "__main__":
    main()
