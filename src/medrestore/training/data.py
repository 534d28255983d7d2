"""Training patches: neighbouring slices of clean scans, randomised in shape and contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medrestore.core.intensity import FOREGROUND_FRACTION
from medrestore.core.slices import reflected
from medrestore.errors import SettingsError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["PatchSampler", "Patches", "Stack", "stacks_of"]

APART = 0.2
"""Share of patches whose slices are two or three of the scan's apart: gaps, thicker slices."""

UNEVEN = 0.3
"""Share of MR patches whose slices differ in brightness by up to a few percent, every other one or
at random: slices excited in turn saturate each other."""

SMOOTHEST = 3.0
"""CT: how many times as often the smoothest kernel of a noise bank is drawn as the last."""

ISOTROPIC_WITHIN = 1.35
"""Scans whose spacings differ by less than this factor are also cut along their other axes."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices of one person, with all that a draw from them needs.

    Parameters
    ----------
    array : ndarray, shape (z, y, x)
        Intensities.
    scale : float
        Intensity scale (`core.intensity`).
    pixel_mm : float
        In-plane pixel size.
    weight : float
        Share in the draw.
    noise : ndarray of float16, shape (kernels, 2, z, y, x), optional
        CT: quantum and electronic noise of unit variance, one realisation per kernel
        (`training.ct_noise`).
    gain : ndarray of float16, shape (2, z, y, x), optional
        CT: their local standard deviation.
    noise_std : float, optional
        Standard deviation of the noise that the scan itself carries, intensity units
        (`training.targets`); None where it is not known, 0 for made-up anatomy.
    kernel : int
        CT: the bank's kernel that the scan's own noise looks like (`training.targets`).
    measured : ndarray of bool, shape (z, y, x), optional
        CT: True where the scan holds noise: neither air that was set to one value nor a couch
        that was added.
    """

    array: NDArray[np.float32]
    scale: float
    pixel_mm: float = 1.0
    weight: float = 1.0
    noise: NDArray[np.float16] | None = None
    gain: NDArray[np.float16] | None = None
    noise_std: float | None = None
    kernel: int = 0
    measured: NDArray[np.bool_] | None = None


def _binned(array: NDArray[np.float32], factors: tuple[int, int, int]) -> NDArray[np.float32]:
    """Mean over blocks: coarser, and less noisy by the root of the block's size."""
    size = [n // f * f for n, f in zip(array.shape, factors, strict=True)]
    z, y, x = (s // f for s, f in zip(size, factors, strict=True))
    blocks = array[: size[0], : size[1], : size[2]].reshape(
        z, factors[0], y, factors[1], x, factors[2]
    )
    return np.ascontiguousarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32))


def stacks_of(
    array: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    modality: str,
    weight: float = 1.0,
    smallest: int = 64,
) -> list[Stack]:
    """The stacks one scan is worth: its own slices, other planes if isotropic, binned copies.

    Binned copies are cleaner targets (half the noise per 2×2 block), drawn half as often.
    """
    kind = modality_named(modality)
    scale, arbitrary = kind.scale(array), kind.trained.arbitrary
    isotropic = arbitrary and max(spacing_mm) / min(spacing_mm) < ISOTROPIC_WITHIN
    pixel = spacing_mm[2]
    views = [array]
    if isotropic:
        views += [array.transpose(1, 0, 2), array.transpose(2, 0, 1)]
    stacks = [Stack(view, scale, pixel, weight / len(views)) for view in views]
    coarse = _binned(array, (2, 2, 2) if isotropic else (1, 2, 2))
    if min(coarse.shape[1:]) >= smallest:
        views = [coarse]
        if isotropic and min(coarse.shape) >= smallest:
            views += [coarse.transpose(1, 0, 2), coarse.transpose(2, 0, 1)]
        stacks += [Stack(v, scale, 2 * pixel, 0.5 * weight / len(views)) for v in views]
    return [s for s in stacks if min(s.array.shape[1:]) >= smallest]


def _shares(kernels: int) -> NDArray[np.float64]:
    """Share of each kernel of a noise bank in the draw: its first, smooth ones more than its last.

    Most clinical scans are of smooth kernels, and their noise, which looks like anatomy, is the
    harder to remove; an even draw cost 7 % of RMSE there.
    """
    falling = np.linspace(SMOOTHEST, 1.0, kernels)
    return np.asarray(falling / falling.sum())


class Patches(NamedTuple):
    """A batch of clean patches.

    values : (batch, channels, slices, patch, patch), intensities; for CT also the two unit noises
    of any kernel of the bank, those of the scan's own, their gains, and where the scan holds noise
    of its own; scales : (batch,), intensity scales; own : (batch,), standard deviation of the
    noise that the scans carry, 0 where it is not known; visible : (batch, slices), the slice of
    the patch that is visible in the stead of each: another one beyond the scan's ends or where
    neighbours are dropped.
    """

    values: NDArray[np.float32]
    scales: NDArray[np.float32]
    own: NDArray[np.float32]
    visible: NDArray[np.int64]


