"""Noise through GRAPPA of eight coils around an object, by Monte Carlo.

Missing lines are sums over all coils of 2 × 3 neighbours (Griswold et al. 2002,
doi:10.1002/mrm.10171), weights from 24 calibration lines of a noise-free object; coils are combined
by their sensitivities.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

N, COILS, LINES, DRAWS, BLOCK = 96, 8, 24, 160, 24
EDGES = (0.1, 0.16, 0.22, 0.28, 0.34, 0.4, 0.5, 0.6, 0.71)


class Bands(NamedTuple):
    """Power by band of cycles a pixel, 1 for white noise."""

    edges: tuple[float, ...]
    power: Any


def local_power(factor: int) -> tuple[Bands, float, float]:
    """Power of the combined noise in blocks, blocks alike; along y over along x; spread of std."""
    maps, inside = _coils()
    weights = _weights(maps, inside, factor)
    rng = np.random.default_rng(factor)
    combine = maps.conj() / np.square(np.abs(maps)).sum(axis=0)
    fields = np.array([_noise(rng, weights, combine, factor) for _ in range(DRAWS)])
    std = fields.std(axis=0)
    window = np.outer(*2 * [np.hanning(BLOCK + 2)[1:-1]])
    frequency = np.fft.fftfreq(BLOCK)
    x, y = np.meshgrid(frequency, frequency)
    total = np.zeros((BLOCK, BLOCK))
    for top in range(12, N - BLOCK - 11, 12):
        for left in range(12, N - BLOCK - 11, 12):
            part = fields[:, top : top + BLOCK, left : left + BLOCK]
            power = np.square(np.abs(np.fft.fft2(part * window))).mean(axis=0)
            total += power / power.mean()
    total /= total.mean()
    band = np.digitize(np.hypot(x, y), EDGES)
    shares = np.array([total[band == k].mean() for k in range(1, len(EDGES))])
    ring = (np.hypot(x, y) >= 0.1) & (np.hypot(x, y) < 0.5)
    across = total[ring & (np.abs(y) > 1.7 * np.abs(x))].mean()
    along = total[ring & (np.abs(x) > 1.7 * np.abs(y))].mean()
    low, high = np.percentile(std[inside], [5, 95])
    return Bands(EDGES, shares), float(across / along), float(high / low)


def _coils() -> tuple[Any, Any]:
    """Complex sensitivities (coils, y, x) of loops around an ellipse, and the ellipse."""
    y, x = np.mgrid[-1 : 1 : N * 1j, -1 : 1 : N * 1j]
    angles = np.arange(COILS) * (2 * np.pi / COILS)
    away = np.hypot(
        y - 1.1 * np.sin(angles)[:, None, None], x - 1.1 * np.cos(angles)[:, None, None]
    )
    phase = 2 * angles[:, None, None] + 1.5 * (y * np.sin(angles)[:, None, None] + x)
    return np.exp(1j * phase) / (0.3 + away**2), (y / 0.9) ** 2 + (x / 0.75) ** 2 < 1


def _neighbours(factor: int, shift: int) -> list[tuple[int, int]]:
    """Acquired lines below and above a missing one, three columns each."""
    return [(dy, dx) for dy in (-shift, factor - shift) for dx in (-1, 0, 1)]


def _sources(kspace: Any, factor: int, shift: int) -> Any:
    rolled = [np.roll(kspace, (-dy, -dx), (1, 2)) for dy, dx in _neighbours(factor, shift)]
    return np.concatenate(rolled)


def _weights(maps: Any, inside: Any, factor: int) -> list[Any]:
    """For each missing line of a group: (sources, coils)."""
    rng = np.random.default_rng(0)
    structure = (
        1
        + 0.3
        * np.fft.ifft2(
            np.fft.fft2(rng.standard_normal((N, N)))
            * (np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(N)])) < 0.1)
        ).real
    )
    kspace = np.fft.fft2(maps * inside * structure)
    kspace = np.fft.fftshift(kspace, axes=(1, 2))
    lines = slice(N // 2 - LINES // 2, N // 2 + LINES // 2)
    found = []
    for shift in range(1, factor):
        a = _sources(kspace, factor, shift)[:, lines].reshape(6 * COILS, -1).T
        b = kspace[:, lines].reshape(COILS, -1).T
        scale = 1e-3 * np.linalg.norm(a) / np.sqrt(a.shape[1])
        damped = np.concatenate([a, scale * np.eye(a.shape[1])])
        wanted = np.concatenate([b, np.zeros((a.shape[1], COILS))])
        found.append(np.linalg.lstsq(damped, wanted, rcond=None)[0])
    return found


def _noise(rng: np.random.Generator, weights: list[Any], combine: Any, factor: int) -> Any:
    """One realisation of the combined image's real part."""
    shape = (COILS, N, N)
    kspace = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    kspace[:, np.arange(N) % factor != 0] = 0
    filled = kspace.copy()
    for shift, weight in enumerate(weights, start=1):
        lines = np.arange(N) % factor == shift
        values = np.tensordot(weight.T, _sources(kspace, factor, shift), axes=1)
        filled[:, lines] = values[:, lines]
    images = np.fft.ifft2(np.fft.ifftshift(filled, axes=(1, 2)))
    return (combine * images).sum(axis=0).real
