"""Noise level of CT, correlated and non-stationary: a number for soft tissue, a smooth map."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from medrestore.core.noise_level import Estimator, NoiseEstimate
from medrestore.core.noise_level_blocks import calm, kept_variance, log_mean, log_mode, measure
from medrestore.errors import NoiseLevelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from medrestore.core.noise_level_blocks import Blocks

__all__ = ["ADDITIVE_CT"]

_WIDTH = 9
_CELL = 2
"""Blocks along each side of a coarse cell of the map: 18 voxels."""
_DEPTH = 5
"""Slices of a coarse cell."""
_SOFT_HU = (-50.0, 150.0)
_BODY_HU = (-200.0, 300.0)
_FLOOR_HU = 1e-3
_CALM_LEVEL = 0.1
_REACH = 0.7
"""Log variance, on both sides of the level, that counts as noise."""
_ENOUGH = 24
"""Blocks that a mode is read from at least; a single slice has few."""
_WITHOUT_NEIGHBOURS = 2
"""Slices up to which blocks are judged by those around them."""
_PASSES = ((0.7, 0.3), (0.15, 0.4), (0.15, 0.4), (0.15, 0.4))
"""Share of the body's blocks that count in each pass over the map, and the quantile of a cell: at
first nearly all, as the calmest lie where the noise is low; then the calmest when judged against
the pass before."""
_SPAN = 2 * math.log(6.0)
"""The map stays within a factor of 6 of the usual std: starved rays reach 4."""
_SMALL_WIDTH = 7
_SMALL_STEP = 3
"""Voxels from a block to the next, which overlaps it."""
_SMALL_SHARE = 0.4
_SMALL_REACH = 1.0
"""Log variance, on both sides, that still counts."""
_SMALL_FEWEST = 20


def _whole(
    array: NDArray[np.float32],
    room: Callable[[tuple[int, ...]], NDArray[np.float32]],
    after: Callable[[], object],
) -> NoiseEstimate:
    """Noise std in soft tissue (HU) and its map.

    The map is the low quantile of the local std in cells of about 18 × 18 × 5 voxels inside the
    body, smoothed, carried on outside the body, and scaled so that its median over calm soft
    tissue is the number. Blocks are judged calm against the map itself, which is therefore made
    in passes: beams that starve (hips, shoulders) quadruple the noise without being anatomy.

    Raises
    ------
    NoiseLevelError
        If fewer than 20 blocks of 9×9 voxels lie between −50 and 150 HU on average.
    """
    blocks = measure(array, _WIDTH, after)
    soft = _within(blocks, _SOFT_HU)
    if soft.sum() < 20:
        raise NoiseLevelError(
            f"the noise level cannot be estimated: {int(soft.sum())} blocks of 9×9 voxels of soft "
            "tissue (−50 to 150 HU), 20 are needed; give it as a number in HU (noise=…)"
        )
    logs = np.log(np.maximum(blocks.variance, _FLOOR_HU**2))
    usual = log_mode(logs[_calm_or_all(blocks, soft, _CALM_LEVEL)])
    axes = zip(blocks.mean.shape, (_slice_cell, _block_cell, _block_cell), strict=True)
    positions = [cell(np.arange(n)) for n, cell in axes]
    body = _within(blocks, _BODY_HU)
    flat = blocks
    for share, quantile in _PASSES:
        counted = _calm_or_all(flat, body, share)
        coarse = _coarse_log_variance(logs, counted, usual, quantile)
        at_blocks = _interpolate(coarse, *positions)
        flat = replace(blocks, variance=blocks.variance * np.exp(-at_blocks))
    quiet = _calm_or_all(flat, soft, _CALM_LEVEL)
    level = _level(blocks, logs - at_blocks, quiet)
    shape = 0.5 * float(np.median(at_blocks[quiet]))
    found = "local variance in calm soft tissue"
    if len(array) <= _WITHOUT_NEIGHBOURS:
        std = _without_neighbours(array)
        if std is not None:
            level = math.log(std) - shape
            found = "local variance of the calm soft tissue, in small blocks"
    sigma = math.exp(level + shape)
    y, x = (_voxel_cell(n) for n in array.shape[1:])
    local = room(array.shape)
    for z in range(len(array)):
        plane = _interpolate(0.5 * coarse, _slice_cell(np.arange(z, z + 1)), y, x)
        local[z] = np.exp(plane[0] + np.float32(level))
        after()
    return NoiseEstimate(sigma, local, found + "; map: its low quantiles")


def _region(std: float, *_: object) -> NoiseEstimate:
    return NoiseEstimate(std, None, "std in the drawn region")


ADDITIVE_CT = Estimator(_whole, _region)
"""Additive noise of CT, correlated and different from place to place; σ is that in soft tissue."""


def _within(blocks: Blocks, hu: tuple[float, float]) -> NDArray[np.bool_]:
    return (blocks.mean > hu[0]) & (blocks.mean < hu[1])


def _calm_or_all(blocks: Blocks, usable: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """The calm share of blocks, or as much more of them as makes it enough."""
    chosen = calm(blocks, usable, max(share, min(1.0, _ENOUGH / max(int(usable.sum()), 1))))
    return chosen if chosen.sum() >= 20 else usable


def _level(blocks: Blocks, logs: NDArray[np.float32], quiet: NDArray[np.bool_]) -> float:
    """Half the log variance over the map's shape, with the plane's share given back."""
    peak = log_mean(logs[quiet], _REACH)
    near = quiet & (np.abs(logs - peak) < 0.5)
    energy = float(blocks.variance[near].sum())
    lag = float(blocks.lag[near].sum()) / energy if energy > 0 else 0.0
    return 0.5 * (peak - float(np.log(kept_variance(lag, blocks.width, ramp=True))))


def _coarse_log_variance(
    logs: NDArray[np.float32], counted: NDArray[np.bool_], usual: float, quantile: float
) -> NDArray[np.float32]:
    """Smooth low quantile of log variance in coarse cells, shape (z, y, x) of cells.

    Cells without a block that counts (air, lung, edges) take their neighbours' values; what differs
    from the ``usual`` by more than noise can is anatomy and clipped.
    """
    logs = np.where(counted, np.clip(logs, usual - _SPAN, usual + _SPAN), np.inf)
    depth, height, width = logs.shape
    pad = [(0, -depth % _DEPTH), (0, -height % _CELL), (0, -width % _CELL)]
    logs = np.pad(logs, pad, constant_values=np.inf)
    cells = logs.reshape(
        logs.shape[0] // _DEPTH, _DEPTH, logs.shape[1] // _CELL, _CELL, -1, _CELL
    ).transpose(0, 2, 4, 1, 3, 5)
    ranked = np.sort(cells.reshape(*cells.shape[:3], -1), axis=-1)
    counts = np.isfinite(ranked).sum(axis=-1)
    rank = (quantile * np.maximum(counts - 1, 0)).astype(int)
    low = np.take_along_axis(ranked, rank[..., None], axis=-1)[..., 0]
    weight = counts.astype(np.float64)
    value = np.where(counts > 0, low, 0.0)
    smooth = [0.7, 0.7, 0.7]
    total = ndimage.gaussian_filter(weight, smooth, mode="nearest", truncate=3)
    mean = ndimage.gaussian_filter(weight * value, smooth, mode="nearest", truncate=3)
    known = total > 0.5
    index = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = np.where(known, mean / np.maximum(total, 1e-12), 0.0)[tuple(index)]
    return np.asarray(filled, dtype=np.float32)


def _slice_cell(z: NDArray[np.int_]) -> NDArray[np.float64]:
    """Slice index in units of coarse cells, 0 at the centre of the first."""
    return (z - (_DEPTH - 1) / 2) / _DEPTH


def _block_cell(block: NDArray[np.int_] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Block index in units of coarse cells."""
    return np.asarray((block - (_CELL - 1) / 2) / _CELL)


