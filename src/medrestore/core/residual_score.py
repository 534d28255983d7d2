"""Normal scores of what a restoration took away: standard normal if it was noise."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.measure import block_reduce

from medrestore.core.ct_values import is_padding
from medrestore.core.significance import DARK, LEVELS
from medrestore.core.smoothing import gaussian_taps, smooth

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "GAUSSIAN",
    "RICIAN",
    "SCALES_PX",
    "SLICES_FOR_NULL",
    "Evidence",
    "ResidualModel",
    "Scores",
    "gaussian_score",
    "rician_score",
]

SCALES_PX = (0.0, 1.0, 2.0, 4.0)
SLICES_FOR_NULL = 24
FLOOR_PX, STEP = 12.0, 4
"""The noise floor of dark voxels varies no faster than this Gaussian, over bins of 4 × 4 pixels."""
HIGHEST_FLOOR = 2.0
"""Scores of dark voxels above this are no noise floor."""


def gaussian_score(
    y: NDArray[np.float32], mu: NDArray[np.float32], sigma: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """(y − μ)/σ."""
    return np.asarray((y - mu) / sigma, dtype=np.float32)


def rician_score(
    y: NDArray[np.float32], mu: NDArray[np.float32], sigma: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """Normal score of a magnitude y given the signal μ and the noise σ per channel.

    (y/σ)² is non-central χ² with 2 degrees of freedom and non-centrality λ = (μ/σ)²; a power of it
    is nearly normal (Sankaran 1963, doi:10.1093/biomet/50.1-2.199): with
    h = 1 − ⅔(2 + λ)(2 + 3λ)/(2 + 2λ)², p = (2 + 2λ)/(2 + λ)² and m = (h − 1)(1 − 3h),

        ((y/σ)²/(2 + λ))^h ~ N(1 + hp(h − 1 − (1 − h/2)mp), 2p(h(1 + mp/2))²),

    from Rayleigh noise (λ = 0, h = ⅓) to a bright signal (h = ½), where the score tends to
    (y − μ)/σ. The expected value of a magnitude, which exceeds μ (Rician bias), gets a score of
    about zero.

    Parameters
    ----------
    y, mu : ndarray, any shape
        Measured magnitude and noise-free signal, ≥ 0.
    sigma : ndarray or float
        Gaussian standard deviation per channel, > 0, in the same unit.
    """
    ratio: Any = mu / sigma
    signal = ratio * ratio
    total, double = 2 + signal, 2 + 2 * signal
    h = 1 - (2 / 3) * total * (double + signal) / (double * double)
    p = double / (total * total)
    mp = (h - 1) * (1 - 3 * h) * p
    ratio = y / sigma
    power = np.power(ratio * ratio / total, h)
    mean = 1 + h * p * (h - 1) - h * p * (1 - 0.5 * h) * mp
    return np.asarray((power - mean) / (h * np.sqrt(2 * p) * (1 + 0.5 * mp)), dtype=np.float32)


@dataclass(frozen=True)
class ResidualModel:
    """Model of scan less restoration in a consistency check.

    Parameters
    ----------
    score : callable
        Scan, restoration and σ to a standard normal number, if the difference is noise.
    magnitudes : bool
        True if scans are magnitudes: 0 is a mask, and voxels with less signal than noise show a
        noise floor.
    tissue_above : float
        Restored intensities above which σ is that of the tissue.
    least : float
        Smoothed scores below it are not worth a flag, however surely they are no noise.
    """

    score: Callable[
        [NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]
    ] = gaussian_score
    magnitudes: bool = False
    tissue_above: float = -np.inf
    least: float = 0.0


GAUSSIAN = ResidualModel()
RICIAN = ResidualModel(rician_score, magnitudes=True, least=0.2)
"""Less than 0.2 σ amiss over 4 pixels and more, in MR, is shading or the coils' noise floor."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Scan, restoration and noise to judge; arrays are (z, y, x), in the scan's unit.

    Parameters
    ----------
    y, mu, s, std : ndarray of float32
        Scan; restored image μ and its standard deviation s from the predictor; error expected of
        μ (s again where no samples were drawn).
    sigma : ndarray of float32 or float
        The noise that was to be removed (MR: per channel).
    model : ResidualModel
        Of scan less restoration.
    lowest : float
        The noise from which voxels were restored; those with less were left alone.
    padding : tuple of float
        Values of voxels that are no measurement.
    along_z : float
        Smoothing across slices, in slices, at most 1; 0 where slices are far apart or no
        neighbours.
    measured : float, optional
        The noise that the scan itself says it has, over ``sigma``, where both are known.
    """

    y: NDArray[np.float32]
    mu: NDArray[np.float32]
    s: NDArray[np.float32]
    std: NDArray[np.float32]
    sigma: NDArray[np.float32] | float
    model: ResidualModel
    lowest: float = 0.0
    padding: tuple[float, ...] = ()
    along_z: float = 0.0
    measured: float | None = None

    def usable(self, z: int) -> NDArray[np.bool_]:
        """Voxels of a slice that are measurements and were restored."""
        y = self.y[z]
        good = np.isfinite(y)
        if self.model.magnitudes:
            good &= y > 0  # a magnitude of exactly 0 is a mask, not a measurement
        if self.padding:
            good &= ~is_padding(y, self.padding)
        good &= np.nan_to_num(self.noise(z)) >= max(self.lowest, 1e-30)
        return np.asarray(good)

    def noise(self, z: int) -> NDArray[np.float32] | float:
        """σ of a slice: its map, or one number."""
        return self.sigma[z] if isinstance(self.sigma, np.ndarray) else self.sigma


class Scores:
    """Scores of a slice and what is made of them; the last few slices are remembered."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.taps = gaussian_taps(min(evidence.along_z, 1.0))
        self._scores: OrderedDict[int, NDArray[np.float32]] = OrderedDict()
        self.usable = lru_cache(2 * len(self.taps))(evidence.usable)
        depth = len(evidence.y)
        even = np.linspace(0, depth - 1, min(depth, SLICES_FOR_NULL)).round().astype(int)
        self.even_slices = [int(z) for z in np.unique(even)]

    def _without_floor(self, z: int, e: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of a slice of MR, those of dark voxels about their slowly varying mean.

        How coils are combined, and what a scanner does to air, moves the noise floor of magnitudes
        through the field of view: that is no structure. What scores more than `HIGHEST_FLOOR`, as
        tissue does that a restoration took for air, keeps its score.
        """
        dark = self.dark(z)
        seen = (dark & (e < HIGHEST_FLOOR)).astype(np.float32)
        bins = [block_reduce(a, STEP, np.mean) for a in (seen, e * seen)]  # type: ignore[no-untyped-call]
        weight, total = (smooth(plane, FLOOR_PX / STEP) for plane in bins)
        mean = (total / np.maximum(weight, np.float32(1e-3))).repeat(STEP, 0).repeat(STEP, 1)
        height, width = e.shape
        return np.where(dark, e - mean[:height, :width], e)

    def dark(self, z: int) -> NDArray[np.bool_]:
        """Voxels of magnitudes with less signal than noise."""
        if not self.evidence.model.magnitudes:
            return np.zeros(self.evidence.y.shape[1:], bool)
        return np.asarray(self.usable(z) & (self.evidence.mu[z] < self.sigma(z)))

    def sigma(self, z: int) -> NDArray[np.float32]:
        """σ of a slice, never 0."""
        shown = np.broadcast_to(np.float32(self.evidence.noise(z)), self.evidence.y.shape[1:])
        return np.where(self.usable(z), shown, np.float32(1))

    def ratio(self, z: int) -> NDArray[np.float32]:
        """s/σ; 0 where nothing is to be judged."""
        return np.where(self.usable(z), self.evidence.s[z] / self.sigma(z), np.float32(0))

    def known(self, z: int) -> NDArray[np.bool_]:
        """Voxels whose σ is that of the tissue.

        In CT no air or lung, where the map of σ is carried on; in MR none without signal, where
        scanners suppress noise.
        """
        tissue = self.evidence.mu[z] > np.float32(self.evidence.model.tissue_above)
        return np.asarray(self.usable(z) & tissue & ~self.dark(z))

    def score(self, z: int) -> NDArray[np.float32]:
        """Score e of one slice; 0 where nothing is to be judged."""
        if z not in self._scores:
            usable, one = self.usable(z), np.float32(1)
            y, mu = (np.where(usable, a[z], one) for a in (self.evidence.y, self.evidence.mu))
            model = self.evidence.model
            e = np.where(usable, model.score(y, mu, self.sigma(z)), np.float32(0))
            self._scores[z] = self._without_floor(z, e) if model.magnitudes else e
            if len(self._scores) > 2 * len(self.taps):
                self._scores.popitem(last=False)
        return self._scores[z]

    def smoothed(self, z: int) -> list[NDArray[np.float32]]:
        """Score e through each of `SCALES_PX`; the coarsest is computed on every second voxel."""
        mixed = self.score(z) * np.float32(self.taps[0])
        for i, weight in enumerate(self.taps[1:], 1):
            for other in (z - i, z + i):
                if 0 <= other < len(self.evidence.y):
                    mixed += self.score(other) * np.float32(weight)
        _, fine, middle, coarse = SCALES_PX
        first = smooth(mixed, fine)
        second = smooth(first, float(np.sqrt(middle**2 - fine**2)))
        half = smooth(second[::2, ::2], float(np.sqrt(coarse**2 - middle**2)) / 2)
        height, width = mixed.shape
        return [mixed, first, second, half.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]]

    def group(self, z: int) -> NDArray[np.uint8]:
        """Level of the smoothed s/σ; plus `DARK` where there is less signal than noise."""
        level = smooth(self.ratio(z), 2.0) * np.float32(100)
        group: NDArray[np.uint8] = np.minimum(level, np.float32(LEVELS - 1)).astype(np.uint8)
        group[self.dark(z)] += DARK
        return group
