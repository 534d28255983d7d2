"""Devices, precision and compiler of a training."""

from __future__ import annotations

import shutil
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from medrestore.core.compute import has_bfloat16

__all__ = ["can_compile", "launch"]


class _Bfloat16Inside(MixedPrecision):
    """bfloat16 autocast that leaves a network's inputs as they are.

    Fabric's own rounds them too: HU to multiples of 8, a noisy slice to where its noise is gone.
    """

    def __init__(self, device: str) -> None:
        super().__init__("bf16-mixed", device)

    def convert_input(self, data: Any) -> Any:
        return data


def launch(devices: int = 1) -> Fabric:
    """Devices and precision: GPUs if there are any, bfloat16 where the chip multiplies it.

    Weights, their average and the optimisers' states are float32 either way, and so are losses
    (`core.compute.in_float32`).
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
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
    if torch.cuda.is_available():
        return True
    return depth == 1 and not has_bfloat16("cpu") and shutil.which("gcc") is not None
