"""Where training runs: devices, precision, compiler."""

from __future__ import annotations

import shutil

import torch
from lightning_fabric import Fabric

__all__ = ["can_compile", "launch"]


def launch(devices: int = 1) -> Fabric:
    """Devices and precision: GPUs in bfloat16 where they have it, else the CPU in float32."""
    gpu = torch.cuda.is_available()
    fabric = Fabric(
        accelerator="cuda" if gpu else "cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision="bf16-mixed" if gpu and torch.cuda.is_bf16_supported() else "32-true",
    )
    fabric.launch()
    return fabric


def can_compile(depth: int = 1) -> bool:
    """Whether inductor can work and pays: it saves a quarter of the time and needs a compiler.

    On one CPU core it takes ten minutes for a network of stacks (``depth`` above 1), once per
    machine: more than it saves in the hour that such a core is worth training on.
    """
    return torch.cuda.is_available() or (depth == 1 and shutil.which("gcc") is not None)
