"""White and coloured noise of a batch of slices, from the counters of `core.white_noise`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from medrestore.core.spectrum import LAGS, RADIUS, Kernel
from medrestore.core.white_noise import ANCESTRAL, COLOURED, white_slice

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["NoiseField", "filtered"]


@dataclass(frozen=True)
class NoiseField:
    """The noise of a batch of (sample, slice) pairs.

    Parameters
    ----------
    seed : int
        Seed of the run.
    pairs : sequence of (sample, z)
        What each entry of the batch is.
    shape : (y, x)
        Size of a whole slice.
    t : int
        Time point of a 4-D scan.
    device : str
        Where the fields are wanted.
    along_z : Tensor, shape (batch, 7) or (1, 7), optional
        Weights of unit energy that mix slices −3 … 3 into white noise, as `Kernel.along_z`.
    """

    seed: int
    pairs: Sequence[tuple[int, int]]
    shape: tuple[int, int]
    t: int = 0
    device: str = "cpu"
    along_z: Tensor | None = None

    def white(self, step: int, stream: int = ANCESTRAL) -> Tensor:
        """Unit noise, white in the plane, (batch, 1, y, x); along z as `along_z` says."""
        if self.along_z is not None:
            return self._mixed(step, stream, self.shape, self.along_z)[:, None].to(self.device)
        fields = [
            white_slice(self.seed, stream, k, step, self.t, z, self.shape) for k, z in self.pairs
        ]
        return torch.from_numpy(np.stack(fields))[:, None].to(self.device)

    def coloured(self, step: int, kernel: Kernel) -> Tensor:
        """White noise through ``kernel``, with a halo beyond every border, (batch, 1, y, x).

        The kernel is one for all entries or holds one for each entry of the batch.
        """
        height, width = (n + 2 * RADIUS for n in self.shape)
        mixed = self._mixed(step, COLOURED, (height, width), kernel.along_z)
        return filtered(mixed, kernel.plane)[:, None].to(self.device)

    def _mixed(self, step: int, stream: int, shape: tuple[int, int], along_z: Tensor) -> Tensor:
        """White noise of neighbouring slices, weighted and summed, (batch, y, x)."""
        mixed = torch.zeros(len(self.pairs), *shape)
        weights = along_z.expand(len(self.pairs), -1).tolist()
        for row, taps, (k, z) in zip(mixed, weights, self.pairs, strict=True):
            for offset, weight in enumerate(taps, -LAGS):
                if weight:
                    white = white_slice(self.seed, stream, k, step, self.t, z + offset, shape)
                    row += weight * torch.from_numpy(white.copy())
        return mixed


def filtered(fields: Tensor, plane: Tensor) -> Tensor:
    """The part of a linear convolution where kernel and field overlap fully, through FFTs.

    Fields (n, y + 64, x + 64) and a plane (n or 1, 65, 65) give (n, y, x).
    """
    height, width = fields.shape[-2:]
    spectrum = torch.fft.rfft2(fields) * torch.fft.rfft2(plane, s=(height, width))
    full = torch.fft.irfft2(spectrum, s=(height, width))
    whole: Tensor = full[:, plane.shape[-2] - 1 :, plane.shape[-1] - 1 :]
    return whole.contiguous()
