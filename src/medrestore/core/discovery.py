"""Which of millions of z-scores are more than chance (Benjamini & Hochberg)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Discoveries"]


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
        How many scores each z is the largest of; p is multiplied by it (Bonferroni).
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
            What the map shows where a score stands out.
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
        """Write values where |z| ≥ threshold into zeros (slices, y, x); how many are not 0."""
        shown = 0
        for plane, (index, size, value) in zip(out, self._kept, strict=True):
            found = size >= np.float32(threshold)
            plane.flat[index[found]] = value[found]
            shown += int(np.count_nonzero(value[found]))
        return shown
