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

    from numpy.typing import NDArray

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
    along_z : ndarray, shape (batch, 7) or (1, 7), optional
        Weights of unit energy that mix slices −3 … 3 into white noise, as `Kernel.along_z`.
    """

    seed: int
    pairs: Sequence[tuple[int, int]]
    shape: tuple[int, int]
    t: int = 0
    device: str = "cpu"
    along_z: NDArray[np.float32] | None = None

    def white(self, step: int, stream: int = ANCESTRAL) -> Tensor:
        """Unit noise, white in the plane, (batch, 1, y, x); along z as `along_z` says."""
        if self.along_z is not None:
            mixed = self._mixed(step, stream, self.shape, self.along_z)
            return torch.asarray(mixed[:, None], device=self.device)
        fields = [
            white_slice(self.seed, stream, k, step, self.t, z, self.shape) for k, z in self.pairs
        ]
        return torch.asarray(np.stack(fields)[:, None], device=self.device)

    def coloured(self, step: int, kernel: Kernel) -> Tensor:
        """White noise through ``kernel``, with a halo beyond every border, (batch, 1, y, x).

        The kernel is one for all entries or holds one for each entry of the batch.
        """
        height, width = (n + 2 * RADIUS for n in self.shape)
        mixed = self._mixed(step, COLOURED, (height, width), kernel.along_z)
        return filtered(torch.asarray(mixed, device=self.device), kernel.plane)[:, None]

    def _mixed(
        self, step: int, stream: int, shape: tuple[int, int], along_z: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """White noise of neighbouring slices, weighted and summed, (batch, y, x)."""
        mixed = np.zeros((len(self.pairs), *shape), np.float32)
        weights = np.broadcast_to(along_z, (len(self.pairs), along_z.shape[1]))
        for row, taps, (k, z) in zip(mixed, weights, self.pairs, strict=True):
            for offset, weight in enumerate(taps, -LAGS):
                if weight:
                    white = white_slice(self.seed, stream, k, step, self.t, z + offset, shape)
                    row += weight * white
        return mixed


def filtered(fields: Tensor, plane: NDArray[np.float32]) -> Tensor:
    """The part of a linear convolution where kernel and field overlap fully, through FFTs.

    Fields (n, y + 64, x + 64) and a plane (n or 1, 65, 65) give (n, y, x), where the fields are.
    """
    height, width = fields.shape[-2:]
    kernel = torch.asarray(plane, device=fields.device)
    spectrum = torch.fft.rfft2(fields) * torch.fft.rfft2(kernel, s=(height, width))
    full = torch.fft.irfft2(spectrum, s=(height, width))
    whole: Tensor = full[:, plane.shape[-2] - 1 :, plane.shape[-1] - 1 :]
    return whole.contiguous()
