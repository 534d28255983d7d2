"""One method on one data set: the row with its figures and what it cost."""

from __future__ import annotations

import platform
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.families.scores import figures
from medrestore.core.compute import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.families.crops import Crop
    from benchmarks.families.drawn import Drawn
    from benchmarks.families.method import Method
    from benchmarks.families.table import Row
    from medrestore.models.card import Card
    from medrestore.models.model import Model

__all__ = ["measured", "training"]


def measured(method: Method, model: Model, crops: Sequence[Crop], seed: int) -> Row:
    """Restore the crops and say all about it.

    Seconds and memory are per slice: seconds of the crops after the first, on which the memory is
    counted (if there is but one, its own).
    """
    asked = method.settings(seed)
    pairs: list[tuple[Crop, Drawn]] = []
    spent: list[tuple[float, float]] = []

    def restore(crop: Crop) -> None:
        started = time.process_time(), time.perf_counter()
        drawn = method.run(model, crop, asked)
        cpu, wall = time.process_time() - started[0], time.perf_counter() - started[1]
        pairs.append((crop, drawn))
        spent.append((cpu / drawn.slices, wall / drawn.slices))

    peak = peak_bytes(lambda: restore(crops[0]))
    for crop in crops[1:]:
        restore(crop)
    timed = spent[1:] or spent
    drawn = pairs[0][1]
    return {
        "sampler": drawn.sampler,
        "steps": drawn.steps,
        "samples": 0 if drawn.samples is None else len(drawn.samples),
        "people": len({crop.scan for crop in crops if crop.kind == "simulated"}) or 1,
        **figures(pairs),
        "evaluations": float(drawn.evaluations),
        "cpu_seconds": sum(cpu for cpu, _ in timed) / len(timed),
        "seconds": sum(wall for _, wall in timed) / len(timed),
        "memory_mb": (peak + weights_bytes(model)) / 1e6,
        **training(model.card),
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s)",
        "note": method.note,
    }


def weights_bytes(model: Model) -> int:
    """Memory of the parameters."""
    networks = (model.predictor, model.refiner)
    return sum(p.numel() * p.element_size() for net in networks for p in net.parameters())


def training(card: Card) -> dict[str, Any]:
    """Steps and minutes of all stages in a card; what the model was started from comes on top."""
    stages = card.facts.get("training", {}).get("stages", {}).values()
    return {
        f"training_{name}": round(sum(stage[name] for stage in stages if name in stage))
        for name in ("steps", "minutes")
        if any(name in stage for stage in stages)
    }
