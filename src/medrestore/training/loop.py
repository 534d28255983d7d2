"""The training loop: any network, any loss, one table of progress, a checkpoint that resumes."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file

from medrestore.core.meter import SILENT, Meter
from medrestore.errors import ModelError
from medrestore.training.muon import Muon, hidden_weights
from medrestore.training.session import Means, Pace, append_row, with_session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor, nn

__all__ = ["Schedule", "averaged", "fit", "learning_rate", "load_checkpoint"]


@dataclass(frozen=True)
class Schedule:
    """Length and learning rate of a training.

    Parameters
    ----------
    steps : int
        Optimiser steps at most.
    time_limit_min : float
        Wall-clock minutes at most; the learning rate falls to its end within whichever of the
        two runs out first.
    rate, last_rate : float
        AdamW's learning rate after warm-up and at the end (cosine between them).
    muon : float
        Muon's learning rate for hidden layers, in multiples of AdamW's; 0 trains all by AdamW.
    warm_up : int
        Steps of linear warm-up, also after a resume (the optimiser's state is not kept).
    ema : float
        Decay of the averaged weights per step.
    every : int
        Steps between rows of the loss table and between checkpoints.
    """

    steps: int = 10_000
    time_limit_min: float = math.inf
    rate: float = 1e-3
    last_rate: float = 1e-5
    muon: float = 20.0
    warm_up: int = 100
    ema: float = 0.999
    every: int = 200


def learning_rate(schedule: Schedule, progress: float, since_start: int) -> float:
    """Warm-up times cosine; ``progress`` in 0…1, ``since_start`` steps of this session."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    rate = schedule.last_rate + (schedule.rate - schedule.last_rate) * cosine
    return rate * min(1.0, (since_start + 1) / max(schedule.warm_up, 1))


def fit(
    net: nn.Module,
    loss_of: Callable[[nn.Module], tuple[Tensor, dict[str, Tensor]]],
    schedule: Schedule,
    folder: Path,
    *,
    fabric: Fabric | None = None,
    compiled: bool = False,
    meter: Meter = SILENT,
) -> nn.Module:
    """Train ``net`` in place and return its exponential moving average.

    Parameters
    ----------
    net : Module
        Network to train.
    loss_of : callable
        ``loss_of(net) → (loss, metrics)`` draws a batch itself; metrics go into the table. On
        several devices each draws its own.
    schedule : Schedule
        Length and learning rate.
    folder : Path
        Receives ``checkpoint.safetensors`` (``net.*``, ``ema.*``), ``state.json`` and
        ``curve.csv`` (means, steps a second); training goes on from a checkpoint found there.
    fabric : Fabric, optional
        Devices and precision; one CPU in float32 by default.
    compiled : bool
        Let inductor compile the network.
    meter : Meter
        One tick per step.
    """
    fabric = fabric or Fabric(accelerator="cpu", devices=1)
    folder.mkdir(parents=True, exist_ok=True)
    average = copy.deepcopy(net).requires_grad_(False).to(fabric.device)
    done, spent = load_checkpoint(folder, net, average)
    optimisers = _optimisers(net, schedule)
    forward: Any = torch.compile(net) if compiled else net
    called, *optimisers = fabric.setup(forward, *optimisers)
    started, sums, pace, step = time.monotonic() - spent, Means(), Pace(done), done
    meter.start(schedule.steps, f"training {folder.name}")
    while step < schedule.steps:
        minutes = (time.monotonic() - started) / 60
        progress = max(step / schedule.steps, minutes / schedule.time_limit_min)
        if fabric.broadcast(progress) >= 1:
            break
        loss, metrics = loss_of(called)
        rate = learning_rate(schedule, progress, step - done)
        if _descend(fabric, net, optimisers, loss, rate):
            sums.add({"loss": loss.detach(), **metrics})
        step += 1
        _follow(average, net, min(schedule.ema, (1 + step) / (10 + step)))
        meter.tick()
        if step % schedule.every == 0 and fabric.is_global_zero:
            row = {"step": step, "minutes": minutes, **sums.take(), "steps_per_s": pace.of(step)}
            append_row(folder / "curve.csv", row)
            _save(folder, net, average, step, time.monotonic() - started, schedule, done, fabric)
    if fabric.is_global_zero:
        _save(folder, net, average, step, time.monotonic() - started, schedule, done, fabric)
    fabric.barrier()
    return average


def _descend(
    fabric: Fabric,
    net: nn.Module,
    optimisers: Sequence[torch.optim.Optimizer],
    loss: Tensor,
    rate: float,
) -> bool:
    """One step at a learning rate; False, and none, where the gradient is not finite."""
    fabric.backward(loss)
    finite = bool(torch.isfinite(torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group["times"]
        if finite:
            optimiser.step()
        optimiser.zero_grad()
    return finite


def _optimisers(net: nn.Module, schedule: Schedule) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon for the hidden layers; each group's ``times`` scales the learning rate."""
    hidden = hidden_weights(net) if schedule.muon else []
    taken = {id(weight) for weight in hidden}
    rest = [weight for weight in net.parameters() if id(weight) not in taken]
    adam = torch.optim.AdamW([{"params": rest, "times": 1.0}], lr=schedule.rate, weight_decay=1e-4)
    if not hidden:
        return [adam]
    return [adam, Muon([{"params": hidden, "times": schedule.muon}], lr=schedule.rate)]


def averaged(folder: Path) -> dict[str, Tensor]:
    """The average's weights in a folder's checkpoint; none where it has no checkpoint."""
    path = folder / "checkpoint.safetensors"
    tensors = load_file(path) if path.exists() else {}
    return {k.removeprefix("ema."): v for k, v in tensors.items() if k.startswith("ema.")}


def load_checkpoint(folder: Path, net: nn.Module, average: nn.Module) -> tuple[int, float]:
    """Load weights and average if ``folder`` holds a checkpoint; steps and seconds spent so far.

    A checkpoint of the average alone, as committed, stands for both.

    Raises
    ------
    ModelError
        If the checkpoint belongs to another architecture.
    """
    path, state = folder / "checkpoint.safetensors", folder / "state.json"
    if not path.exists():
        return 0, 0.0
    tensors = load_file(path)
    try:
        trained = "net" if any(key.startswith("net.") for key in tensors) else "ema"
        for prefix, module in ((f"{trained}.", net), ("ema.", average)):
            module.load_state_dict(
                {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            )
    except RuntimeError as error:
        raise ModelError(
            f"{path.name} in {folder.name} is of another architecture; move it away or change "
            "the config back"
        ) from error
    facts = json.loads(state.read_text()) if state.exists() else {}
    return int(facts.get("step", 0)), float(facts.get("seconds", 0.0))


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    for old, new in zip(average.parameters(), net.parameters(), strict=True):
        old.lerp_(new, 1 - decay)


def _save(
    folder: Path,
    net: nn.Module,
    average: nn.Module,
    step: int,
    seconds: float,
    schedule: Schedule,
    done: int,
    fabric: Fabric,
) -> None:
    tensors = {f"net.{k}": v.contiguous() for k, v in net.state_dict().items()}
    tensors |= {f"ema.{k}": v.contiguous() for k, v in average.state_dict().items()}
    partial = folder / "checkpoint.partial"
    save_file(tensors, partial)
    os.replace(partial, folder / "checkpoint.safetensors")
    state = folder / "state.json"
    earlier = json.loads(state.read_text()).get("sessions", ()) if state.exists() else ()
    facts = {
        "step": step,
        "seconds": round(seconds, 1),
        "schedule": asdict(schedule),
        "sessions": with_session(earlier, done, step, fabric),
    }
    state.write_text(json.dumps(facts, indent=1) + "\n")
