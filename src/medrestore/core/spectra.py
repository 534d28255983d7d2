"""The family of spectra of a model: by angle of the diffusion and by the scan's own s²/σ².

In units of s one spectrum cannot serve all scans; in units of σ the spectra of the residual form
one family. Its low-frequency limit is the noise's own (a denoiser can hardly know a region's mean
better than the noise allows), and it falls the faster the smaller mean s²/σ² is, a number that is
known without the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from medrestore.core.method import nearest
from medrestore.core.samplers import makes_samples
from medrestore.core.spectrum import AREAS, LAGS, Kernel, Spectrum, dilated, kernel_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Spectra", "mean_ratio"]

RATIO_STEP = 0.05
"""Ratios are rounded to steps of 5 % before a kernel is made, so that slices share kernels."""

TINY = 1e-6


def mean_ratio(
    s: NDArray[np.float32], sigma: NDArray[np.float32], inside: NDArray[np.bool_]
) -> float:
    """Mean of s²/σ² over the foreground of one slice: what indexes a family of spectra.

    Parameters
    ----------
    s, sigma : ndarray, shape (y, x)
        Predicted standard deviation and that of the noise, same unit; voxels without noise are
        left out.
    inside : ndarray of bool, shape (y, x)
        Foreground; a slice without any counts all its voxels.

    Returns
    -------
    float
        In 0.001 … 1: a prediction cannot be less certain than the scan.
    """
    measured = sigma > 0
    counted = measured & inside
    where = counted if counted.any() else measured
    if not where.any():
        return 1.0
    ratio = float(np.mean(np.square(s[where].astype(np.float64) / sigma[where])))
    return min(max(ratio, 1e-3), 1.0)


@dataclass(frozen=True)
class Spectra:
    """Spectrum of r − r̂ by angle and by ratio, interpolated between the measured ones.

    Parameters
    ----------
    angles : tuple of float
        Ascending, in (0, π/2]; from 0 where an autoencoder loses something.
    rows : tuple of tuple of Spectrum
        For each ratio, one spectrum for each angle.
    ratios : tuple of float
        Mean s²/σ² at which each row was measured, ascending. Empty: one row for every scan, as in
        cards written before the family was.
    gains : mapping
        For a method (``"sampler:steps"``), for each ratio, what the power of each band of the last
        step's noise is multiplied by, so that samples spread as errors do. For a method whose
        network makes samples: what the power of each band of its samples is multiplied by.
    tuned : (angle, gains), optional
        The gains in force and the angle of the last step, where they act; see `of`.
    makes_samples : bool
        The gains in force are those of samples: below 1 they are a filter (`shape`), above 1 noise
        is added, T(1 − 1/g) with the residual's own power T, which gains lead to.
    led : float
        Weight λ of the scan's likelihood where predictions are led by it (`core.guidance`): what
        they then leave is C/(1 + λ C s²/σ²).
    """

    angles: tuple[float, ...]
    rows: tuple[tuple[Spectrum, ...], ...]
    ratios: tuple[float, ...] = ()
    gains: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    tuned: tuple[float, tuple[tuple[float, ...], ...]] | None = None
    makes_samples: bool = False
    led: float = 0.0

    def of(self, method: str, last: float) -> Spectra:
        """The family as one method uses it: with its gains at its last angle, if it has any.

        Between calibrated numbers of steps the nearest one's gains are taken. A method whose
        network makes samples leaves them alone where no gains were measured.
        """
        key = nearest(self.gains, method)
        if makes_samples(method.partition(":")[0].partition("@")[0]):
            gains = ((1.0,) * len(AREAS),) * len(self.rows) if key is None else self.gains[key]
            return replace(self, tuned=(last, gains), makes_samples=True)
        if key is None or method.endswith(":1"):  # one step draws the residual's own spectrum
            return replace(self, tuned=None)
        return replace(self, tuned=(last, self.gains[key]))

    def at(self, t: float, ratio: float = 1.0) -> Spectrum:
        """Spectrum at angle ``t`` for slices of mean s²/σ² ``ratio``."""
        low, high, share = self._between(ratio)
        tuned = self.tuned is not None and t <= self.tuned[0] * (1 + 1e-6)
        t = math.pi / 2 if self.makes_samples else t
        logs, along = self._row(t)
        power = np.exp((1 - share) * logs[low] + share * logs[high])
        if self.ratios:
            edge = min(max(ratio, self.ratios[0]), self.ratios[-1])
            if edge != ratio:
                power = power * self._beyond(t, edge, ratio, low)
        if tuned:
            gain = self._gain(ratio)
            power = power * (np.maximum(1 - 1 / gain, 0) if self.makes_samples else gain)
        if self.led:
            power = power / (1 + self.led * ratio * power)
        z = (1 - share) * along[low] + share * along[high]
        variance = float(AREAS @ power)
        return Spectrum(variance, tuple(power / max(variance, TINY**2)), tuple(z))

    def kernels(self, t: float, ratios: Sequence[float]) -> Kernel:
        """Kernels at angle ``t``, one for each slice of a batch with these ratios."""
        return Kernel.stack([self._kernel(t, _rounded(ratio)) for ratio in ratios])

    def _kernel(self, t: float, ratio: float) -> Kernel:
        """One kernel, remembered."""
        found = self._kernels.get((t, ratio))
        if found is None:
            found = self._kernels[t, ratio] = kernel_of(self.at(t, ratio))
        return found

    @cached_property
    def _kernels(self) -> dict[tuple[float, float], Kernel]:
        """Kernels that were made, by angle and rounded ratio."""
        return {}

    def shape(self, ratios: Sequence[float]) -> Kernel:
        """Filters that take from samples what they have too much of, one for each slice."""
        found = []
        for ratio in ratios:
            gain = np.minimum(self._gain(_rounded(ratio)), 1.0)
            variance = float(AREAS @ gain)
            found.append(kernel_of(Spectrum(variance, tuple(gain / variance))))
        return Kernel.stack(found)

    def remaining(self, t: float, ratios: Sequence[float]) -> NDArray[np.float32]:
        """Variance of what `kernels` draw at angle ``t``, for each slice."""
        found = [self.at(t, _rounded(ratio)).variance for ratio in ratios]
        return np.asarray(found, dtype=np.float32)

    def _gain(self, ratio: float) -> NDArray[np.float64]:
        """The gain in force of each band, not below 0 (of samples: not 0 either)."""
        assert self.tuned is not None
        low, high, share = self._between(ratio)
        factors = np.maximum(self.tuned[1], TINY if self.makes_samples else 0.0)
        return np.asarray((1 - share) * factors[low] + share * factors[high])

    @cached_property
    def _table(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log power (ratio, angle, band) and correlation along z (ratio, angle, lag)."""
        power = np.array([[one.power for one in row] for row in self.rows])
        along = np.zeros((*power.shape[:2], LAGS))
        for i, j in np.ndindex(power.shape[:2]):
            lags = self.rows[i][j].along_z[:LAGS]
            along[i, j, : len(lags)] = lags
        return np.log(np.maximum(power, TINY)), along

    def _row(self, t: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log power (ratio, band) and correlation (ratio, lag) at an angle.

        Monotone between angles; below the first one as for a Gaussian, 1/power = 1/λ + cot²t.
        """
        logs, along = self._table
        near = min(max(t, self.angles[0]), self.angles[-1])
        if len(self.angles) > 1:
            logs = PchipInterpolator(self.angles, logs, axis=1)(near)
            along = PchipInterpolator(self.angles, along, axis=1)(near)
        else:
            logs, along = logs[:, 0], along[:, 0]
        if 0 < t < near:
            precision = np.maximum(np.exp(-logs) - math.tan(near) ** -2, 0.0)
            logs = -np.log(precision + math.tan(t) ** -2)
        return logs, along

    def _between(self, ratio: float) -> tuple[int, int, float]:
        """The rows on either side of a ratio and the share of the second, linear in its log."""
        if len(self.ratios) < 2:
            return 0, 0, 0.0
        at = float(np.interp(math.log(ratio), np.log(self.ratios), range(len(self.ratios))))
        low = min(int(at), len(self.ratios) - 2)
        return low, low + 1, at - low

    def _beyond(self, t: float, edge: float, ratio: float, low: int) -> NDArray[np.float64]:
        """Factor on the edge's power at ``t`` at a ratio outside the measured range.

        At π/2 the error's power in units of σ² keeps its low-frequency limit, and its frequencies
        are stretched until the integral is the ratio; at smaller angles the power follows as
        it does for a Gaussian, λ sin²t/(λ cos²t + sin²t).
        """
        row = low + 1 if len(self.ratios) > 1 and edge == self.ratios[-1] else low
        at_edge = np.exp(self._table[0][row, -1])
        there = dilated(at_edge * edge, ratio / edge) / ratio
        c, s = math.cos(t) ** 2, max(math.sin(t) ** 2, TINY)
        return np.asarray(there * (c * at_edge + s) / (at_edge * (c * there + s)))

    def facts(self) -> dict[str, Any]:
        """The family as the card holds it."""
        rows = [
            [
                {
                    "variance": round(one.variance, 5),
                    "density": [round(float(d), 5) for d in one.density],
                    "along_z": [round(float(rho), 4) for rho in one.along_z],
                }
                for one in row
            ]
            for row in self.rows
        ]
        return {
            "angles": [round(t, 6) for t in self.angles],
            "ratios": [round(q, 5) for q in self.ratios],
            "rows": rows,
            "gains": {
                method: [[round(float(g), 4) for g in bands] for bands in table]
                for method, table in self.gains.items()
            },
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Spectra:
        """The family from a card; older cards hold one row (``spectra``) and one lag along z."""
        rows = facts["rows"] if "rows" in facts else [facts["spectra"]]
        return cls(
            tuple(facts["angles"]),
            tuple(tuple(_spectrum(one) for one in row) for row in rows),
            tuple(facts.get("ratios", ())),
            {
                method: tuple(tuple(bands) for bands in table)
                for method, table in facts.get("gains", {}).items()
            },
        )


def _rounded(ratio: float) -> float:
    return math.exp(RATIO_STEP * round(math.log(max(ratio, TINY)) / RATIO_STEP))


def _spectrum(facts: Mapping[str, Any]) -> Spectrum:
    along = facts["along_z"]
    lags = (float(along),) if isinstance(along, float | int) else tuple(along)
    return Spectrum(float(facts["variance"]), tuple(facts["density"]), lags)
