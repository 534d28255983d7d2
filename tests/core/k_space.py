"""Magnitude images from part of k-space, under windows, with noise of known level."""

import numpy as np


def window(n: int, share: float, floor: float) -> np.ndarray:
    """Acquired part of k-space under a raised cosine that ends at ``floor``: 0.08 is Hamming."""
    place = np.abs(np.fft.fftfreq(n)) / (0.5 * share)
    shape = 0.5 * (1 + floor) + 0.5 * (1 - floor) * np.cos(np.pi * np.minimum(place, 1))
    return np.where(place <= 1, shape, 0.0)


def acquired(
    clean: np.ndarray,
    sigma: float,
    shares: tuple[float, float],
    floors: tuple[float, float] = (1.0, 1.0),
    seed: int = 3,
) -> np.ndarray:
    """Magnitudes of (z, y, x); σ is that of a channel of the image as stored."""
    rng = np.random.default_rng(seed)
    y, x = map(window, clean.shape[1:], shares, floors)
    weights = y[:, None] * x
    noise = rng.standard_normal((2, *clean.shape)) * sigma / np.sqrt(np.mean(weights**2))
    spectrum = np.fft.fft2(clean + noise[0] + 1j * noise[1]) * weights
    return np.abs(np.fft.ifft2(spectrum)).astype(np.float32)
