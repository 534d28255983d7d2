"""Overlapping windows of an axis, and denoisers of any size that read them.

Windows lie on a grid that depends on the axis alone. The denoiser is tiled, not the sampler:
blending finished samples would shrink their spread where tiles overlap; blending predictions r̂
does not, and the sampler never hears of tiles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from medrestore.core.slices import reflected
from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from medrestore.core.diffusion import Denoiser

__all__ = ["Tiled", "Windows", "starts", "taper", "tiles"]


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


def tiles(plane: tuple[int, int], window: int, stride: int) -> int:
    """Number of square windows that cover a plane (y, x)."""
    return len(starts(plane[0], window, stride)) * len(starts(plane[1], window, stride))


@cache
def taper(window: int) -> NDArray[np.float32]:
    """Raised cosine over a window, positive up to its ends; 1 for a window of one."""
    return np.asarray(torch.hann_window(window + 2, periodic=False)[1:-1])


@dataclass(frozen=True)
class Windows:
    """Runs of consecutive slices that a network reads at once.

    Which slices share a window depends on the whole scan's number of slices only, so a slab or a
    preview sees the windows that the whole run sees. A slice model reads windows of one.

    The outermost windows reach beyond the scan, mirrored there, by half of what two windows share:
    so its first and last slice are as far inside a window as any other.

    Parameters
    ----------
    length : int
        Slices of the scan.
    window, stride : int
        Slices of a window, and the step between windows.
    """

    length: int
    window: int = 1
    stride: int = 1

    def covering(self, slices: Iterable[int]) -> list[int]:
        """First positions of the windows that contain any of ``slices``."""
        wanted, beyond = set(slices), (self.window - self.stride) // 2
        first = (a - beyond for a in starts(self.length + 2 * beyond, self.window, self.stride))
        return [a for a in first if not wanted.isdisjoint(self.positions(a))]

    def positions(self, first: int) -> range:
        """Positions of the window at ``first``, below 0 and from ``length`` on beyond the scan."""
        return range(first, first + self.window)

    def inside(self, first: int) -> list[int]:
        """Slices at the positions of the window at ``first``."""
        return [reflected(z, self.length) for z in self.positions(first)]

    def reach(self, slices: Iterable[int], times: int) -> tuple[int, ...]:
        """All slices that ``times`` evaluations, each on the windows of the last, depend on."""
        wanted = set(slices)
        for _ in range(times if self.window > 1 else 0):
            wanted = {z for first in self.covering(wanted) for z in self.inside(first)}
        return tuple(sorted(wanted))


@dataclass(frozen=True)
class Tiled:
    """A denoiser of whole slices, or of a stack of slices, that reads windows of a fixed size.

    Parameters
    ----------
    denoiser : Denoiser
        Takes (windows × depth, channels, window, window): the slices of a window follow each other
        in the batch.
    window, stride : int
        Size of a window in the plane (the card fixes it) and the step between windows.
    batch : int
        Windows evaluated at once.
    depth : Windows, optional
        Windows along the slices, for models that read several at once; one slice each by default.
    slices : sequence of int, optional
        Which slice of the scan each entry of the batch is; needed with ``depth``. Slices that no
        complete window covers come back as zeros.
    channels : int
        Of what ``denoiser`` gives.
    """

    denoiser: Denoiser
    window: int
    stride: int
    batch: int = 16
    depth: Windows | None = None
    slices: Sequence[int] = field(default=())
    channels: int = 1

    def __call__(self, z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        """r̂ of the whole field, (batch, channels, y, x): windows blended by a raised cosine."""
        height, width = z_t.shape[-2:]
        pad = (0, max(self.window - width, 0), 0, max(self.window - height, 0))
        both = F.pad(torch.cat((z_t, condition), dim=1), pad, mode="replicate")
        ys = starts(both.shape[-2], self.window, self.stride)
        xs = starts(both.shape[-1], self.window, self.stride)
        groups = self._groups(len(both))
        places = [(*group, y, x) for group in groups for y in ys for x in xs]
        plane = taper(self.window)[:, None] * taper(self.window)[None, :]
        depth = len(groups[0][0])
        weights = taper(depth)[:, None, None, None] * plane
        weight = torch.asarray(weights, dtype=z_t.dtype, device=z_t.device)
        norm = torch.zeros_like(both[:, :1])
        total = norm.repeat(1, self.channels, 1, 1)
        for first in range(0, len(places), self.batch):
            chunk = places[first : first + self.batch]
            seen = torch.cat(
                [both[rows, :, y : y + self.window, x : x + self.window] for rows, _, y, x in chunk]
            )
            r_hat = self.denoiser(seen[:, :1], t, seen[:, 1:])
            pieces = torch.split(r_hat, depth)
            for piece, (rows, own, y, x) in zip(pieces, chunk, strict=True):
                at = (slice(None), slice(y, y + self.window), slice(x, x + self.window))
                for i in own:
                    there = total[rows[i]][at]  # added to by name: derivatives pass through
                    there += weight[i] * piece[i]
                    norm[rows[i]][at] += weight[i]
        return (total / norm.clamp(min=1e-12))[..., :height, :width]

    def _groups(self, batch: int) -> list[tuple[list[int], list[int]]]:
        """Rows of the batch that share a window, and which of them are no mirror images."""
        if self.depth is None:
            return [([row], [0]) for row in range(batch)]
        found, row_of = [], {z: row for row, z in enumerate(self.slices)}
        for first in self.depth.covering(self.slices):
            window = self.depth.inside(first)
            if row_of.keys() >= set(window):
                own = [i for i, z in enumerate(self.depth.positions(first)) if z == window[i]]
                found.append(([row_of[z] for z in window], own))
        return found
