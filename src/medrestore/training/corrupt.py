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
from medrestore.training.mr_protocol import random_encoding

if TYPE_CHECKING:
    from medrestore.training.data import Stack

__all__ = ["CtNoise", "MrNoise", "Pair", "with_noise_bank"]


class Pair(NamedTuple):
    """A training example: what the network is told, and the clean slice or slices asked for.

    ``clean`` is (batch, 1, y, x), the middle slice, or (batch, z, y, x) for volumes.
    """

    condition: Condition
    clean: Tensor


class MrNoise:
    """Magnitude noise of random level, g-factor, Fourier encoding and number of coils.

    σ is the Gaussian standard deviation per channel of the image as stored, after every filter.
    Encoded patches (`training.mr_protocol`) lose the part of the signal that was not acquired:
    the target is what the acquisition shows without noise. Patches of several coils are
    non-central χ: σ alone does not tell them from one coil, so their share is modest.

    Parameters
    ----------
    relative : (low, high)
        Bounds of σ as a fraction of the scale, drawn log-uniformly for each patch.
    seed : int
        Start of the stream of draws.
    correlated, with_g_factor, several_coils : float
        Share of patches that are zero-filled or partial Fourier, that have a g-factor map, and
        that are root sums of squares of 2 to 8 coils (none of these is encoded too).
    device : str
        Where patches lie and noise is drawn.
    volumes : bool
        False: the network restores the middle slice, told one σ map (batch, 1, y, x). True: it
        restores all, told a map that varies along z too, (batch, z, y, x).
    """

    def __init__(
        self,
        relative: tuple[float, float] = (0.005, 0.15),
        seed: int = 0,
        correlated: float = 0.25,
        with_g_factor: float = 0.25,
        several_coils: float = 0.1,
        device: str = "cpu",
        volumes: bool = False,
    ) -> None:
        self.low, self.high = relative
        self.correlated, self.with_g_factor = correlated, with_g_factor
        self.several_coils, self.volumes = several_coils, volumes
        self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, patches: Tensor, scale: Tensor) -> Pair:
        """Corrupt (batch, 1, slices, y, x); ``scale`` is (batch,)."""
        clean = patches[:, 0]
        scale = scale.view(-1, 1, 1, 1)
        sigma = self._sigma(clean, scale)
        kind = self._rand(len(clean))
        noise = mr.channel_noise(tuple(clean.shape), self.generator)
        coils = torch.nonzero(kind < self.several_coils).flatten()
        encoded = torch.nonzero(kind > 1 - self.correlated).flatten()
        if len(encoded):
            part = clean[encoded]
            encoding = random_encoding(tuple(part.shape), self.generator)
            clean = clean.index_copy(0, encoded, encoding.signal(part))
            for field, drawn in zip(
                noise, encoding.noise(tuple(part.shape), self.generator), strict=True
            ):
                field[encoded] = drawn
        noisy = mr.rician(clean, sigma, noise)
        if len(coils):
            noisy[coils] = self._several(clean[coils], sigma[coils])
        middle = (
            slice(None) if self.volumes else slice(clean.shape[1] // 2, clean.shape[1] // 2 + 1)
        )
        return Pair(Condition(noisy, sigma, scale), clean[:, middle])

    def _sigma(self, clean: Tensor, scale: Tensor) -> Tensor:
        batch, slices, height, width = clean.shape
        depth = slices if self.volumes else 1
        level = scale * self.low * (self.high / self.low) ** self._rand(batch, 1, 1, 1)
        gain = mr.g_factor(batch, (depth, height, width), self.generator)
        gain = gain / gain.mean(dim=(1, 2, 3), keepdim=True)
        amplified = self._rand(batch, 1, 1, 1) < self.with_g_factor
        return level * torch.where(amplified, gain, 1.0)

    def _several(self, clean: Tensor, sigma: Tensor) -> Tensor:
        """Sum of squares of 2 to 8 coils of random sensitivity and noise correlation up to 0.3."""
        coils = 2 + int(7 * float(self._rand(1)))
        sensitivity = torch.complex(*mr.channel_noise((coils, len(clean), 1, 1, 1), self.generator))
        noise = torch.complex(*mr.channel_noise((coils, *clean.shape), self.generator))
        return mr.sum_of_squares(clean, sigma, noise, sensitivity, 0.3 * float(self._rand(1)))

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
