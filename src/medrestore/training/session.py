"""A session of training: its devices, precision and compiler, its loss table and its pace."""

from __future__ import annotations

import csv
import math
import shutil
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from medrestore.devices import device_name, has_bfloat16, training_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import Tensor

__all__ = ["Means", "Pace", "append_row", "can_compile", "launch", "with_session"]


class _Bfloat16Inside(MixedPrecision):
    """bfloat16 autocast that leaves a network's inputs as they are.

    Fabric's own rounds them too: HU to multiples of 8, a noisy slice to where its noise is gone.
    """

    def __init__(self, device: str) -> None:
        super().__init__("bf16-mixed", device)

    def convert_input(self, data: Any) -> Any:
        return data


def launch(devices: int = 1) -> Fabric:
    """Devices and precision: CUDA GPUs if there are any, bfloat16 where the chip multiplies it.

    Weights, their average and the optimisers' states are float32 either way, and so are losses
    (`core.compute.in_float32`).
    """
    device = training_device()
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        plugins=_Bfloat16Inside(device) if has_bfloat16(device) else None,
    )
    fabric.launch()
    return fabric


def can_compile(depth: int = 1) -> bool:
    """True if inductor works and pays: it saves a quarter of the time and needs a compiler.

    On a CPU it saves nothing in bfloat16 (2.5 against 3.0 steps a second, `mr_slice` on one core),
    and on one core it takes ten minutes for a network of stacks (``depth`` above 1), once per
    machine: more than it saves in the hour that such a core is worth training on.
    """
    if training_device() != "cpu":
        return True
    return depth == 1 and not has_bfloat16("cpu") and shutil.which("gcc") is not None


def append_row(path: Path, row: dict[str, float]) -> None:
    """Append to a CSV table; one that was begun with other columns keeps those it has."""
    columns = list(row)
    if path.exists():
        with path.open(newline="") as file:
            columns = next(csv.reader(file), columns)
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(columns)
        writer.writerow(f"{row.get(name, math.nan):.6g}" for name in columns)


class Pace:
    """Steps a second since the last call, everything included."""

    def __init__(self, step: int) -> None:
        self._step, self._at = step, time.monotonic()

    def of(self, step: int) -> float:
        """Pace up to ``step``."""
        now = time.monotonic()
        pace = (step - self._step) / max(now - self._at, 1e-9)
        self._step, self._at = step, now
        return pace


class Means:
    """Running means of named metrics since they were last taken; on their device till then."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._n = 0

    def add(self, metrics: dict[str, Tensor]) -> None:
        """Add one step's metrics."""
        for name, value in metrics.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._n += 1

    def take(self) -> dict[str, float]:
        """The means, which begin anew."""
        means = {name: float(total) / self._n for name, total in self._sums.items()}
        self._sums, self._n = {}, 0
        return means


PRECISIONS = {"32-true": "float32", "bf16-mixed": "bfloat16"}
"""Fabric's names and ours; others stay Fabric's."""


def with_session(
    earlier: Iterable[Mapping[str, Any]], done: int, step: int, fabric: Fabric
) -> list[dict[str, Any]]:
    """The sessions so far, the one that began after step ``done`` brought up to ``step``.

    A session that took no step is none. Days are those of the machine's clock, devices are named
    by their make, hosts not at all.
    """
    sessions = [dict(session) for session in earlier]
    if step == done:
        return sessions
    precision = str(fabric.strategy.precision.precision)
    today, begun = date.today().isoformat(), None
    if sessions and sessions[-1]["after"] == done:
        begun = sessions.pop()["begun"]
    now = {
        "after": done,
        "to": step,
        "begun": begun or today,
        "ended": today,
        "device": device_name(fabric.device.type),
        "devices": fabric.world_size,
        "precision": PRECISIONS.get(precision, precision),
    }
    return [*sessions, now]
