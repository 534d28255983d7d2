"""CT noise for training: banks drawn once through filtered back-projection, and mixtures of them.

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
from torch import Tensor

from medrestore.core.meter import SILENT, Meter
from medrestore.core.predictor import Condition
from medrestore.physics.ct import LowDose, Scanner
from medrestore.training.targets import Pair, noise_aware

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.training.data import Stack

__all__ = ["CtNoise", "Kernel", "low_dose", "with_noise_bank"]

DEEPEST = 10.0
"""Line integrals beyond this leave less than one quantum in 2·10⁴ and are not distinguished."""

SOFT_HU = 200.0


class Kernel(NamedTuple):
    """Reconstruction kernel and detector: `physics.scanner.Scanner`'s parameters of these names.

    The detector is finer than the pixels, so that sharp kernels alias noise as they do in scanners.
    """

    cutoff: float
    edge: float = 0.0
    response: tuple[float, ...] = ()
    rays: int = 2

    def scanner(self, views: int) -> Scanner:
        """A scanner with it."""
        return Scanner(views, **self._asdict())


def with_noise_bank(
    stack: Stack,
    kernels: tuple[Kernel, ...],
    seed: int,
    views: int = 400,
    meter: Meter = SILENT,
    *,
    device: str = "cpu",
    at_once: int = 1,
    modulation: float = 0.0,
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
        Device, and number of slices at a time (a GPU takes 16 of 512²).
    modulation : float
        Part b of the rays' variance exp(−b·cos 2θ) that the body does not explain: tube current
        that follows its girth, and what of it is outside of the image; θ is 0 for rays along y.
    """
    depth, height, width = stack.array.shape
    noise = np.empty((len(kernels), 2, depth, height, width), dtype=np.float16)
    gain = np.empty((2, depth, height, width), dtype=np.float16)
    generator = torch.Generator(device).manual_seed(seed)
    meter.start(depth, "noise bank")
    for start in range(0, depth, at_once):
        part = slice(start, start + at_once)
        slices, window = low_dose(stack.array[part], stack.pixel_mm, views, device)
        variance = _ray_variance(slices.paths, modulation)
        drawn, local = _bank(slices, variance, kernels, generator)
        drawn, local = drawn[..., *window], local[..., *window]
        usual = _soft_median(local[0], stack.array[part])
        local = local / torch.stack((usual, usual.square()))
        noise[:, :, part], gain[:, part] = drawn.cpu().numpy(), local.cpu().numpy()
        meter.tick(drawn.shape[2])
    return replace(stack, noise=noise, gain=gain)


def low_dose(
    array: NDArray[np.float32], pixel_mm: float, views: int = 400, device: str = "cpu"
) -> tuple[LowDose, tuple[slice, slice]]:
    """Slices in the middle of squares of air, and where they are in them, (y, x)."""
    depth, height, width = array.shape
    size = max(height, width)
    y, x = (size - height) // 2, (size - width) // 2
    window = (slice(y, y + height), slice(x, x + width))
    padded = np.full((depth, size, size), -1000.0, dtype=np.float32)
    padded[:, *window] = array
    return LowDose(torch.from_numpy(padded).to(device), pixel_mm, Scanner(views)), window


def _ray_variance(paths: Tensor, modulation: float) -> Tensor:
    """Variance of both parts one after the other, (2·z, views, rays)."""
    paths = paths.clamp(max=DEEPEST) - DEEPEST  # powers of ten that float16 can hold
    angle = torch.arange(paths.shape[1], device=paths.device) * (torch.pi / paths.shape[1])
    weight = -modulation * torch.cos(2 * angle)[:, None]
    return torch.cat(((paths + weight).exp(), (2 * (paths + weight)).exp()))


