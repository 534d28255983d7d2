"""Noise banks of CT training: what filtered back-projection makes of a scan's noise, drawn once.

The noise that a dose fraction adds to a log-sinogram (`physics.ct`) has variance A·eᵖ + B·e²ᵖ: the
first part is quantum noise, the second electronic noise, which makes the streaks of starved rays;
B = Nₑ·A² at low dose. Reconstruction is linear, so one realisation of each part serves every dose:

    noise = √A · n₁·g₁ + √Nₑ·A · n₂·g₂        σ² = A·g₁² + Nₑ·A²·g₂²

with n₁, n₂ of unit variance and g₁, g₂ their local standard deviations, exactly. g₁ is relative to
its median in the slice's soft tissue, so that √A is the quantum noise there in HU.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from medrestore.core.meter import SILENT, Meter
from medrestore.physics.ct import LowDose, Scanner

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.training.data import Stack

__all__ = ["Kernel", "with_noise_bank"]

DEEPEST = 10.0
"""Line integrals beyond this leave less than one quantum in 2·10⁴ and are not distinguished."""

SOFT_HU = 200.0


class Kernel(NamedTuple):
    """Reconstruction kernel: `physics.ct.Scanner`'s ``cutoff`` and ``edge``."""

    cutoff: float
    edge: float = 0.0


def with_noise_bank(
    stack: Stack,
    kernels: tuple[Kernel, ...],
    seed: int,
    views: int = 400,
    meter: Meter = SILENT,
    *,
    device: str = "cpu",
    at_once: int = 1,
) -> Stack:
    """A CT stack with both parts of the noise of each slice and kernel, and their gains.

    Parameters
    ----------
    stack : Stack
        Slices in HU.
    kernels : tuple of Kernel
        One realisation is drawn through each; gains are those of the first.
    seed : int
        Seed of the noise.
    views : int
        Projection angles over 180°, a multiple of 4.
    meter : Meter
        One tick per slice.
    device, at_once : str, int
        Where to compute, and how many slices at a time (a GPU takes 16 of 512²).
    """
    depth, height, width = stack.array.shape
    noise = np.empty((len(kernels), 2, depth, height, width), dtype=np.float16)
    gain = np.empty((2, depth, height, width), dtype=np.float16)
    generator = torch.Generator(device).manual_seed(seed)
    meter.start(depth, "noise bank")
    for start in range(0, depth, at_once):
        part = slice(start, start + at_once)
        drawn, local = _bank(stack.array[part], stack.pixel_mm, kernels, views, generator)
        noise[:, :, part], gain[:, part] = drawn.cpu().numpy(), local.cpu().numpy()
        meter.tick(drawn.shape[2])
    return replace(stack, noise=noise, gain=gain)


def _bank(
    array: NDArray[np.float32],
    pixel_mm: float,
    kernels: tuple[Kernel, ...],
    views: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Noise (kernels, 2, z, y, x) of unit variance and gains (2, z, y, x) of a few slices."""
    depth, height, width = array.shape
    size = max(height, width)
    y, x = (size - height) // 2, (size - width) // 2
    window = (..., slice(y, y + height), slice(x, x + width))
    padded = np.full((depth, size, size), -1000.0, dtype=np.float32)
    padded[window] = array
    hu = torch.from_numpy(padded).to(generator.device)
    slices = LowDose(hu, pixel_mm, Scanner(views))
    paths = slices.paths.clamp(max=DEEPEST) - DEEPEST  # powers of ten that float16 can hold
    variance = torch.cat((paths.exp(), (2 * paths).exp()))
    scanners = [Scanner(views, kernel.cutoff, edge=kernel.edge) for kernel in kernels]
    std = torch.stack([slices.through(scanner).std_map(variance) for scanner in scanners])
    largest = std.amax(dim=(1, 2, 3), keepdim=True)
    std = torch.maximum(std, 1e-4 * largest)  # air beside starved rays
    drawn = slices.draw_through(variance, scanners, generator) / std
    local = std[0].view(2, depth, size, size)[window]
    usual = _soft_median(local[0], torch.from_numpy(array).to(hu.device))
    gains = torch.stack((local[0] / usual, local[1] / usual.square()))
    return drawn.view(len(kernels), 2, depth, size, size)[window], gains


def _soft_median(std: Tensor, hu: Tensor) -> Tensor:
    """Median over each slice's soft tissue (−200…200 HU), (z, 1, 1); over all where it has none."""
    medians = []
    for one, value in zip(std, hu, strict=True):
        soft = value.abs() < SOFT_HU
        medians.append(one[soft].median() if bool(soft.any()) else one.median())
    return torch.stack(medians).view(-1, 1, 1)
