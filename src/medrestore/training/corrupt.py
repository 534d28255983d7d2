"""Random noise for training: what a scanner could have added to a clean patch, and its σ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from medrestore.core.meter import SILENT, Meter
from medrestore.core.predictor import Condition
from medrestore.physics import mr
from medrestore.physics.ct import LowDose, Scanner

if TYPE_CHECKING:
    from medrestore.training.data import Stack

__all__ = ["CtNoise", "MrNoise", "Pair", "with_noise_bank"]


class Pair(NamedTuple):
    """A training example: what the network is told, and the clean middle slice (batch, 1, y, x)."""

    condition: Condition
    clean: Tensor


class MrNoise:
    """Rician noise of random level, g-factor and k-space correlation.

    Parameters
    ----------
    relative : (low, high)
        Bounds of σ as a fraction of the scale, drawn log-uniformly for each patch.
    seed : int
        Start of the stream of draws.
    correlated, with_g_factor : float
        Probability that a batch's noise is correlated, and that a patch has a g-factor map.
    """

    def __init__(
        self,
        relative: tuple[float, float] = (0.005, 0.15),
        seed: int = 0,
        correlated: float = 0.2,
        with_g_factor: float = 0.25,
        device: str = "cpu",
    ) -> None:
        self.low, self.high = relative
        self.correlated, self.with_g_factor = correlated, with_g_factor
        self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, patches: Tensor, scale: Tensor) -> Pair:
        """Corrupt (batch, 1, slices, y, x); ``scale`` is (batch,)."""
        clean = patches[:, 0]
        batch, slices, height, width = clean.shape
        scale = scale.view(batch, 1, 1, 1)
        exponent = self._rand(batch, 1, 1, 1)
        sigma = scale * self.low * (self.high / self.low) ** exponent
        sigma = sigma.expand(batch, 1, height, width).clone()
        for index in torch.nonzero(self._rand(batch) < self.with_g_factor).flatten().tolist():
            gain = mr.g_factor((height, width), self.generator)
            sigma[index, 0] *= gain / gain.mean()
        window = None
        if float(self._rand(1)) < self.correlated:
            kept = (0.6 + 0.4 * self._rand(2)).tolist()
            window = mr.k_space_window((height, width), (kept[0], kept[1]), 0.2).to(clean.device)
        noise = mr.channel_noise((batch, slices, height, width), self.generator, window)
        noisy = mr.rician(clean, sigma, noise)
        middle = slices // 2
        return Pair(Condition(noisy, sigma, scale), clean[:, middle : middle + 1])

    def _rand(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)


class CtNoise:
    """Low-dose noise of random level from a bank made through filtered back-projection.

    Parameters
    ----------
    hu : (low, high)
        Bounds of the added standard deviation in soft tissue, HU, drawn log-uniformly.
    seed : int
        Start of the stream of draws.
    thick, clipped : float
        Probability that neighbouring slices share noise (overlapping or thick slices), and that
        a batch is cut at −1024 HU as scanners store it.
    """

    def __init__(
        self,
        hu: tuple[float, float] = (4.0, 120.0),
        seed: int = 0,
        thick: float = 0.25,
        clipped: float = 0.5,
        device: str = "cpu",
    ) -> None:
        self.low, self.high = hu
        self.thick, self.clipped = thick, clipped
        self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, patches: Tensor, scale: Tensor) -> Pair:
        """Corrupt (batch, [clean, noise, gain], slices, y, x); ``scale`` is (batch,)."""
        clean, noise, gain = patches.unbind(1)
        batch, slices = clean.shape[:2]
        draw = torch.rand(batch, generator=self.generator, device=clean.device)
        level = (self.low * (self.high / self.low) ** draw).view(batch, 1, 1, 1)
        if float(self._rand()) < self.thick:
            noise = _shared_along_z(noise, 0.6 * float(self._rand()))
        noisy = clean + level * gain * noise
        if float(self._rand()) < self.clipped:
            noisy = noisy.clamp(min=-1024.0)
        middle = slice(slices // 2, slices // 2 + 1)
        sigma = level * gain[:, middle]
        return Pair(Condition(noisy, sigma, scale.view(batch, 1, 1, 1)), clean[:, middle])

    def _rand(self) -> Tensor:
        return torch.rand(1, generator=self.generator, device=self.generator.device)


def _shared_along_z(noise: Tensor, share: float) -> Tensor:
    """Mix each slice's noise with its neighbours' (ends wrap), unit variance kept.

    Where the stack ends, slices repeat: a copy of the same noise is no neighbour.
    """
    mixed, energy = noise, torch.ones_like(noise[..., :1, :1])
    for step in (1, -1):
        neighbour = noise.roll(step, dims=1)
        weight = share * (neighbour != noise).any(dim=-1).any(dim=-1)[..., None, None]
        mixed = mixed + weight * neighbour
        energy = energy + weight**2
    return mixed / energy.sqrt()


def with_noise_bank(
    stack: Stack, cutoffs: tuple[float, ...], seed: int, views: int = 400, meter: Meter = SILENT
) -> Stack:
    """A CT stack with one noise realisation per slice and kernel, and its noise gain.

    The noise is divided by its own expected standard deviation, so that a draw can give it any
    level; the gain keeps where dense paths made it stronger, relative to each slice's median over
    soft tissue (−200…200 HU).
    """
    depth, height, width = stack.array.shape
    size = max(height, width)
    y, x = (size - height) // 2, (size - width) // 2
    noise = np.empty((len(cutoffs), depth, height, width), dtype=np.float16)
    gain = np.empty((depth, height, width), dtype=np.float16)
    generator = torch.Generator().manual_seed(seed)
    meter.start(depth, "noise bank")
    for z in range(depth):
        padded = np.full((1, size, size), -1000.0, dtype=np.float32)
        padded[0, y : y + height, x : x + width] = stack.array[z]
        slices = LowDose(torch.from_numpy(padded), stack.pixel_mm, Scanner(views))
        variance = slices.variance(0.25, photons=1e6)
        for kernel, cutoff in enumerate(cutoffs):
            low_dose = slices.through(Scanner(views, cutoff))
            std = low_dose.std_map(variance)
            unit = (low_dose.draw(variance, generator) / std)[0].numpy()
            noise[kernel, z] = unit[y : y + height, x : x + width]
        local = std[0].numpy()[y : y + height, x : x + width]
        soft = np.abs(stack.array[z]) < 200
        gain[z] = local / np.median(local[soft] if soft.any() else local)
        meter.tick()
    return replace(stack, noise=noise, gain=gain)
