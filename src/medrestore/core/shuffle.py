"""Blocks of voxels into channels and back, in three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["fold", "shuffle", "unfold", "unshuffle"]


def unshuffle(x: Tensor) -> Tensor:
    """2×2×2 blocks into channels: (n, c, z, y, x) → (n, 8c, z/2, y/2, x/2)."""
    n, c, depth, height, width = x.shape
    blocks = x.reshape(n, c, depth // 2, 2, height // 2, 2, width // 2, 2)
    order = blocks.permute(0, 1, 3, 5, 7, 2, 4, 6)
    return order.reshape(n, 8 * c, depth // 2, height // 2, width // 2)


def shuffle(x: Tensor) -> Tensor:
    """Undo `unshuffle`: (n, 8c, z, y, x) → (n, c, 2z, 2y, 2x)."""
    n, c, depth, height, width = x.shape
    blocks = x.reshape(n, c // 8, 2, 2, 2, depth, height, width)
    order = blocks.permute(0, 1, 5, 2, 6, 3, 7, 4)
    return order.reshape(n, c // 8, 2 * depth, 2 * height, 2 * width)


def unfold(x: Tensor, depth: int) -> Tensor:
    """Stacks of ``depth`` slices out of the batch: (n·depth, c, y, x) → (n, c, depth, y, x)."""
    slices, c, height, width = x.shape
    return x.reshape(slices // depth, depth, c, height, width).transpose(1, 2)


def fold(x: Tensor) -> Tensor:
    """Undo `unfold`: (n, c, depth, y, x) → (n·depth, c, y, x)."""
    n, c, depth, height, width = x.shape
    return x.transpose(1, 2).reshape(n * depth, c, height, width)