def _voxel_cell(n: int) -> NDArray[np.float64]:
    """Position of each of ``n`` voxels in units of coarse cells; blocks are centred in the rim."""
    return _block_cell((np.arange(n) - n % _WIDTH // 2 - (_WIDTH - 1) / 2) / _WIDTH)


def _interpolate(
    coarse: NDArray[np.float32], *positions: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Linear interpolation at the grid of three position vectors, constant beyond the ends."""
    result = coarse
    for axis, position in enumerate(positions):
        last = coarse.shape[axis] - 1
        at = np.clip(position, 0, last)
        low = np.minimum(at.astype(int), max(last - 1, 0))
        high = np.minimum(low + 1, last)
        part = np.expand_dims((at - low).astype(np.float32), [a for a in range(3) if a != axis])
        result = result.take(low, axis) * (1 - part) + result.take(high, axis) * part
    return result


def _without_neighbours(array: NDArray[np.float32]) -> float | None:
    """Noise std (HU) in the soft tissue of one slice or two; None where there is too little.

    A single slice has few blocks, and the mode of few variances scatters. So blocks are smaller
    and overlap, the calmest 40 % of them count (judged by the blocks around each), and their
    variance is the mean of those within a factor e of it: a mean scatters less than a mode, and
    the factor leaves anatomy out.
    """
    variances, lags = [], []
    for top in range(0, _SMALL_WIDTH, _SMALL_STEP):
        for left in range(0, _SMALL_WIDTH, _SMALL_STEP):
            blocks = measure(array[:, top:, left:], _SMALL_WIDTH)
            usable = _within(blocks, _SOFT_HU)
            if usable.sum() < _SMALL_FEWEST:
                continue
            chosen = calm(blocks, usable, _SMALL_SHARE)
            variances.append(np.maximum(blocks.variance[chosen], _FLOOR_HU**2))
            lags.append(blocks.lag[chosen])
    if not variances:
        return None
    variance = np.concatenate(variances).astype(np.float64)
    logs = np.log(variance)
    level = log_mean(logs, _SMALL_REACH)
    near = np.abs(logs - level) < _SMALL_REACH
    correlation = float(np.concatenate(lags)[near].sum() / variance[near].sum())
    return float(np.exp(0.5 * level) / kept_variance(correlation, _SMALL_WIDTH, ramp=True) ** 0.5)
