"""Random MR acquisitions: which part of k-space was measured, and how the rest was filled."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from medrestore.physics.k_space import (
    MARGIN,
    filtered_noise,
    filtered_signal,
    homodyne,
    partial_fourier,
    zero_filled,
)

__all__ = ["Encoding", "random_encoding"]

KEPT = (0.5, 0.95)
"""Zero-filled axes: a half is the usual interpolation to twice the matrix."""
KEPT_PARTIAL = (0.6, 0.9)


class Encoding(NamedTuple):
    """Fourier encoding of a batch of patches.

    windows : k-space weights along z, y and x, each (batch, ..., n) with n ≥ the patch;
    real : (batch, 1, 1, 1), 1 where the reconstruction takes the real part (homodyne), else 0.
    """

    windows: tuple[Tensor, Tensor, Tensor]
    real: Tensor

    def signal(self, clean: Tensor) -> Tensor:
        """What the acquisition shows of (batch, z, y, x) without noise: a magnitude."""
        image = filtered_signal(clean, self.windows)
        return torch.where(self.real > 0, image.real.abs(), image.abs())

    def own_gain(self) -> Tensor:
        """What becomes of white noise in the scan itself, (batch, 1, 1, 1): its std times this.

        A magnitude keeps the real part, whose k-space weight is the even part of the window.
        """
        variance = torch.ones_like(self.real)
        for window in self.windows:
            even = 0.5 * (window + window.flip(-1).roll(1, -1))
            variance = variance * even.square().mean(dim=-1).view(-1, 1, 1, 1)
        return variance.sqrt()

    def noise(self, shape: tuple[int, ...], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Unit-variance channels (batch, z, y, x); the imaginary one is 0 after homodyne."""
        field = filtered_noise(shape, self.windows, generator)
        return field.real, field.imag * (1 - self.real)


def random_encoding(shape: tuple[int, ...], generator: torch.Generator) -> Encoding:
    """An encoding per patch of (batch, z, y, x).

    In-plane axes are zero-filled to 50–95 %, with or without apodisation; in 40 % of the patches
    one axis is partial Fourier instead (60–90 %), zero-filled or homodyne in equal parts. Half of
    the batches are 3-D acquisitions, zero-filled along z too.
    """
    batch, depth, height, width = shape
    device = generator.device

    def draw(low: float, high: float) -> Tensor:
        unit = torch.rand(batch, generator=generator, device=device)
        return low + (high - low) * unit

    def symmetric(n: int) -> Tensor:
        apodised = draw(0.0, 1.0) < 0.5
        return zero_filled(n, draw(*KEPT), torch.where(apodised, draw(0.1, 1.0), 0.0))

    kind = draw(0.0, 1.0)
    rows, columns, deep = (n + 2 * min(MARGIN, n - 1) for n in (height, width, depth))
    part = draw(*KEPT_PARTIAL)
    y = torch.where((kind < 0.4)[:, None], partial_fourier(rows, part), symmetric(rows))
    y = torch.where((kind < 0.2)[:, None], homodyne(rows, part), y)
    x = symmetric(columns)
    encoded_along_z = bool(torch.rand(1, generator=generator, device=device) < 0.5)
    z = symmetric(deep) if encoded_along_z else torch.ones(batch, depth, device=device)
    return Encoding((z, y[:, None], x[:, None, None]), (kind < 0.2).float().view(batch, 1, 1, 1))
