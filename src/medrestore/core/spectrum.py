"""Noise texture: radial power spectra of residuals and the short kernels that reproduce them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.signal.windows import tukey
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BANDS", "Kernel", "Spectra", "Spectrum", "kernel_of", "measure"]

BANDS = (0.0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 0.75)
"""Edges of the radial bands, cycles per pixel; the last reaches past the corner (0.71)."""

RADIUS = 16
"""Half-width of a kernel, pixels: the halo of a coloured field."""


@dataclass(frozen=True)
class Spectrum:
    """Stationary covariance of a field: variance, shape over `BANDS`, correlation along z.

    Parameters
    ----------
    variance : float
        Variance at a voxel.
    density : tuple of float
        Power in each band relative to white noise of that variance (mean over the plane is 1).
    along_z : float
        Correlation of neighbouring slices, −0.5 to 0.5.
    """

    variance: float
    density: tuple[float, ...]
    along_z: float = 0.0

    @classmethod
    def white(cls, variance: float = 1.0) -> Spectrum:
        """White noise."""
        return cls(variance, (1.0,) * (len(BANDS) - 1))


@dataclass(frozen=True, eq=False)
class Kernel:
    """Filter that turns white noise into noise of a spectrum.

    ``plane`` has shape (33, 33); ``along_z`` holds weights of the slices −1, 0, +1.
    """

    plane: Tensor
    along_z: tuple[float, float, float]


def _radius(n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    f = np.fft.fftfreq(n)
    return np.asarray(np.hypot(f[:, None], f[None, :]))


def kernel_of(spectrum: Spectrum) -> Kernel:
    """Zero-phase kernel whose output has the spectrum's variance and, nearly, its density.

    The amplitude √density is interpolated over frequency, transformed on a 128² grid, cut to
    33×33 under a tapered window and rescaled, so that the variance is exact.
    """
    centres = np.array([0.5 * (a + b) for a, b in itertools.pairwise(BANDS)])
    amplitude = np.sqrt(np.maximum(spectrum.density, 0.0))
    n = 8 * RADIUS
    plane = np.fft.ifft2(np.interp(_radius(n), centres, amplitude)).real
    plane = np.fft.fftshift(plane)[3 * RADIUS : 5 * RADIUS + 1, 3 * RADIUS : 5 * RADIUS + 1]
    taper = tukey(2 * RADIUS + 3, 0.5)[1:-1]
    plane = plane * taper[:, None] * taper[None, :]
    plane *= np.sqrt(spectrum.variance / max((plane**2).sum(), 1e-30))
    return Kernel(torch.from_numpy(plane.astype(np.float32)), _z_weights(spectrum.along_z))


def _z_weights(correlation: float) -> tuple[float, float, float]:
    """Weights (w, c, w) of unit energy whose lag-one correlation 2wc is the one asked for."""
    rho = float(np.clip(correlation, -0.6, 0.6))
    best = min(
        (abs(2 * w * np.sqrt(1 - 2 * w * w) - rho), w) for w in np.linspace(-0.5, 0.5, 2001)
    )[1]
    w = float(best)
    return w, float(np.sqrt(1 - 2 * w * w)), w


def measure(fields: Tensor) -> Spectrum:
    """Spectrum of residual patches, shape (n, y, x), assumed stationary and zero mean.

    A Hann window keeps the edges from leaking; density is relative to the windowed variance.
    """
    _n, height, width = fields.shape
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)[None, :]
    power = torch.fft.fft2(fields * window).abs().square().mean(dim=0)
    power = power / (window.square().sum() * 1.0)
    fy, fx = torch.fft.fftfreq(height), torch.fft.fftfreq(width)
    radius = torch.hypot(fy[:, None], fx[None, :])
    total = float(power.mean())
    density = []
    for low, high in itertools.pairwise(BANDS):
        inside = (radius >= low) & (radius < high)
        density.append(float(power[inside].mean()) / total if inside.any() else float("nan"))
    filled = _without_gaps(density)
    return Spectrum(float(fields.square().mean()), tuple(round(d, 5) for d in filled))


def _without_gaps(density: Sequence[float]) -> list[float]:
    """Bands finer than the patch resolves take the next band's value."""
    values = list(density)
    for i in range(len(values) - 2, -1, -1):
        if np.isnan(values[i]):
            values[i] = values[i + 1]
    return values


@dataclass(frozen=True)
class Spectra:
    """Spectrum of r − r̂ at several angles, interpolated between them.

    Parameters
    ----------
    angles : tuple of float
        Ascending, in (0, π/2].
    spectra : tuple of Spectrum
        One for each angle.
    """

    angles: tuple[float, ...]
    spectra: tuple[Spectrum, ...]

    def at(self, t: float) -> Spectrum:
        """Spectrum at angle ``t``; the nearest one outside the stored range."""

        def interpolate(values: Sequence[float]) -> float:
            return float(np.interp(t, self.angles, values))

        density = zip(*(s.density for s in self.spectra), strict=True)
        return Spectrum(
            variance=interpolate([s.variance for s in self.spectra]),
            density=tuple(interpolate(band) for band in density),
            along_z=interpolate([s.along_z for s in self.spectra]),
        )