class PatchSampler:
    """Draws ``(slices, patch, patch)`` pieces of stacks, flipped, turned and remapped.

    Parameters
    ----------
    stacks : sequence of Stack
        All of one modality.
    slices, patch : int
        Size of a piece.
    beyond : int
        Slices of a piece that may lie beyond the scan's ends, where the last one repeats.
    modality : str
        MR contrasts are remapped (gamma 0.6 to 1.6); HU mean something and stay.
    seed : int
        Start of the stream of draws.
    remapped : float
        Share of MR patches whose contrast is remapped.
    dropped : float
        Share of patches that are seen as the end of a scan, or as a slice alone.

    Raises
    ------
    SettingsError
        If there is no stack of at least ``patch`` pixels.
    """

    def __init__(
        self,
        stacks: Sequence[Stack],
        slices: int,
        beyond: int,
        patch: int,
        modality: str,
        seed: int,
        remapped: float = 0.5,
        dropped: float = 0.0,
    ) -> None:
        large = [s for s in stacks if min(s.array.shape[1:]) >= patch]
        if not large:
            raise SettingsError(
                f"no training scan has slices of {patch}×{patch} pixels or more; "
                "give larger scans or a smaller patch"
            )
        self.stacks = large
        weights = np.array([s.weight for s in large])
        self.probability = weights / weights.sum()
        self.slices, self.beyond, self.patch = slices, beyond, patch
        self.kind = modality_named(modality)
        self.remapped, self.dropped = remapped, dropped
        self.rng = np.random.default_rng(seed)

    def batch(self, size: int) -> Patches:
        """The next ``size`` patches."""
        pieces = [self._piece() for _ in range(size)]
        patches, scales, own, visible = zip(*pieces, strict=True)
        return Patches(
            np.stack(patches),
            np.asarray(scales, dtype=np.float32),
            np.asarray(own, dtype=np.float32),
            np.stack(visible),
        )

    def _piece(self) -> tuple[NDArray[np.float32], float, float, NDArray[np.int64]]:
        stack = self.stacks[self.rng.choice(len(self.stacks), p=self.probability)]
        piece, visible = self._cut(stack)
        for _ in range(3):  # mostly patches with something in them
            if self._is_foreground(piece[0], stack.scale):
                break
            piece, visible = self._cut(stack)
        piece, visible = self._turn(piece, visible)
        scale = stack.scale
        if self.kind.trained.arbitrary:
            piece, scale = self._recontrast(self._uneven(piece), scale)
        return piece, scale, stack.noise_std or 0.0, visible

    def _cut(self, stack: Stack) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        depth, height, width = stack.array.shape
        index, visible = self._slices(depth)
        y = int(self.rng.integers(height - self.patch + 1))
        x = int(self.rng.integers(width - self.patch + 1))
        plane = (slice(y, y + self.patch), slice(x, x + self.patch))
        channels = [stack.array[index, *plane]]
        if stack.noise is not None and stack.gain is not None:
            first, second = self.rng.choice(len(stack.noise), size=2, p=_shares(len(stack.noise)))
            own = stack.kernel if stack.noise_std else second
            for part in (*stack.noise[first], *stack.noise[own], *stack.gain):
                channels.append(part[index, *plane].astype(np.float32))
            everywhere = np.ones_like(channels[0])
            measured = None if stack.measured is None else stack.measured[index, *plane]
            channels.append(everywhere if measured is None else measured.astype(np.float32))
        return np.stack(channels), visible

    def _slices(self, depth: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Slices of the scan at even steps, and the index of the one visible in the stead of each.

        Beyond the ends the scan is mirrored, as when it is restored (`core.slices`).
        """
        inner, step = self.slices - 2 * self.beyond, 1
        if self.rng.random() < APART:
            step = int(self.rng.integers(2, 4))
        if (inner - 1) * step > depth - 1:
            step = 1
        first = int(self.rng.integers(max(depth - (inner - 1) * step, 1)))
        lowest = first % step
        highest = lowest + (depth - 1 - lowest) // step * step
        positions = np.arange(self.slices).tolist()
        steps = (highest - lowest) // step + 1
        ahead = (first - lowest) // step - self.beyond
        index = lowest + step * np.array([reflected(ahead + p, steps) for p in positions])
        before, after = (first - lowest) // step, (highest - first) // step
        if self.rng.random() < self.dropped:
            before, after = (
                min(available, int(self.rng.integers(self.beyond + 1)) + within)
                for available, within in ((before, 0), (after, inner - 1))
            )
        lowest, known = self.beyond - before, before + after + 1
        return index, lowest + np.array([reflected(p - lowest, known) for p in positions])

    def _is_foreground(self, piece: NDArray[np.float32], scale: float) -> bool:
        middle = piece[self.slices // 2]
        tissue = self.kind.tissue
        lowest = 2 * FOREGROUND_FRACTION * scale if tissue is None else tissue
        return bool((middle > lowest).mean() > 0.2)

    def _turn(
        self, piece: NDArray[np.float32], visible: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        if self.rng.random() < 0.5:
            piece, visible = piece[:, ::-1], self.slices - 1 - visible[::-1]
        if self.rng.random() < 0.5:
            piece = piece[:, :, ::-1]
        turned = np.rot90(piece, int(self.rng.integers(4)), axes=(2, 3))
        return np.ascontiguousarray(turned), visible

    def _uneven(self, piece: NDArray[np.float32]) -> NDArray[np.float32]:
        rng, n = self.rng, self.slices
        if rng.random() >= UNEVEN:
            return piece
        pattern = (-1.0) ** np.arange(n) if rng.random() < 0.5 else rng.standard_normal(n)
        gain = np.exp(rng.uniform(-0.04, 0.04) * pattern).astype(np.float32)
        return piece * gain[:, None, None]

    def _recontrast(
        self, piece: NDArray[np.float32], scale: float
    ) -> tuple[NDArray[np.float32], float]:
        rng = self.rng
        if rng.random() < self.remapped:
            gamma = float(np.exp(rng.uniform(np.log(0.6), np.log(1.6))))
            positive = np.maximum(piece, 0) / np.float32(scale)
            piece = np.asarray(scale * positive**gamma, dtype=np.float32)
        return piece, scale * float(np.exp(rng.uniform(np.log(0.75), np.log(1.4))))
