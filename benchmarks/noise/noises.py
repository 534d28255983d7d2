"""Noise of known strength, added to a scan that has some of its own.

MR: complex Gaussian noise on the scan as a real signal, magnitude taken (Rician). Where k-space was
acquired in part, signal and noise are cut alike, and σ is the standard deviation per channel of the
image *as stored*. CT: Gaussian, spectrum ∝ f·exp(−(2πℓf)²) as filtered back-projection leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CT", "MR", "Acquisition", "Kernel"]


@dataclass(frozen=True)
class Acquisition:
    """How an MR image came to its grid: share of k-space acquired along (y, x), and its window."""

    name: str
    factors: tuple[float, float] = (1.0, 1.0)
    hamming: bool = False

    def windows(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Weights of k-space, in the order of ``np.fft.fftfreq``."""
        one_axis = max(self.factors) > 1
        rows, columns = (
            _window(n, f, self.hamming and (f > 1 or not one_axis))
            for n, f in zip(shape, self.factors, strict=True)
        )
        return rows[:, None] * columns

    def add(
        self, clean: NDArray[np.float32], sigma: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Magnitudes with noise; σ = 0 gives the signal on the same k-space."""
        weights = self.windows(clean.shape[1:])
        power = np.sqrt(np.mean(weights**2))
        out = np.empty_like(clean)
        for plane, written in zip(clean, out, strict=True):
            noise = rng.standard_normal((2, *plane.shape)) if sigma else np.zeros((2, *plane.shape))
            noise *= sigma / power
            spectrum = np.fft.fft2(plane + noise[0] + 1j * noise[1]) * weights
            written[:] = np.abs(np.fft.ifft2(spectrum))
        return out


def _window(n: int, factor: float, hamming: bool) -> NDArray[np.float64]:
    place = np.abs(np.fft.fftfreq(n)) * factor / 0.5
    shape = 0.54 + 0.46 * np.cos(np.pi * place) if hamming else np.ones(n)
    return np.where(place <= 1, shape, 0.0)


@dataclass(frozen=True)
class Kernel:
    """CT noise: its spectrum's Gaussian length in voxels; short is sharp."""

    name: str
    length: float

    def add(
        self, clean: NDArray[np.float32], sigma: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """HU with noise inside what is no padding."""
        f = np.hypot(np.fft.fftfreq(clean.shape[1])[:, None], np.fft.fftfreq(clean.shape[2]))
        gain = np.sqrt(f * np.exp(-((2 * np.pi * self.length * f) ** 2)))
        gain *= sigma / np.sqrt(np.mean(gain**2))
        out = clean.copy()
        for plane in out:
            noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal(plane.shape)) * gain).real
            plane += np.where(plane > -1000, noise, 0)
        return out


MR = (
    Acquisition("white"),
    Acquisition("zero-filled 1.5", (1.5, 1.5)),
    Acquisition("zero-filled 2", (2.0, 2.0)),
    Acquisition("zero-filled 1 x 1.4", (1.4, 1.0)),
    Acquisition("zero-filled 2.2 x 1.2", (2.2, 1.2)),
    Acquisition("1.5 Hamming", (1.5, 1.5), hamming=True),
    Acquisition("2 Hamming", (2.0, 2.0), hamming=True),
    Acquisition("1 Hamming", (1.0, 1.0), hamming=True),
    Acquisition("2 Hamming, one axis", (2.0, 1.0), hamming=True),
)
CT = (Kernel("smooth", 0.9), Kernel("sharp", 0.4))
