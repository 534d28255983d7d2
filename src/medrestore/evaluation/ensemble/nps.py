"""Noise power spectrum: how strong the noise is at each spatial frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Spectrum", "nps", "of_powers", "powers", "radial"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A noise power spectrum.

    Parameters
    ----------
    plane : ndarray, shape (h, w)
        NPS in unit² mm² (HU² mm² for CT), zero frequency in the middle as after ``fftshift``.
    steps : (float, float)
        Frequency step along (y, x), cycles/mm.
    frequency, power : ndarray, shape (m,)
        Radial frequency in cycles/mm up to Nyquist, and the mean of ``plane`` over each ring.
    """

    plane: NDArray[np.float64]
    steps: tuple[float, float]
    frequency: NDArray[np.float64]
    power: NDArray[np.float64]

    @property
    def variance(self) -> float:
        """Integral of the NPS over both frequencies: the variance of the noise, unit²."""
        return float(self.plane.sum() * self.steps[0] * self.steps[1])

    @property
    def peak(self) -> float:
        """Frequency where the radial NPS is largest, cycles/mm, between rings by a parabola."""
        top = int(np.argmax(self.power))
        if not 0 < top < len(self.power) - 1:
            return float(self.frequency[top])
        left, middle, right = self.power[top - 1 : top + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * (left - right) / bend if bend else 0.0
        return float(self.frequency[top] + shift * (self.frequency[1] - self.frequency[0]))

    @property
    def mean(self) -> float:
        """Σ f·NPS(f) / Σ NPS(f) over the rings, cycles/mm; NaN without noise."""
        total = self.power.sum()
        return float((self.frequency * self.power).sum() / total) if total else float("nan")


def nps(realisations: NDArray[Any], spacing_mm: tuple[float, float]) -> Spectrum:
    """Return the NPS of a region over realisations of its noise.

    NPS(f) = (Δx Δy / N_x N_y) ⟨|DFT(g − ḡ)|²⟩ (ICRU Report 87, eq. 11.1,
    doi:10.1093/jicru/ndt006), ḡ the mean over the realisations, made unbiased by n/(n − 1). What
    is the same in all of them (anatomy, streaks, shading) is not noise, so nothing is detrended and
    low frequencies are as measured. Its integral is the variance of the noise (Parseval).

    Parameters
    ----------
    realisations : ndarray, shape (n, ..., h, w)
        The region in each realisation, in HU or the scan's unit; axes in between (slices) are
        averaged over.
    spacing_mm : (float, float)
        Pixel size along (y, x).

    Returns
    -------
    Spectrum

    Raises
    ------
    InputError
        If there are fewer than two realisations, or the region is under 8 × 8 pixels.
    """
    return of_powers(powers(realisations, spacing_mm), spacing_mm)


def powers(realisations: NDArray[Any], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Return a plane for each realisation, (n, h, w); their mean is the NPS of `nps`."""
    values = np.asarray(realisations, dtype=np.float64)
    if values.ndim < 3 or len(values) < 2 or min(values.shape[-2:]) < 8:
        raise InputError(
            "a noise power spectrum needs at least 2 realisations of 8 × 8 pixels, got an array of "
            f"shape {values.shape}; its axes are (realisation, ..., y, x)"
        )
    count, height, width = len(values), *values.shape[-2:]
    residual = (values - values.mean(axis=0)) * np.sqrt(count / (count - 1))
    power = np.abs(np.fft.fft2(residual)) ** 2
    power = power.reshape(count, -1, height, width).mean(axis=1)
    area = spacing_mm[0] * spacing_mm[1]
    return np.asarray(np.fft.fftshift(power, axes=(-2, -1)) * (area / (height * width)))


def of_powers(planes: NDArray[np.float64], spacing_mm: tuple[float, float]) -> Spectrum:
    """Return the mean of planes as a spectrum with its rings."""
    plane = planes.mean(axis=0)
    height, width = plane.shape
    steps = 1 / (height * spacing_mm[0]), 1 / (width * spacing_mm[1])
    return Spectrum(plane, steps, *radial(plane, steps))


def radial(
    plane: NDArray[np.float64], steps: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean over rings one frequency step wide, centred on its multiples, up to Nyquist.

    Parameters
    ----------
    plane : ndarray, shape (h, w)
        Zero frequency in the middle.
    steps : (float, float)
        Frequency step along (y, x), cycles/mm.

    Returns
    -------
    frequency, value : ndarray
        In cycles/mm: the mean frequency of each ring's points; the first ring is f = 0 alone.
    """
    height, width = plane.shape
    y = (np.arange(height) - height // 2)[:, None] * steps[0]
    x = (np.arange(width) - width // 2)[None] * steps[1]
    frequency, ring = np.hypot(y, x), max(steps)
    nyquist = min(height // 2 * steps[0], width // 2 * steps[1])
    number = np.floor(frequency / ring + 0.5).astype(np.intp)
    last = int(np.floor(nyquist / ring + 1e-9))
    inside = number <= last
    counts = np.bincount(number[inside], minlength=last + 1)
    sums = (np.bincount(number[inside], a[inside], last + 1) for a in (frequency, plane))
    of_frequency, of_value = (total / counts for total in sums)
    return of_frequency, of_value
