"""What a run itself says of the noise that was told.

A restoration that was told too little noise leaves the rest in μ: second differences (Immerkær
1996, doi:10.1006/cviu.1996.0060) of μ are then nearly those of the scan, whatever the noise's
correlation. One of an MR that was told too much takes anatomy away, which shows as a residual that
is both stronger than the noise and correlated between neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Witness"]


class Witness:
    """Sums over slices, from which the two figures are made."""

    def __init__(self) -> None:
        self._of_scan = self._of_mu = 0.0
        self._products = self._squares = 0.0

    def add(
        self,
        y: NDArray[np.float32],
        mu: NDArray[np.float32],
        score: NDArray[np.float32],
        tissue: NDArray[np.bool_],
    ) -> None:
        """One more slice, all arrays (y, x): scan and μ over σ, score, and voxels with signal."""
        inner = _all_of_nine(tissue)
        if inner.any():
            count = int(inner.sum())
            self._of_scan += count * float(np.median(np.abs(_fine(y)[inner])))
            self._of_mu += count * float(np.median(np.abs(_fine(mu)[inner])))
        for first, second in (
            ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
            ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ):
            both = tissue[first] & tissue[second]
            a, b = score[first][both].astype(np.float64), score[second][both].astype(np.float64)
            self._products += float(a @ b)
            self._squares += float(a @ a + b @ b) / 2

    @property
    def left(self) -> float | None:
        """Median second difference of μ over that of the scan: 0 where all noise was removed."""
        return self._of_mu / self._of_scan if self._of_scan > 0 else None

    @property
    def lag(self) -> float | None:
        """Correlation of the residual with its neighbours in the plane."""
        return self._products / self._squares if self._squares > 0 else None


def _fine(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """[1, −2, 1] along both axes, where it fits."""
    along_y = plane[2:] - 2 * plane[1:-1] + plane[:-2]
    return np.asarray(along_y[:, 2:] - 2 * along_y[:, 1:-1] + along_y[:, :-2])


def _all_of_nine(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    along_y = mask[2:] & mask[1:-1] & mask[:-2]
    return np.asarray(along_y[:, 2:] & along_y[:, 1:-1] & along_y[:, :-2])
