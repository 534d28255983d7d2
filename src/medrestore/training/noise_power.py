"""Power spectrum of the noise in a CT, and the reconstruction kernel that gives it.

Scanners' kernels differ, and so does their noise. Its power is measured in the scan's calm soft
tissue, between 0.1 cycles a pixel, below which anatomy leads, and the corners of the frequency
plane. Filtered back-projection with gains W on the ramp gives noise of power f·W(f)², aliased to
the pixels; the expected power of windowed blocks (`_expected`, exact) is linear in W², so that
a few values of it are fitted by multiplicative updates that lower the Itakura–Saito divergence,
the likelihood of periodograms (Févotte et al. 2009, doi:10.1162/neco.2008.04-08-771).
The noise's direction follows from the paths of the rays through a block; what of it they do not
explain is the modulation of the tube current, or what of the body is outside of the image.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from medrestore.physics.ct import UPSAMPLING
from medrestore.physics.scanner import RESPONSE_STEP
from medrestore.training.ct_noise import Kernel, low_dose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.training.data import Stack

    Corners = list[tuple[int, int, int]]

__all__ = [
    "BANDS",
    "BLOCK",
    "FEWEST",
    "NODES",
    "Texture",
    "band_power",
    "block_power",
    "calm_blocks",
    "cut",
    "direction",
    "kernel_of_power",
    "measured_texture",
]

BLOCK = 24
STEP = 8
SLICES = 24
"""Slices that are looked at, around the middle of the stack."""
CALMEST, CALM = 0.15, 0.4
"""Blocks of soft tissue count that have the least coarse structure: this share of them, of those
whose coarse part is below that multiple of the fine one."""
COARSE = 3.0
"""Standard deviation of the Gaussian that leaves the coarse part, pixels."""
FEWEST = 6
SOFT_HU, BODY_HU = (-140.0, 150.0), (-300.0, 400.0)
"""A block's mean, and all of its voxels, lie between."""
BANDS = (0.1, 0.16, 0.22, 0.28, 0.34, 0.4, 0.5, 0.6, 0.71)
"""Cycles a pixel."""
NODES = np.arange(2, 15) * RESPONSE_STEP
BEYOND = NODES[-1] + RESPONSE_STEP
"""Cycles a pixel of the gains that are fitted, and beyond which there is no noise."""
UPDATES = 60
FLOOR = 0.01
"""Of the highest band, below which a band hardly counts."""
SECTOR = math.pi / 6
MEAN_COS = math.sin(2 * SECTOR) / (2 * SECTOR)
"""Half-width of the sectors along y and x, and the mean of cos 2θ over such a one."""
MOST = 1.0
"""Largest modulation of the rays' variance."""


class Texture(NamedTuple):
    """What noise of a scan looks like: arguments of `training.ct_noise.with_noise_bank`."""

    kernel: Kernel
    modulation: float