def _bank(
    slices: LowDose, variance: Tensor, kernels: tuple[Kernel, ...], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Noise (kernels, 2, z, n, n) of unit variance and its std (2, z, n, n) by the first kernel."""
    scanners = [kernel.scanner(slices.scanner.views) for kernel in kernels]
    std = torch.stack([slices.through(scanner).std_map(variance) for scanner in scanners])
    largest = std.amax(dim=(1, 2, 3), keepdim=True)
    std = torch.maximum(std, 1e-4 * largest)  # air beside starved rays
    drawn = slices.draw_through(variance, scanners, generator) / std
    size = std.shape[-1]
    return drawn.view(len(kernels), 2, -1, size, size), std[0].view(2, -1, size, size)


def _soft_median(std: Tensor, array: NDArray[np.float32]) -> Tensor:
    """Median over each slice's soft tissue (−200…200 HU), (z, 1, 1); over all where it has none."""
    medians = []
    for plane, value in zip(std, array, strict=True):
        soft = torch.from_numpy(np.abs(value) < SOFT_HU).to(std.device)
        medians.append(plane[soft].median() if bool(soft.any()) else plane.median())
    return torch.stack(medians).view(-1, 1, 1)


class CtNoise:
    """Low-dose noise of random level from a bank made through filtered back-projection.

    A draw mixes the bank's two parts (see the module) as physics does: quantum noise of
    variance A·g₁², electronic noise of variance Nₑ·A²·g₂². Together they have the level drawn, on
    average over the patch; the higher it is, the more of it are the streaks of starved rays.
    Two kernels are mixed, any of the bank's and the one that the scan's own noise looks like, so
    that noise lies between kernels too; where targets are corrected for the scan's own noise, the
    level is at least half of that and the share of the scan's kernel large enough to do it.

    Parameters
    ----------
    hu : (low, high)
        Bounds of the added standard deviation in soft tissue, HU, drawn log-uniformly.
    seed : int
        Start of the stream of draws.
    thick, clipped, padded : float
        Share of patches whose neighbouring slices share noise (overlapping or thick slices), that
        are cut at −1024 HU as scanners store them, and that reach over the edge of the
        reconstruction circle into padding (−1024, −2000 or −3024), which holds no noise.
    misjudged : float
        Share of patches whose σ is given wrong: by a factor of about 1.2 up or down, half of them
        also as one number where it varies over the patch. Real estimates are no better.
    electronic : (low, high)
        Bounds of Nₑ in quanta², drawn log-uniformly.
    device : str
        Device of patches and noise.
    volumes : bool
        As in `MrNoise`.
    """

    def __init__(
        self,
        hu: tuple[float, float] = (4.0, 120.0),
        seed: int = 0,
        thick: float = 0.25,
        clipped: float = 0.5,
        padded: float = 0.05,
        electronic: tuple[float, float] = (1.0, 100.0),
        misjudged: float = 0.0,
        device: str = "cpu",
        volumes: bool = False,
    ) -> None:
        self.low, self.high = hu
        self.thick, self.clipped, self.padded = thick, clipped, padded
        self.electronic, self.misjudged, self.volumes = electronic, misjudged, volumes
        self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, patches: Tensor, scale: Tensor, own: Tensor | None = None) -> Pair:
        """Corrupt (batch, channels, slices, y, x); ``scale`` is (batch,).

        Channels: clean, n₁ and n₂ of any kernel and of the scan's own, g₁, g₂, and 1 where the
        scan holds noise of its own, else 0. ``own`` as in `MrNoise`, for soft tissue.
        """
        clean, *noises, gain, starved, measured = patches.unbind(1)
        shape = (len(clean), 1, 1, 1)
        level = self.low * (self.high / self.low) ** self._rand(*shape)
        least = torch.zeros_like(level)
        if own is not None:
            level = torch.maximum(level, own.view(shape) / 2)
            least = (own.view(shape) / level).square().clamp(max=1)
        mixed = least + (1 - least) * self._rand(*shape) * (self._rand(*shape) < 0.5)
        one_kernel = (noises[0] == noises[2]).flatten(1).all(dim=1).view(shape)
        mixed = torch.where(one_kernel, 1.0, mixed)
        low, high = self.electronic
        n_e = low * (high / low) ** self._rand(*shape)
        mean = [g.square().mean(dim=(1, 2, 3), keepdim=True) for g in (gain, starved)]
        ratio = 4 * n_e * mean[1] / mean[0]  # A + Nₑ·κ·A² = level², solved for A
        a = 2 * level.square() / (1 + (1 + ratio * level.square()).sqrt())
        share = 0.6 * self._rand(*shape) * (self._rand(*shape) < self.thick)
        quantum_std, electronic_std = a.sqrt() * gain, n_e.sqrt() * a * starved
        any_quantum, any_electronic, quantum, electronic = (
            _shared_along_z(noise, share) for noise in noises
        )
        part = mixed.sqrt() * (quantum_std * quantum + electronic_std * electronic)
        rest = (1 - mixed).sqrt() * (quantum_std * any_quantum + electronic_std * any_electronic)
        noisy = clean + rest + part
        sigma = (a * gain.square() + n_e * (a * starved).square()).sqrt()
        cut = self._rand(*shape) < self.clipped
        noisy = torch.where(cut, noisy.clamp(min=-1024.0), noisy)
        outside, value = self._padding(clean)
        noisy, clean = torch.where(outside, value, noisy), torch.where(outside, value, clean)
        slices = clean.shape[1]
        middle = slice(None) if self.volumes else slice(slices // 2, slices // 2 + 1)
        sigma, gain, outside = sigma[:, middle].contiguous(), gain[:, middle], outside[:, :1]
        pair = Pair(Condition(noisy, sigma, scale.view(shape)), clean[:, middle])
        if own is not None:
            local = own.view(shape) * gain * measured[:, middle]
            local = torch.where(outside, 0.0, local)
            part, part_std = part[:, middle], (mixed.sqrt() * sigma).clamp(min=1e-6)
            pair = noise_aware(pair, local, magnitude=False, part=part, part_std=part_std)
        sigma = self._misjudged(pair.condition.sigma, gain)
        return pair._replace(condition=pair.condition._replace(sigma=sigma))

    def _misjudged(self, sigma: Tensor, gain: Tensor) -> Tensor:
        """σ as an estimate would have it: some patches' is wrong, or one number for all."""
        shape = (len(sigma), 1, 1, 1)
        wrong, even = self._rand(*shape) < self.misjudged, self._rand(*shape) < 0.5
        number = (sigma / gain.clamp(min=1e-3)).flatten(1).median(dim=1).values.view(shape)
        normal = torch.randn(shape, generator=self.generator, device=sigma.device)
        guess = torch.where(even, number, sigma) * (0.2 * normal).exp()
        return torch.where(wrong, guess, sigma)

    def _padding(self, clean: Tensor) -> tuple[Tensor, Tensor]:
        """Mask of a patch outside the reconstruction circle, and the value stored there."""
        batch, _, height, width = clean.shape
        draw = self._rand(4, batch, 1, 1, 1)
        values = torch.tensor([-1024.0, -2000.0, -3024.0], device=clean.device)
        value = values[(3 * draw[0]).long()]
        radius = max(height, width) * (1 + 4 * draw[1])
        edge = max(height, width) * (draw[2] - 0.4)  # from the patch's centre, along the direction
        angle = 2 * torch.pi * draw[3]
        y = torch.arange(height, device=clean.device)[:, None] - (height - 1) / 2
        x = torch.arange(width, device=clean.device) - (width - 1) / 2
        away = radius - edge
        distance = torch.hypot(y + away * torch.sin(angle), x + away * torch.cos(angle))
        return (distance > radius) & (self._rand(batch, 1, 1, 1) < self.padded), value

    def _rand(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)


def _shared_along_z(noise: Tensor, share: Tensor) -> Tensor:
    """Mix each slice's noise with its neighbours' (ends wrap), unit variance kept.

    Where the stack ends, slices repeat: a copy of the same noise is no neighbour. ``share`` is
    (batch, 1, 1, 1).
    """
    mixed, energy = noise, torch.ones_like(noise[..., :1, :1])
    for step in (1, -1):
        neighbour = noise.roll(step, dims=1)
        weight = share * (neighbour != noise).any(dim=-1).any(dim=-1)[..., None, None]
        mixed = mixed + weight * neighbour
        energy = energy + weight**2
    return mixed / energy.sqrt()
