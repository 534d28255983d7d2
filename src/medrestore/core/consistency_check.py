"""Checks of a restoration without ground truth.

What was removed that is no noise, and what does the restoration show that the scan does not?

Both look at e, the normal score of the scan y given the restoration μ and the noise σ
(`core.residual_score`): the noise, less the error of the restoration. Its variance is 1 − s²/σ²,
and at low frequencies, where μ keeps what it cannot tell from anatomy, it holds little.

*Removed structure.* e is taken as it is and smoothed by Gaussians of 1, 2 and 4 pixels. How far
noise alone takes it is read off the scan itself, and the largest of the z-scores is held against a
threshold by Benjamini–Hochberg over all voxels (both `core.significance`).

*Invented structure.* Where noise does not explain what was removed, either the scan has structure
that the restoration lost, or the restoration has some that the scan does not support: a bright spot
too many leaves the same residual as a dark one lost. The two are told apart by contrast, a Gaussian
of 1 pixel less one of 3: which of the two has more, and with which sign. A threshold on single
voxels against the predictive interval of restoration and noise, variance std² + σ², flags none in
practice: the restoration follows what stands out, and noise hides the rest.

*The noise that was assumed.* Too little of it leaves the rest in μ: second differences (Immerkær
1996, doi:10.1006/cviu.1996.0060) of μ are then nearly those of the scan, whatever the noise's
correlation. Too much, in MR, takes anatomy away: a residual both stronger than the noise and
correlated between neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from medrestore.core.residual_score import SCALES_PX, SLICES_FOR_NULL, Evidence, Scores
from medrestore.core.significance import DARK, Discoveries, Null
from medrestore.core.slices import nothing
from medrestore.core.smoothing import smooth

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "FALSE_DISCOVERY_RATE",
    "SCALES_PX",
    "Evidence",
    "Guard",
    "Tally",
    "guard",
    "looks",
]

FALSE_DISCOVERY_RATE = 0.01
OUTSIDE_90 = 1.645
NEAR_PX, AROUND_PX = 1.0, 3.0
LEAST_STRENGTH = 0.25
"""Noise is not taken to be weaker than this part of what was assumed."""


@dataclass(frozen=True)
class Tally:
    """A guard in numbers.

    Parameters
    ----------
    voxels, removed, inconsistent : int
        Voxels looked at, flagged, and flagged where the restoration has the larger contrast.
    outside : int
        Voxels of which y lies outside the 90 % predictive interval; at most a tenth is expected.
    removed_z : float
        Threshold that Benjamini–Hochberg set.
    energy, expected : float
        Sum of e², and of 1 − s²/σ², which an honest restoration with the right σ makes it; over
        the voxels whose σ was measured.
    left, lag : float, optional
        As `AssumedNoise` has them, where there is tissue.
    """

    voxels: int
    removed: int
    inconsistent: int
    outside: int
    removed_z: float
    energy: float
    expected: float
    left: float | None = None
    lag: float | None = None


@dataclass(frozen=True, eq=False)
class Guard:
    """Maps (z, y, x) in the scan's unit, 0 where all is well, and their tally.

    ``removed``: σ times the smoothed score, where noise does not explain it; above 0, the scan was
    brighter than the restoration. A smoothed contrast: a small structure had more.
    ``inconsistent``: the part of ``removed`` that the restoration shows and the scan does not.
    """

    removed: NDArray[np.float32]
    inconsistent: NDArray[np.float32]
    tally: Tally


def guard(
    evidence: Evidence,
    rate: float = FALSE_DISCOVERY_RATE,
    maps: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    after: Callable[[], object] = nothing,
) -> Guard:
    """Check a restoration.

    Parameters
    ----------
    evidence : Evidence
        Scan, restoration and noise.
    rate : float
        False discovery rate: the share of chance to expect among flagged voxels.
    maps : two ndarrays of float32, optional
        Zeros for the maps to be written into; new ones by default.
    after : callable
        Called when a slice was looked at.
    """
    e = Scores(evidence)
    assumed = AssumedNoise()
    inverse = _inverse_std(e, assumed, after)
    removed = Discoveries(rate, len(SCALES_PX))
    outside, energy, expected = 0, 0.0, 0.0
    for z in range(len(evidence.y)):
        usable, sigma, score = e.usable(z), e.sigma(z), e.score(z)
        tested, group = int(usable.sum()), e.group(z)
        largest, amount = _largest(e.smoothed(z), inverse, group)
        small = np.abs(amount) < evidence.model.least
        largest[~usable | small | ((largest < 0) & (group >= DARK))] = 0
        removed.add(largest, amount * sigma, tested)
        spread = np.hypot(sigma, evidence.std[z])
        far = usable & (np.abs(score) * sigma > OUTSIDE_90 * spread)
        outside += int(np.count_nonzero(far))
        known = e.known(z)
        energy += float(np.square(score[known], dtype=np.float64).sum())
        expected += float((1 - np.square(e.ratio(z)[known], dtype=np.float64)).sum())
        after()
    taken, beyond = maps or (np.zeros_like(evidence.y), np.zeros_like(evidence.y))
    threshold = removed.threshold()
    counts = removed.show(threshold, taken), _show_invented(e, taken, beyond, after)
    run = assumed.left, assumed.lag
    tally = Tally(removed.tested, *counts, outside, threshold, energy, expected, *run)
    return Guard(taken, beyond, tally)


def _show_invented(
    e: Scores,
    taken: NDArray[np.float32],
    out: NDArray[np.float32],
    after: Callable[[], object],
) -> int:
    """Write what the restoration shows and the scan does not into zeros; return its voxels."""
    shown = 0
    for z, flagged in enumerate(taken):
        if flagged.any():
            more = _invented(e.evidence.y[z], e.evidence.mu[z], e.usable(z), flagged)
            out[z][more] = flagged[more]
            shown += int(np.count_nonzero(more))
            after()
    return shown


def looks(slices: int) -> int:
    """Number of slices that a check of so many reads, those of its null twice."""
    return slices + min(slices, SLICES_FOR_NULL)


def _inverse_std(
    e: Scores, assumed: AssumedNoise, after: Callable[[], object]
) -> NDArray[np.float32]:
    """1/std of smoothed scores for each scale and group, from evenly spread slices."""
    measured = e.evidence.measured
    strength = 1.0 if measured is None else min(1.0, max(measured, LEAST_STRENGTH))
    null = Null(SCALES_PX, e.evidence.along_z, strength)
    for z in e.even_slices:
        null.add(e.group(z), e.smoothed(z), e.usable(z))
        tissue, sigma = e.known(z) & ~e.dark(z), e.sigma(z)
        y, mu = e.evidence.y[z] / sigma, e.evidence.mu[z] / sigma
        assumed.add(y, mu, e.score(z), tissue)
        after()
    return null.inverse_std()


def _largest(
    smoothed: list[NDArray[np.float32]], inverse: NDArray[np.float32], group: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The z-score largest in size over the scales, and the smoothed score it belongs to."""
    best, value = smoothed[0] * inverse[0][group], smoothed[0].copy()
    for one, table in zip(smoothed[1:], inverse[1:], strict=True):
        z = one * table[group]
        larger = np.abs(z) > np.abs(best)
        np.copyto(best, z, where=larger)
        np.copyto(value, one, where=larger)
    return best, value


def _invented(
    y: NDArray[np.float32],
    mu: NDArray[np.float32],
    usable: NDArray[np.bool_],
    removed: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Voxels of a slice, where noise does not explain what was removed, that μ has more of."""
    restored = _contrast(np.where(usable, mu, np.float32(0)))
    scan = _contrast(np.where(usable, y, np.float32(0)))
    return np.asarray((restored * removed < 0) & (np.abs(restored) > np.abs(scan)))


def _contrast(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    near = smooth(plane, NEAR_PX)
    return near - smooth(near, float(np.sqrt(AROUND_PX**2 - NEAR_PX**2)))


class AssumedNoise:
    """Evidence that too much or too little noise was assumed: sums over slices."""

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
        inner = ndimage.binary_erosion(tissue, np.ones((3, 3)))[1:-1, 1:-1]
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
