"""Low-dose CT in full, to judge the simulator by: counts, logarithm, filtered back-projection.

Independent of `medrestore.physics.ct`: full-resolution projections by rotating the slice, Poisson
and electronic noise on the counts of every ray, the ramp built in the space domain (Ramachandran
& Lakshminarayanan 1971, doi:10.1073/pnas.68.9.2236), back-projection with linear interpolation.
NumPy and SciPy only.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import ndimage

WATER_PER_MM = 0.0193


class Setting(NamedTuple):
    """An acquisition: photons per ray at full dose, dose fraction, electronics, views, kernel."""

    photons: float
    dose: float
    electronic: float
    views: int
    cutoff: float


def project(hu: np.ndarray, pixel_mm: float, views: int) -> np.ndarray:
    """Line integrals (views, n) of a square slice, one ray a pixel."""
    attenuation = (1 + np.maximum(hu, -1000) / 1000) * WATER_PER_MM * pixel_mm
    n = len(hu)
    axis = np.arange(n) - (n - 1) / 2
    sinogram = np.empty((views, n))
    for view in range(views):
        c, s = np.cos(np.pi * view / views), np.sin(np.pi * view / views)
        x = axis[None] * c - axis[:, None] * s  # ray number across, place along the ray down
        y = axis[None] * s + axis[:, None] * c
        at = [y + (n - 1) / 2, x + (n - 1) / 2]
        sinogram[view] = ndimage.map_coordinates(attenuation, at, order=1).sum(axis=0)
    return sinogram


def measured(paths: np.ndarray, setting: Setting, dose: float, rng: np.random.Generator):
    """Noisy line integrals at a dose fraction: Poisson counts, electronic noise, at least one."""
    flux = setting.photons * dose
    counts = rng.poisson(flux * np.exp(-paths)) + rng.normal(
        0, np.sqrt(setting.electronic), paths.shape
    )
    return -np.log(np.maximum(counts, 1) / flux)


def reconstruct(sinogram: np.ndarray, pixel_mm: float, cutoff: float) -> np.ndarray:
    """Filtered back-projection in HU relative to water's slope (no offset)."""
    views, n = sinogram.shape
    length = 2 ** int(np.ceil(np.log2(2 * n)))
    place = np.fft.fftfreq(length, 1 / length)
    kernel = np.zeros(length)
    odd = place % 2 == 1
    kernel[odd] = -1 / (np.pi * place[odd]) ** 2
    kernel[0] = 0.25
    f = np.abs(np.fft.fftfreq(length))
    window = np.where(2 * f < cutoff, 0.5 * (1 + np.cos(2 * np.pi * f / cutoff)), 0)
    response = np.fft.fft(kernel).real * window
    wide = 8  # fine rays, so that linear interpolation is as good as none
    spectrum = np.fft.fft(sinogram, length, axis=1) * response
    padded = np.zeros((views, wide * length), dtype=complex)
    padded[:, : length // 2] = spectrum[:, : length // 2]
    padded[:, -(length // 2) :] = spectrum[:, -(length // 2) :]
    filtered = np.fft.ifft(padded, axis=1).real * wide
    axis = np.arange(n) - (n - 1) / 2
    image = np.zeros((n, n))
    for view in range(views):
        c, s = np.cos(np.pi * view / views), np.sin(np.pi * view / views)
        place = (axis[None] * c + axis[:, None] * s + (n - 1) / 2) * wide
        place = np.clip(place, 0, (n - 1) * wide - 1e-6)
        below = place.astype(np.intp)
        low, high = filtered[view, below], filtered[view, below + 1]
        image += low + (place - below) * (high - low)
    return image * (np.pi / views / pixel_mm) * (1000 / WATER_PER_MM)


def added_noise(
    paths: np.ndarray, pixel_mm: float, setting: Setting, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Noise images at the low and at the full dose; their variances differ by what was added."""
    low, full = (
        reconstruct(measured(paths, setting, dose, rng) - paths, pixel_mm, setting.cutoff)
        for dose in (setting.dose, 1.0)
    )
    return low, full


def radial_power(noise: np.ndarray, window: tuple[slice, slice], bands: np.ndarray) -> np.ndarray:
    """Mean power of (realisations, y, x) in a Hann-tapered window, by bands of cycles a pixel."""
    part = noise[:, *window]
    part = part - part.mean(axis=(1, 2), keepdims=True)
    size = part.shape[1:]
    taper = np.outer(*(np.hanning(n + 2)[1:-1] for n in size))
    power = (np.abs(np.fft.fft2(part * taper)) ** 2).mean(axis=0) / (taper**2).sum()
    f = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])[None])
    inside = [(f >= low) & (f < high) for low, high in pairwise(bands)]
    return np.array([power[band].mean() for band in inside])
