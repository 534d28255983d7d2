"""Where training runs: devices, precision, memory layout, compiler."""

from __future__ import annotations

import shutil

import torch
from lightning_fabric import Fabric

__all__ = ["can_compile", "launch", "layout"]


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


def layout(depth: int) -> torch.memory_format:
    """Channels last, in two dimensions or three."""
    return torch.channels_last if depth == 1 else torch.channels_last_3d


def can_compile(depth: int) -> bool:
    """Whether inductor pays: a quarter for slices (it needs a compiler), nothing for stacks."""
    return depth == 1 and (shutil.which("gcc") is not None or torch.cuda.is_available())
