"""torch and OpenVINO on the shipped slice models, in one run: networks, whole runs, start.

    python -m benchmarks.backends.run [--rounds 2] [--seed 0]

Needs `pip install openvino` (Apache-2.0). CPU seconds of one thread, so that other programs count
only for what they take of caches; back ends take turns, so that this falls on all, and the fastest
round counts. Writes three CSV files and `benchmarks/backends/README.md` (about 5 CPU minutes).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import torch

from benchmarks.backends.networks import Compiled, OfTensors, openvino_model
from benchmarks.backends.page import write_page
from benchmarks.backends.start import SHAPES
from benchmarks.speed.one import scan
from medrestore.api import make_plan, run_plan
from medrestore.core.predictor import Condition
from medrestore.engine.device_check import probe
from medrestore.models.model import Model, find_card, load
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medrestore.models.card import Card

PLANES = {"mr_slice": (256, 230), "ct_slice": (512, 512)}
RUNS = {
    "mr_slice": {0: (4, 256, 230), 8: (2, 256, 230)},
    "ct_slice": {0: (2, 512, 512), 8: (1, 512, 512)},
}
"""Voxels (z, y, x) of the runs without and with samples."""
NOISE = {"MR": 0.05, "CT": 20.0}
WINDOWS = 16


def models_of(card: Card) -> dict[str, Model]:
    """The model by back end and precision."""
    return {
        "torch float32": load(card),
        "torch bfloat16": load(card, "cpu", "bfloat16"),
        "openvino float32": openvino_model(card, "float32"),
        "openvino bfloat16": openvino_model(card, "bfloat16"),
        "openvino bfloat16 throughout": openvino_model(card, "bfloat16", throughout=True),
    }


def fastest(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """CPU seconds of each call, the best of some rounds in which they take turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.process_time()
            call()
            found[name].append(time.process_time() - began)
    return {name: min(seconds) for name, seconds in found.items()}


@torch.inference_mode()
def networks(models: Mapping[str, Model], rounds: int, seed: int) -> list[dict[str, object]]:
    """Rows of predictor and refiner, with the largest difference by the check of devices."""
    model = models["torch float32"]
    card, rng = model.card, np.random.default_rng(seed)
    sigma = float(np.prod(card.sigma_range)) ** 0.5
    shape = (1, card.slices, *PLANES[card.name])
    scanned = torch.asarray((0.5 + sigma * rng.standard_normal(shape)).astype(np.float32))
    c = Condition(scanned, torch.full_like(scanned[:, :1], sigma), torch.ones(1, 1, 1, 1))
    window = card.window[0]
    patches = rng.standard_normal((WINDOWS, 7, window, window)).astype(np.float32)
    z, seen = torch.asarray(patches[:, :1]), torch.asarray(patches[:, 1:])
    t = torch.full((WINDOWS,), 0.8)
    seconds = {
        "predictor": fastest({k: lambda m=m: m.predictor(c) for k, m in models.items()}, rounds),
        "refiner": fastest(
            {k: lambda m=m: m.refiner(z, t, seen) for k, m in models.items()}, rounds
        ),
    }
    right = probe(model)
    rows: list[dict[str, object]] = []
    for name, one in models.items():
        mu, log_s, r = (float((a - b).abs().max()) for a, b in zip(probe(one), right, strict=True))
        row: dict[str, object] = {"model": card.name, "back_end": name}
        for part, of in seconds.items():
            row[f"{part}_ms"] = round(1e3 * of[name], 1)
            row[f"{part}_of_torch"] = round(of[_like(name)] / of[name], 2)
        rows.append(row | {"mu_sigma": f"{mu:.2g}", "log_s": f"{log_s:.2g}", "r_hat_s": f"{r:.2g}"})
    return rows


def _like(name: str) -> str:
    """The row of torch in the same precision."""
    return f"torch {name.split()[1]}"


def runs(models: Mapping[str, Model], rounds: int, seed: int) -> list[dict[str, object]]:
    """Rows of whole runs: CPU seconds, and the largest difference of the restored image in σ."""
    rows: list[dict[str, object]] = []
    card = models["torch float32"].card
    for samples, shape in RUNS[card.name].items():
        volume = scan(list(shape), card.modality)
        plans = {}
        for name, model in models.items():
            settings = Settings(
                noise=NOISE[card.modality], samples=samples, precision=model.precision,
                seed=seed, device="cpu", memory_gb=4.0,
            )  # fmt: skip
            plans[name] = make_plan(volume, settings, model=model)
        results: dict[str, Any] = {}

        def once(name: str, plans=plans, volume=volume, results=results) -> None:
            results[name] = run_plan(plans[name], volume, model=models[name])

        found = fastest({name: lambda n=name: once(n) for name in models}, rounds)
        exact = results["torch float32"]
        for name, seconds in found.items():
            apart = np.abs(results[name].restored.array - exact.restored.array).max()
            rows.append(
                {
                    "model": card.name, "samples": samples, "back_end": name,
                    "s_per_slice": round(seconds / shape[0], 3),
                    "of_torch": round(found[_like(name)] / seconds, 2),
                    "restored_sigma": f"{apart / exact.plan.noise.sigma:.2g}",
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def starts(folder: Path, repeats: int = 3) -> list[dict[str, object]]:
    """Rows of fresh processes, the fastest of each, and what a conversion takes."""
    import openvino

    network = Compiled(OfTensors(load(find_card("mr_slice", "MR")).predictor), "float32")
    held, began = psutil.Process().memory_info().rss, time.process_time()
    graph = network.converted(*(torch.ones(shape) for shape in SHAPES))
    converting = round(time.process_time() - began, 2)
    grown = round((psutil.Process().memory_info().rss - held) / 1e6)
    file = folder / "predictor.xml"
    openvino.save_model(graph, file, compress_to_fp16=False)
    rows: list[dict[str, object]] = []
    for name in ("torch", "torch-without-monai", "openvino"):
        command = [sys.executable, "-m", "benchmarks.backends.start", name, str(file)]
        found = [
            json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            for _ in range(repeats)
        ]
        rows.append({"back_end": name, **min(found, key=lambda one: one["first_s"])})
    rows[-1] |= {"converting_s": converting, "converting_mb": grown}
    return rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tables: dict[str, list[dict[str, object]]] = {"networks": [], "runs": []}
    with tempfile.TemporaryDirectory() as folder:
        tables["start"] = starts(Path(folder))
    print(tables["start"], flush=True)
    for name in PLANES:
        models = models_of(find_card(name, name[:2].upper()))
        tables["networks"] += networks(models, arguments.rounds, arguments.seed)
        print(*tables["networks"][-len(models) :], sep="\n", flush=True)
        del models["openvino bfloat16 throughout"]
        tables["runs"] += runs(models, arguments.rounds, arguments.seed)
        write_page(tables, arguments.rounds, arguments.seed)


if __name__ == "__main__":
    main()
