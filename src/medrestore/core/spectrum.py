"""Noise texture: radial power spectra of residuals and the short kernels that reproduce them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import least_squares
from scipy.signal.windows import tukey
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "AREAS",
    "BANDS",
    "LAGS",
    "RADIUS",
    "Kernel",
    "Spectrum",
    "dilated",
    "independent_voxels",
    "kernel_of",
    "measure",
]

BANDS = (0.0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 0.75)
"""Edges of the radial bands, cycles per pixel; the last reaches past the corner (0.71)."""

RADIUS = 32
"""Half-width of a kernel, pixels: the halo of a coloured field.

With 16, means over 32×32 pixels would vary by several percent less than the spectrum says.
"""

LAGS = 3
"""Slices on either side that a kernel mixes; also the lags whose correlation is stated."""

_GRID = 8 * RADIUS
_FINE = 64


def _radius(height: int, width: int) -> NDArray[np.float64]:
    fy, fx = np.fft.fftfreq(height), np.fft.fftfreq(width)
    return np.asarray(np.hypot(fy[:, None], fx[None, :]))


def _band_index(height: int, width: int) -> NDArray[np.int64]:
    """Band of every frequency of a discrete Fourier transform."""
    return np.searchsorted(np.array(BANDS[1:-1]), _radius(height, width), side="right")


AREAS: NDArray[np.float64] = np.bincount(_band_index(1024, 1024).ravel()) / 1024**2
"""Share of the frequency plane that each band covers; sums to 1."""


@dataclass(frozen=True)
class Spectrum:
    """Stationary covariance of a field: variance, shape over `BANDS`, correlation along z.

    Parameters
    ----------
    variance : float
        Variance at a voxel.
    density : tuple of float
        Power in each band relative to white noise of that variance (mean over the plane is 1).
    along_z : tuple of float
        Correlation of slices 1, 2, … `LAGS` apart; missing lags are 0.
    """

    variance: float
    density: tuple[float, ...]
    along_z: tuple[float, ...] = ()

    @classmethod
    def white(cls, variance: float = 1.0) -> Spectrum:
        """White noise."""
        return cls(variance, (1.0,) * len(AREAS))

    @property
    def power(self) -> NDArray[np.float64]:
        """Power in each band, in units in which white noise of unit variance has 1."""
        density = np.maximum(self.density, 0.0)
        return np.asarray(self.variance * density / max(float(AREAS @ density), 1e-30))


@lru_cache(maxsize=64)
def independent_voxels(spectrum: Spectrum, width: float) -> float:
    """Number of independent voxels under a Gaussian window, for squares of a field.

    Squares of a Gaussian field with autocorrelation ρ have the autocorrelation ρ²; their mean under
    weights g has the variance Σ (g⋆g) ρ² of one of them: its inverse counts. White: 4π·width².

    Parameters
    ----------
    spectrum : Spectrum
        Of the field.
    width : float
        Standard deviation of the window, pixels; at most 10.
    """
    side = 64
    rho = np.fft.ifft2(spectrum.power[_band_index(side, side)]).real
    rho = rho / max(float(rho[0, 0]), 1e-30)
    d = np.fft.fftfreq(side, 1 / side)
    window = np.exp(-(d[:, None] ** 2 + d[None, :] ** 2) / (4 * width**2))
    return float(window.sum() / (window * rho**2).sum())


@dataclass(frozen=True, eq=False)
class Kernel:
    """Filter that turns white noise into noise of a spectrum; worked out on the host.

    Parameters
    ----------
    plane : ndarray of float32, shape (n, 65, 65)
        In-plane weights; n is 1, or the batch: one kernel for each of its slices.
    along_z : ndarray of float32, shape (n, 7)
        Weights of the slices −3 … 3, of unit energy.
    """

    plane: NDArray[np.float32]
    along_z: NDArray[np.float32]

    @classmethod
    def stack(cls, kernels: Sequence[Kernel]) -> Kernel:
        """One kernel for a batch, from one for each of its entries."""
        planes, along_z = zip(*((k.plane, k.along_z) for k in kernels), strict=True)
        return cls(np.concatenate(planes), np.concatenate(along_z))


def kernel_of(spectrum: Spectrum) -> Kernel:
    """Zero-phase kernel whose output has the spectrum's variance and the mean power of its bands.

    The amplitude √density is interpolated over frequency, transformed, cut to 65×65 under a
    tapered window; what the cut took from each band is put back by a few rounds of correction,
    and the whole rescaled, so that the variance is exact.
    """
    plane = _plane(tuple(spectrum.power / max(spectrum.variance, 1e-30)))
    weights = _z_weights(tuple(round(rho, 3) for rho in spectrum.along_z[:LAGS]))
    return Kernel(
        (np.float32(np.sqrt(max(spectrum.variance, 0.0))) * plane)[None],
        np.array(weights, dtype=np.float32)[None],
    )


@lru_cache(maxsize=256)
def _plane(density: tuple[float, ...]) -> NDArray[np.float32]:
    """In-plane weights of unit energy."""
    n, r = _GRID, RADIUS
    wanted = np.asarray(density)
    centres = np.array([0.5 * (a + b) for a, b in itertools.pairwise(BANDS)])
    band = _band_index(n, n).ravel()
    counts = np.bincount(band)
    taper = tukey(2 * r + 3, 0.5)[1:-1]
    window = np.zeros((n, n))
    window[: 2 * r + 1, : 2 * r + 1] = taper[:, None] * taper[None, :]
    window = np.roll(window, (-r, -r), axis=(0, 1))
    levels = np.sqrt(np.maximum(wanted, 0.0))
    amplitude = np.interp(_radius(n, n), centres, levels)
    kernel = np.zeros((n, n))
    for _ in range(12):
        kernel = np.fft.ifft2(amplitude).real * window
        sums = np.bincount(band, (np.abs(np.fft.fft2(kernel)) ** 2).ravel())
        reached = sums / counts
        correction = np.sqrt(np.clip(wanted / np.maximum(reached, 1e-12), 0.25, 4.0))
        amplitude *= np.interp(_radius(n, n), centres, correction)
    plane = np.roll(kernel, (r, r), axis=(0, 1))[: 2 * r + 1, : 2 * r + 1]
    return np.asarray(plane / max(np.sqrt((plane**2).sum()), 1e-30), dtype=np.float32)


@lru_cache(maxsize=256)
def _z_weights(correlation: tuple[float, ...]) -> tuple[float, ...]:
    """Symmetric weights of unit energy whose autocorrelation is nearest to the one asked for."""
    wanted = np.zeros(LAGS)
    wanted[: len(correlation)] = correlation

    def symmetric(half: NDArray[np.float64]) -> NDArray[np.float64]:
        taps = np.concatenate((half[:0:-1], half))
        return np.asarray(taps / max(np.sqrt((taps**2).sum()), 1e-12))

    def miss(half: NDArray[np.float64]) -> NDArray[np.float64]:
        taps = symmetric(half)
        return np.array([taps[k:] @ taps[:-k] for k in range(1, LAGS + 1)]) - wanted

    if not wanted.any():
        return (0.0,) * LAGS + (1.0,) + (0.0,) * LAGS
    start = np.concatenate(([1.0], wanted / 2))
    return tuple(float(w) for w in symmetric(least_squares(miss, start).x))


def measure(fields: Tensor, weight: Tensor | None = None) -> Spectrum:
    """Spectrum of residual fields, shape (n, y, x), assumed stationary and zero mean.

    Parameters
    ----------
    fields : Tensor, shape (n, y, x)
        Residuals.
    weight : Tensor, shape (n, y, x), optional
        Tapered window of the part that counts; a Hann window over the field when absent. It keeps
        the edges from leaking into other bands.

    Returns
    -------
    Spectrum
        Variance inside the window; density relative to it. Correlation along z is not looked at.
    """
    _n, height, width = fields.shape
    if weight is None:
        hann = torch.hann_window(height)[:, None] * torch.hann_window(width)[None, :]
        weight = hann.expand_as(fields)
    power = torch.fft.fft2(fields * weight).abs().square()
    power = power.sum(dim=0) / weight.square().sum().clamp(min=1e-12)
    band = _band_index(height, width).ravel()
    counts = np.bincount(band, minlength=len(AREAS))
    sums = np.bincount(band, power.numpy().ravel().astype(np.float64), minlength=len(AREAS))
    total = float(power.mean())
    levels = np.where(counts > 0, sums / np.maximum(counts, 1) / max(total, 1e-30), np.nan)
    density = tuple(round(float(d), 5) for d in _without_gaps(levels.tolist()))
    return Spectrum(total, density)


def _without_gaps(density: Sequence[float]) -> list[float]:
    """Bands finer than the field resolves take the next band's value."""
    values = list(density)
    for i in range(len(values) - 2, -1, -1):
        if np.isnan(values[i]):
            values[i] = values[i + 1]
    return values


