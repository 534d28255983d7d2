"""How far noise alone takes a smoothed residual, read off the scan itself.

Where the restoration is sure (s/σ small) it takes noise away at all frequencies; where it is not,
hardly any, and least at low frequencies. So voxels are grouped by s/σ, and the standard deviation
of the smoothed score is measured in each group: correlated noise, noise that varies in space and a
denoiser that keeps low frequencies are all in it. A structure moves it little while it fills less
than a twentieth of its group.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.smoothing import noise_voxels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DARK", "LEVELS", "Null"]

LEVELS = 128
"""Steps of 0.01 in s/σ; the last holds all above."""
DARK = 128
"""Added to the level of voxels without signal."""
QUANTILE, NORMAL = 0.95, 1.959964
FEWEST_CELLS = 300
"""Independent values that a group needs, so that its standard deviation is known to 5 %."""
MOST_GROUPS = 16
LEAST = 0.25
"""No group is held to less than this part of the largest deviation of any."""


class Null:
    """Smoothed scores of some slices, to be turned into a standard deviation for each group.

    Parameters
    ----------
    scales_px : sequence of float
        Gaussians through which the scores went.
    along_z : float
        The Gaussian across slices, in slices.
    """

    def __init__(self, scales_px: Sequence[float], along_z: float) -> None:
        across = noise_voxels(along_z)
        self.cells = [across * noise_voxels(scale) ** 2 for scale in scales_px]
        self._groups: list[NDArray[np.uint8]] = []
        self._sizes: list[list[NDArray[np.float32]]] = [[] for _ in scales_px]

    def add(
        self,
        group: NDArray[np.uint8],
        smoothed: Sequence[NDArray[np.float32]],
        usable: NDArray[np.bool_],
    ) -> None:
        """One more slice."""
        self._groups.append(group[usable])
        for sizes, one in zip(self._sizes, smoothed, strict=True):
            sizes.append(np.abs(one[usable]))

    def inverse_std(self) -> NDArray[np.float32]:
        """1/std for each scale and level, (scales, 256); 0 where the scores are all 0.

        The standard deviation is raised by its own standard error (0.95/√n of itself for n
        independent values), so that a small scan is not flagged because it is small. Dark voxels,
        where noise is taken away whole, are held to no less than any others: scanners suppress
        the noise there.
        """
        groups = np.concatenate(self._groups)
        order = np.argsort(groups, kind="stable")
        counts = np.bincount(groups, minlength=LEVELS + DARK)
        tables = []
        for sizes, cells in zip(self._sizes, self.cells, strict=True):
            values = np.concatenate(sizes)[order]
            table = np.zeros(LEVELS + DARK, np.float32)
            need = max(FEWEST_CELLS * cells, len(values) / MOST_GROUPS)
            start = 0
            for first, last in _merged(counts, need):
                stop = start + int(counts[first:last].sum())
                if stop > start:
                    error = 0.95 * np.sqrt(cells / (stop - start))
                    std = np.quantile(values[start:stop], QUANTILE) / NORMAL * (1 + error)
                    table[first:last] = 1 / std if std > 0 else 0
                start = stop
            tables.append(_bounded(table))
        return np.stack(tables)


def _bounded(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """The table of 1/std with groups of suspiciously little noise held to more."""
    found = table[table > 0]
    if not found.size:
        return table
    bounded: NDArray[np.float32] = np.minimum(table, found.min() / np.float32(LEAST))
    bright = bounded[:DARK][bounded[:DARK] > 0]
    if bright.size:
        bounded[DARK:] = np.minimum(bounded[DARK:], bright.min())
    return bounded


def _merged(counts: NDArray[np.intp], need: float) -> list[tuple[int, int]]:
    """Ranges of levels that hold at least ``need`` values each, dark ones apart if they can."""
    parts = [(0, DARK), (DARK, DARK + LEVELS)]
    if min(counts[a:b].sum() for a, b in parts) < need:
        parts = [(0, DARK + LEVELS)]
    ranges = []
    for begin, end in parts:
        cumulative = np.cumsum(counts[begin:end])
        edges, done = [begin], 0
        while cumulative[-1] - done >= 2 * need:
            step = int(np.searchsorted(cumulative, done + need)) + 1
            if cumulative[-1] - cumulative[step - 1] < need:
                break
            edges.append(begin + step)
            done = int(cumulative[step - 1])
        edges.append(end)
        ranges += list(pairwise(edges))
    return ranges
