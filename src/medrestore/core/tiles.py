"""Tiles the denoiser, not the sampler: ``Tiled(denoiser)`` is a denoiser of any size.

Blending finished samples would shrink their spread where tiles overlap; blending predictions r̂
does not, and the sampler never hears of tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from medrestore.core.denoiser import Denoiser

__all__ = ["Tiled", "starts"]


def starts(length: int, window: int, stride: int) -> list[int]:
    """First index of each window along an axis: every ``stride``, the last one flush.

    Raises
    ------
    SettingsError
        If the stride is not between 1 and the window.
    """
    if not 1 <= stride <= window:
        raise SettingsError(
            f"windows of {window} with a stride of {stride} leave gaps or stand still; "
            f"use a stride in 1…{window}"
        )
    if length <= window:
        return [0]
    return [*range(0, length - window, stride), length - window]


@dataclass(frozen=True)
class Tiled:
    """A denoiser that reads windows of a fixed size.

    Parameters
    ----------
    denoiser : Denoiser
        Takes (batch, channels, window, window).
    window, stride : int
        Size of a window (the card fixes it) and the step between windows.
    batch : int
        Windows evaluated at once.
    """

    denoiser: Denoiser
    window: int
    stride: int
    batch: int = 16

    def __call__(self, z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        """r̂ of the whole field, (batch, 1, y, x): windows blended by a raised cosine."""
        height, width = z_t.shape[-2:]
        pad = (0, max(self.window - width, 0), 0, max(self.window - height, 0))
        both = F.pad(torch.cat((z_t, condition), dim=1), pad, mode="replicate")
        ys = starts(both.shape[-2], self.window, self.stride)
        xs = starts(both.shape[-1], self.window, self.stride)
        places = [(n, y, x) for n in range(len(both)) for y in ys for x in xs]
        weight = self._weight().to(z_t)
        total = torch.zeros_like(both[:, :1])
        norm = torch.zeros_like(both[:1, :1])
        for y in ys:
            for x in xs:
                norm[..., y : y + self.window, x : x + self.window] += weight
        for first in range(0, len(places), self.batch):
            chunk = places[first : first + self.batch]
            seen = torch.stack(
                [both[n, :, y : y + self.window, x : x + self.window] for n, y, x in chunk]
            )
            r_hat = self.denoiser(seen[:, :1], t, seen[:, 1:])
            for piece, (n, y, x) in zip(r_hat, chunk, strict=True):
                total[n, :, y : y + self.window, x : x + self.window] += weight * piece
        return (total / norm)[..., :height, :width]

    def _weight(self) -> Tensor:
        """Raised cosine over the window, positive up to its border."""
        taper = torch.hann_window(self.window + 2, periodic=False)[1:-1]
        return taper[:, None] * taper[None, :]