def calm_blocks(array: NDArray[np.float32]) -> Corners:
    """Corners (z, y, x) of the blocks of soft tissue with least structure for their noise.

    From the `SLICES` in the middle of the stack; often none where anatomy is everywhere.
    """
    first = max(0, (len(array) - SLICES) // 2)
    found = []
    for z, plane in enumerate(array[first : first + SLICES], start=first):
        coarse = ndimage.gaussian_filter(plane, COARSE)
        for y in range(0, plane.shape[0] - BLOCK + 1, STEP):
            for x in range(0, plane.shape[1] - BLOCK + 1, STEP):
                window = (slice(y, y + BLOCK), slice(x, x + BLOCK))
                block = plane[window]
                soft = SOFT_HU[0] < float(block.mean()) < SOFT_HU[1]
                if soft and block.min() > BODY_HU[0] and block.max() < BODY_HU[1]:
                    fine = float((block - coarse[window]).std()) + 1e-6
                    found.append((float(coarse[window].std()) / fine, (z, y, x)))
    found.sort()
    best = found[: max(FEWEST, int(CALMEST * len(found)))]
    return [corner for structure, corner in best if structure < CALM]


def cut(array: NDArray[np.floating], corners: Corners) -> NDArray[np.float64]:
    """Blocks of a volume, (n, `BLOCK`, `BLOCK`)."""
    return np.stack(
        [array[z, y : y + BLOCK, x : x + BLOCK].astype(np.float64) for z, y, x in corners]
    )


@lru_cache(maxsize=1)
def _window() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Hann window (n,), orthonormal polynomials (n², 6), and the band of each frequency."""
    axis = np.linspace(-1, 1, BLOCK)
    y, x = (part.ravel() for part in np.meshgrid(axis, axis, indexing="ij"))
    smooth, _ = np.linalg.qr(np.stack([np.ones_like(y), y, x, y * x, y * y, x * x], axis=1))
    frequency = np.fft.fftfreq(BLOCK)
    band = np.digitize(np.hypot(*np.meshgrid(frequency, frequency)), BANDS)
    return np.hanning(BLOCK + 2)[1:-1], smooth, band


def _transform(blocks: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Fourier transform of windowed blocks whose mean, slopes and curvature are taken out."""
    window, smooth, _ = _window()
    flat = blocks.reshape(len(blocks), -1)
    flat = flat - (flat @ smooth) @ smooth.T
    shaped = flat.reshape(-1, BLOCK, BLOCK) * np.outer(window, window)
    found: NDArray[np.complex128] = np.fft.fft2(shaped) / np.square(window).sum()
    return found


def block_power(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Periodogram of each block, (n, `BLOCK`, `BLOCK`), its mean the variance for white noise."""
    return np.square(np.abs(_transform(blocks)))


def _by_band(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over each of `BANDS`, (..., bands), of (..., `BLOCK`, `BLOCK`)."""
    _, _, band = _window()
    return np.stack([power[..., band == k].mean(axis=-1) for k in range(1, len(BANDS))], axis=-1)


def band_power(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the power of `block_power` in the bands between `BANDS`, blocks counted alike."""
    density = _by_band(power)
    density = (density / density.sum(axis=1, keepdims=True).clip(1e-12)).mean(axis=0)
    return np.asarray(density / density.sum())


def measured_texture(stack: Stack, corners: Corners | None = None) -> Texture | None:
    """Kernel and direction whose noise has the power that is measured in a scan's calm blocks.

    None where there are too few. Below the lowest band the kernel's gain is that of the band.
    """
    corners = calm_blocks(stack.array) if corners is None else corners
    if len(corners) < FEWEST:
        return None
    power, variance = block_power(cut(stack.array, corners)), _by_angle(stack, corners)
    angle = np.arange(len(variance)) * (math.pi / len(variance))
    near_y, near_x = (np.abs(part(angle)) < math.sin(SECTOR) for part in (np.cos, np.sin))
    expected = variance[near_y].mean() / variance[near_x].mean()
    wanted = math.log(direction(power) / expected) / (2 * MEAN_COS)
    modulation = round(float(np.clip(wanted, -MOST, MOST)), 2)
    design = expected_power(variance * np.exp(-modulation * np.cos(2 * angle)))
    return Texture(kernel_of_power(band_power(power), design), modulation)


def direction(power: NDArray[np.float64]) -> float:
    """Ratio of the power of waves along y to that along x, each within 30°, blocks alike.

    Streaks along a body that is wider than deep are waves along y.
    """
    frequency = np.fft.fftfreq(BLOCK)
    x, y = np.meshgrid(frequency, frequency)
    counted = (np.hypot(x, y) >= BANDS[0]) & (np.hypot(x, y) < 0.5)
    along_y = counted & (np.abs(x) < math.tan(SECTOR) * np.abs(y))
    along_x = counted & (np.abs(y) < math.tan(SECTOR) * np.abs(x))
    shares = power / power.mean(axis=(1, 2), keepdims=True).clip(1e-12)
    return float(shares[:, along_y].mean() / shares[:, along_x].mean())


def _by_angle(stack: Stack, corners: Corners) -> NDArray[np.float64]:
    """Variance of the rays through blocks by angle, (views,), unmodulated, blocks alike.

    A ray through line integral p has the variance eᵖ.
    """
    total = np.zeros(0)
    for z in sorted({corner[0] for corner in corners}):
        slices, window = low_dose(stack.array[z : z + 1], stack.pixel_mm)
        paths = slices.paths[0].numpy().astype(np.float64)
        views, rays = paths.shape
        angle = np.arange(views) * (math.pi / views)
        middle = 0.5 * (BLOCK - slices.size)
        for _, top, left in (corner for corner in corners if corner[0] == z):
            y, x = top + window[0].start + middle, left + window[1].start + middle
            at = (x * np.cos(angle) + y * np.sin(angle)) * rays / slices.size + 0.5 * rays
            through = paths[np.arange(views), np.clip(at.astype(int), 0, rays - 1)]
            variance = np.exp(through - through.max())
            total = (total if total.size else np.zeros(views)) + variance / variance.mean()
    return total / len(corners)


def kernel_of_power(power: NDArray[np.float64], design: NDArray[np.float64]) -> Kernel:
    """Kernel whose noise has a share of its power in each of `BANDS`; see `expected_power`."""
    centres = 0.5 * (np.array(BANDS[1:]) + np.array(BANDS[:-1]))
    squared = np.interp(NODES, centres, power / centres)
    squared *= power.sum() / (design @ squared).sum()
    floor = FLOOR * power.max()
    for _ in range(UPDATES):
        expected = design @ squared + floor
        ratio = (power + floor) / expected
        squared *= np.sqrt((design.T @ (ratio / expected)) / (design.T @ (1 / expected)))
    gains = np.sqrt(squared / squared.max())
    lowest = round(NODES[0] / RESPONSE_STEP)
    response = (*gains[:1].repeat(lowest), *gains, gains[-1])
    return Kernel(1.0, response=tuple(round(float(gain), 5) for gain in response))


def expected_power(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected power by band, (bands, nodes), for W² of 1 at each of `NODES` and 0 at the others.

    Linear between, level below the first. Noise of power S has the autocovariance of its Fourier
    transform; what blocks' windows and polynomials do to it is linear. Back-projection takes the
    nearest of a few samples a pixel: a box that lowers high frequencies, and errors of rounding
    that are white.

    Parameters
    ----------
    variance : ndarray, shape (views,)
        Of rays by angle over 180°.
    """
    wide = 4 * BLOCK
    frequency, nodes = np.fft.fftfreq(wide), np.eye(len(NODES))
    power, lost = np.zeros((len(NODES), wide, wide)), np.zeros((len(NODES), 1, 1))
    around = np.append(variance, variance[0]) / variance.mean()
    for shift_y, shift_x in product((-1, 0, 1), repeat=2):  # what the pixels alias
        x, y = np.meshgrid(frequency + shift_x, frequency + shift_y)
        f, angle = np.hypot(x, y), np.arctan2(y, x) % math.pi
        density = np.interp(angle, np.linspace(0, math.pi, len(around)), around)
        ramp = np.where(f <= BEYOND, f * density, 0.0)
        kept = np.sinc(f / UPSAMPLING) ** 2
        for k, one in enumerate(nodes):
            part = ramp * np.interp(f, NODES, one)
            power[k] += kept * part
            lost[k] += ((1 - kept) * part).mean()
    covariance = np.fft.ifft2(power + lost).real
    place = np.arange(BLOCK)
    lag = place[:, None] - place
    columns = []
    for one in covariance:
        pixels = one[lag[:, None, :, None], lag[None, :, None, :]].reshape(BLOCK**2, -1)
        found = ((pixels @ _analysis()) * _analysis()).sum(axis=0)
        columns.append(_by_band(found.reshape(2, BLOCK, BLOCK).sum(axis=0)))
    return np.stack(columns, axis=1)


@lru_cache(maxsize=1)
def _analysis() -> NDArray[np.float64]:
    """What is done to a block: matrix (pixels, real and imaginary parts of frequencies)."""
    found = _transform(np.eye(BLOCK**2)).reshape(BLOCK**2, -1)
    return np.concatenate([found.real, found.imag], axis=1)
