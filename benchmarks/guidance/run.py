"""What guidance does to fidelity and spread, on crops of held-out people with simulated noise.

    python -m benchmarks.guidance.run mr_slice
    python -m benchmarks.guidance.run mr_slice_ddpm --guidance 1 1.5 2 3 0

Crops of `benchmarks.families` (64², two of each of five people, Rician noise of 3 and 9 %), the
true σ given, 8 samples; each weight of classifier-free guidance without measurement, and each
weight of measurement without guidance (and, where guidance 0 is asked for, around the prior alone).
PSNR is that of the mean of the samples and that of one sample; `std_ratio` the stated standard
deviation, `sample_ratio` that of the samples, both over the true error about the mean. The mean
over the crops. Adds its rows to `benchmarks/guidance/guidance.csv`, in the
place of earlier ones of the same model, noise and settings.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.families.crops import SETS, Crop
from benchmarks.quality.scores import DATA_RANGE
from medrestore.engine.pipeline import run
from medrestore.engine.resolve import resolve
from medrestore.evaluation.coverage import coverage, std_ratio
from medrestore.evaluation.fidelity import psnr
from medrestore.models.model import Model, find_card, load
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = Path(__file__).with_name("guidance.csv")
NAMED = ("model", "data", "sampler", "steps", "guidance", "measurement")
FIGURES = ("psnr_mean", "psnr_sample", "std_ratio", "sample_ratio", "cover90")
COLUMNS = (*NAMED, *FIGURES, "evaluations", "people", "weights", "date", "machine", "seed")
DATA = ("MR 3 %", "MR 9 %")
SAMPLES = 8


def cases(guidance: list[float], measurement: list[float]) -> list[tuple[float, float]]:
    """(guidance, measurement) of every row: one of both at a time, and both around the prior."""
    found = [(w, 0.0) for w in guidance if w != 0]
    found += [(w, weight) for weight in measurement if weight for w in guidance if w in (0, 1)]
    return found


def figures(model: Model, crop: Crop, asked: Settings) -> dict[str, float]:
    """Of one crop."""
    plan = resolve(asked, crop.volume, model.card, crop.noise, crop.scale, model.device)
    plan = plan.for_slices((crop.z,))
    arrays = run(plan, crop.volume, model)
    assert arrays.samples is not None
    samples, shown = arrays.samples[:, 0], arrays.restored[0]
    inside, limit = (crop.truth, crop.mask), DATA_RANGE[crop.modality]
    return {
        "psnr_mean": psnr(shown, *inside, limit),
        "psnr_sample": float(np.mean([psnr(one, *inside, limit) for one in samples])),
        "std_ratio": std_ratio(arrays.std[0], shown, *inside),
        "sample_ratio": std_ratio(np.sqrt(samples.var(axis=0, ddof=1)), shown, *inside),
        "cover90": coverage(arrays.lower[0], arrays.upper[0], *inside),
        "evaluations": plan.evaluations,
    }


def rows(model: Model, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row for each noise and case."""
    for data in SETS:
        if data.name not in asked.data:
            continue
        for guidance, measurement in cases(asked.guidance, asked.measurement):
            settings = Settings(
                model=model.card.name,
                samples=SAMPLES,
                sampler=asked.sampler,
                steps=asked.steps,
                estimate="posterior-mean",
                keep_samples=True,
                mirroring="off",
                seed=asked.seed,
                guidance=guidance,
                measurement=measurement,
            )
            crops = data.crops()[: asked.crops]
            each = [figures(model, crop, settings) for crop in crops]
            means = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
            yield {
                "model": model.card.name,
                "data": data.name,
                "sampler": model.card.sampler(asked.sampler),
                "steps": model.card.steps(asked.steps, SAMPLES),
                "guidance": guidance,
                "measurement": measurement,
                **{name: f"{means[name]:.4g}" for name in FIGURES},
                "evaluations": round(means["evaluations"]),
                "people": len({crop.scan for crop in crops}),
                "weights": model.card.sha256[:12],
                "date": date.today().isoformat(),
                "machine": f"{platform.machine()}, {torch.get_num_threads()} of {os.cpu_count()}",
                "seed": asked.seed,
            }


def add(row: dict[str, Any]) -> None:
    """Write a row in the place of one about the same."""
    kept: list[dict[str, Any]] = []
    if PATH.exists():
        with PATH.open(newline="", encoding="utf-8") as file:
            kept = list(csv.DictReader(file))
    about = [str(row[name]) for name in NAMED]
    kept = [one for one in kept if [one[name] for name in NAMED] != about]
    with PATH.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([*kept, row])


def main() -> None:
    """Run one model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0])
    parser.add_argument("--measurement", type=float, nargs="+", default=[0.0, 0.5, 1.0])
    parser.add_argument("--sampler", default="auto")
    parser.add_argument("--steps", type=int, default=0, help="default: the model's own")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--crops", type=int, default=10, help="at most, two of each person")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = load(find_card(asked.model, "MR"))
    for row in rows(model, asked):
        add(row)
        print(", ".join(str(row[name]) for name in (*NAMED, *FIGURES)), flush=True)


if __name__ == "__main__":
    main()
