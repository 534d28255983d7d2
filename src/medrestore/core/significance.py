"""Significance of a smoothed residual: its deviation by chance, and the false discovery rate.

The deviation is read off the scan itself. Where the restoration is sure (s/σ small) it takes noise
away at all frequencies; where it is not, hardly any, and least at low frequencies. So voxels are
grouped by s/σ, and the standard deviation of the smoothed score is measured in each group:
correlated noise, noise that varies in space and a denoiser that keeps low frequencies are all in
it. A structure moves it little while it fills less than a twentieth of its group.

A restoration that took anatomy away everywhere fills its groups with it. So no group is held to
more than noise of unit variance and its correlation can reach: μ takes noise away or leaves it, but
adds none. The correlation is read off the finest scale where the restoration is surest. Dark voxels
are held to what they show: noise there is what coils and scanners make of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtri

from medrestore.core.smoothing import noise_voxels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DARK", "LEVELS", "Discoveries", "Null"]

LEVELS = 128
"""Steps of 0.01 in s/σ; the last holds all above."""
DARK = 128
"""Added to the level of voxels without signal."""
QUANTILE, NORMAL = 0.95, 1.959964
HALF = 0.674490
"""Median of the size of a standard normal number."""
FEWEST_CELLS = 300
"""Independent values that a group needs, so that its standard deviation is known to 5 %."""
MOST_GROUPS = 16
LEAST = 0.25
"""No group is held to less than this part of the largest deviation of any."""
MOST = 1.05
"""No group is held to more than noise alone reaches, but for this factor."""
SUREST = 0.25
"""Part of the voxels off which the correlation is read."""
LONGEST_PX = 2.0
"""Correlation lengths beyond are taken for structure."""


class Null:
    """Smoothed scores of some slices, to be turned into a standard deviation for each group.

    Parameters
    ----------
    scales_px : sequence of float
        Gaussians through which the scores went.
    along_z : float
        The Gaussian across slices, in slices.
    strength : float
        The noise's standard deviation in units of the score, as far as it is known: 1, or less
        where too much noise was assumed.
    """

    def __init__(self, scales_px: Sequence[float], along_z: float, strength: float = 1.0) -> None:
        across = noise_voxels(along_z)
        self.scales_px, self.strength = tuple(scales_px), strength
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
        square = self._correlation(order, int(counts[:DARK].sum()))
        tables = []
        for scale, sizes, cells in zip(self.scales_px, self._sizes, self.cells, strict=True):
            values = np.concatenate(sizes)[order]
            table = np.zeros(LEVELS + DARK, np.float32)
            need = max(FEWEST_CELLS * cells, len(values) / MOST_GROUPS)
            start = 0
            for first, last in _merged(counts, need):
                stop = start + int(counts[first:last].sum())
                if stop > start:
                    error = 0.95 * np.sqrt(cells / (stop - start))
                    most = MOST * self.strength * _growth(square, scale) / np.sqrt(cells)
                    std = np.quantile(values[start:stop], QUANTILE) / NORMAL
                    std = min(std, most) if first < DARK else std
                    table[first:last] = 1 / (std * (1 + error)) if std > 0 else 0
                start = stop
            tables.append(_bounded(table))
        return np.stack(tables)

    def _correlation(self, order: NDArray[np.intp], bright: int) -> float:
        """ℓ² of the surest bright voxels at the finest scale; ``order``: surest first."""
        at = next(i for i, scale in enumerate(self.scales_px) if scale > 0)
        scale, cells = self.scales_px[at], self.cells[at]
        surest = order[: max(int(bright * SUREST), int(FEWEST_CELLS * cells))]
        if not surest.size:
            return 0.0
        ratio = float(np.median(np.concatenate(self._sizes[at])[surest])) / HALF * np.sqrt(cells)
        independent = len(surest) / (cells * max(1.0, ratio**2))
        return _correlation(ratio * (1 + 2 / np.sqrt(independent)), scale)


def _correlation(ratio: float, scale_px: float) -> float:
    """ℓ² (px²) of noise whose standard deviation at one scale is ``ratio`` that of white noise.

    Noise of unit variance and power ∝ exp(−(2πℓf)²) keeps the variance ℓ²/(ℓ² + s²) through a
    Gaussian of s pixels; white noise keeps 1/(4πs²).
    """
    r, s = float(ratio) ** 2, scale_px**2
    rest = 4 * np.pi * s - r
    square = LONGEST_PX**2 if rest <= 0 else r * s / rest
    return min(square, LONGEST_PX**2)


def _growth(square: float, scale_px: float) -> float:
    """The ratio at another scale, from ℓ²; 1 where correlation lowers it."""
    s = scale_px**2
    return max(1.0, float(np.sqrt(4 * np.pi * s * square / (square + s))))


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


@dataclass
class Discoveries:
    """Scores of a volume, added slice by slice, and the voxels that stand out.

    Benjamini & Hochberg 1995 (doi:10.1111/j.2517-6161.1995.tb02031.x): of m scores, flag the k with
    the largest |z| for the largest k with p₍ₖ₎ ≤ rate·k/m. It also holds under positive dependence
    (Benjamini & Yekutieli 2001, doi:10.1214/aos/1013699998), as between neighbours in a smoothed
    field. Only scores that could ever be flagged (p ≤ rate) are remembered.

    Parameters
    ----------
    rate : float
        False discovery rate, 0 to 1: expected share of chance among what is flagged.
    tries : int
        Number of scores that each z is the largest of; p is multiplied by it (Bonferroni).
    """

    rate: float
    tries: int = 1
    tested: int = 0
    _kept: list[tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]] = field(
        default_factory=list
    )

    def add(self, z: NDArray[np.float32], value: NDArray[np.float32], tested: int) -> None:
        """One more slice.

        Parameters
        ----------
        z : ndarray of float32, shape (y, x)
            Scores, standard normal by chance alone; 0 where nothing was tested.
        value : ndarray of float32, shape (y, x)
            Shown in the map where a score stands out.
        tested : int
            Number of voxels that were tested.
        """
        size = np.abs(z).ravel()
        index = np.flatnonzero(size >= -ndtri(self.rate / (2 * self.tries)))
        self._kept.append((index, size[index], value.ravel()[index]))
        self.tested += tested

    def threshold(self) -> float:
        """|z| from which a voxel stands out; infinite if nothing was tested."""
        if not self.tested:
            return float("inf")
        strict = -ndtri(self.rate / (2 * self.tries * self.tested))  # one voxel alone
        sizes = np.concatenate([size for _, size, _ in self._kept]).astype(np.float64)
        sizes = np.sort(sizes)[::-1]
        log_p = np.log(2 * self.tries) + log_ndtr(-sizes)
        rank = np.arange(1, len(sizes) + 1)
        enough = np.flatnonzero(log_p <= np.log(self.rate * rank / self.tested))
        return float(min(sizes[enough[-1]], strict) if enough.size else strict)

    def show(self, threshold: float, out: NDArray[np.float32]) -> int:
        """Write values where |z| ≥ threshold into zeros (slices, y, x); return their number."""
        shown = 0
        for plane, (index, size, value) in zip(out, self._kept, strict=True):
            found = size >= np.float32(threshold)
            plane.flat[index[found]] = value[found]
            shown += int(np.count_nonzero(value[found]))
        return shown