def _points() -> NDArray[np.float64]:
    """Frequencies inside each band, (bands, 64), equally spaced in area."""
    shares = (np.arange(_FINE) + 0.5) / _FINE
    rows = [
        np.sqrt(low**2 + shares * (min(high, 0.62) ** 2 - low**2))
        for low, high in itertools.pairwise(BANDS)
    ]
    return np.array(rows)


_INSIDE = _points()
_CENTRES = np.array([0.5 * (a + b) for a, b in itertools.pairwise(BANDS)])
_CENTRES[-1] = 0.45


def dilated(power: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """E(a·f) for the a at which the integral over the plane is ``factor`` times that of E.

    The low-frequency limit stays (to the resolution of the bands): a smaller integral makes the
    spectrum narrower, a larger one wider. What stretching alone cannot reach (a spectrum that is
    flat already) is scaled.

    Parameters
    ----------
    power : ndarray, shape (bands,)
        Mean power of each band, positive.
    factor : float
        Of the integral.

    Returns
    -------
    ndarray, shape (bands,)
    """
    logs = np.log(power)
    slope = min((logs[-1] - logs[-2]) / (_CENTRES[-1] - _CENTRES[-2]), 0.0)

    def mean_power(f: NDArray[np.float64]) -> NDArray[np.float64]:
        beyond = slope * np.maximum(f - _CENTRES[-1], 0)  # falls on as it fell last
        return np.asarray(np.exp(np.interp(f, _CENTRES, logs) + beyond).mean(axis=1))

    start = mean_power(_INSIDE)

    def stretched(log_a: float) -> NDArray[np.float64]:
        return power * mean_power(_INSIDE * np.exp(log_a)) / start

    wanted = factor * float(AREAS @ power)
    low, high = -3.0, 3.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if AREAS @ stretched(middle) > wanted:
            low = middle
        else:
            high = middle
    found = stretched(0.5 * (low + high))
    return found * (wanted / float(AREAS @ found))
