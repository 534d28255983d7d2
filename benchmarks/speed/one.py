"""One case, in a process of its own, so that its memory is its own: started by `run.py`.

    python -m benchmarks.speed.one JOB.json

Prints one line of JSON: wall and CPU seconds, the most memory beyond what the process held before,
the forecasts, evaluations and floating-point operations.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode

import medrestore as mr
from medrestore.core.predictor import Condition
from medrestore.devices import device_name, pick_device, pick_precision
from medrestore.engine.forecast import complete, course_of
from medrestore.engine.pace import pace_of, windows_of
from medrestore.engine.pipeline import run
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings


def scan(shape: list[int], modality: str) -> mr.Volume:
    """Smooth structure and noise: what a network computes takes as long whatever it sees."""
    rng = np.random.default_rng(0)
    z, y, x = (np.linspace(0, 6, n, dtype=np.float32) for n in shape)
    smooth = np.sin(z)[:, None, None] * np.cos(y)[:, None] * np.sin(x)
    base, contrast, sigma = (0, 100, 20) if modality == "CT" else (100, 50, 5)
    array = base + contrast * smooth + sigma * rng.standard_normal(shape, dtype=np.float32)
    return mr.Volume(array, mr.Geometry(tuple(shape), np.eye(4)), modality)


class Peak:
    """The most memory that the process holds while inside, sampled every 5 ms."""

    def __enter__(self) -> Peak:
        self.process, self.over = psutil.Process(), threading.Event()
        self.before = self.most = self.process.memory_info().rss
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.over.wait(0.005):
            self.most = max(self.most, self.process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    @property
    def bytes(self) -> int:
        return self.most - self.before


def flops(model, plan) -> float:
    """Operations of a run, counted for one slice (stack) and one window and scaled."""
    (depth, _), (window, _), (_, y, x) = model.card.depth, model.card.window, plan.shape
    stacks = len(model.windows(plan.shape[0]).covering(range(plan.shape[0])))
    c = Condition(
        torch.ones(depth, model.slices, y, x, device=plan.device),
        torch.ones(depth, 1, y, x, device=plan.device),
        torch.ones(1, 1, 1, 1, device=plan.device),
    )
    with torch.inference_mode(), FlopCounterMode(display=False) as predicting:
        model.predict(c)
    seen = torch.ones(depth, 6, window, window, device=plan.device)
    denoiser = model.denoiser(1, model.windows(depth), range(depth))
    with torch.inference_mode(), FlopCounterMode(display=False) as refining:
        denoiser(seen[:, :1], 1.0, seen)
    predictions = plan.settings.predictions
    windows = (plan.evaluations // plan.shape[0] - predictions) * windows_of(model.card, plan)
    each = predictions * predicting.get_total_flops() + windows * refining.get_total_flops()
    return stacks * each


def measure(job: dict) -> dict:
    """Forecast and run; the best of the repeats."""
    torch.set_num_threads(job["threads"])
    volume = scan(job["shape"], job["modality"])
    card = find_card(job["model"], job["modality"])
    device = pick_device(job["device"])
    model = load(card, device, pick_precision(job["precision"], device))
    scale = 1000.0 if job["modality"] == "CT" else 200.0
    noise = Noise(20.0 if job["modality"] == "CT" else 5.0, None, "given")
    settings = Settings(samples=job["samples"], steps=job["steps"])
    plan = resolve(settings, volume, card, noise, scale, device, model.precision)
    plan = complete(plan, card, lambda: model)
    clock = time.perf_counter if device != "cpu" else time.process_time
    paces = [pace_of(model, plan, clock=clock) for _ in range(2)]
    best = replace(
        paces[0],
        **{
            name: min(getattr(p, name) for p in paces)
            for name in ("predicting", "drawing", "window")
        },
    )
    walls, cpus, peaks = [], [], []
    for _ in range(job["repeats"]):
        with Peak() as peak:
            wall, cpu = time.perf_counter(), time.process_time()
            run(plan, volume, model)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        peaks.append(peak.bytes)
    return {
        "device": "cpu" if device == "cpu" else device_name(device),
        "precision": plan.precision,
        "evaluations_per_slice": plan.evaluations // plan.shape[0],
        "wall_s": min(walls),
        "cpu_s": min(cpus),
        "forecast_s": course_of(plan, card, best).seconds,
        "peak_mb": peaks[0] / 1e6,
        "forecast_mb": plan.memory_bytes / 1e6,
        "tflop": flops(model, plan) / 1e12,
    }


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(Path(sys.argv[1]).read_text()))))
