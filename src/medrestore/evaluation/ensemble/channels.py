"""Channels of model observers: what a channelised observer sees of a picture.

Each set is (pixels, channels), for a picture flattened; columns have unit length. An invertible mix
of the channels changes no Hotelling observer, so neither does their scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import eval_laguerre

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dense_dog", "laguerre_gauss"]

GRID = 512
"""Pixels across the grid on which the bands are transformed: wide enough for the lowest."""


def dense_dog(
    shape: tuple[int, int],
    centre: tuple[float, float] | None = None,
    count: int = 10,
    *,
    start: float = 0.005,
    growth: float = 1.4,
    ratio: float = 1.67,
) -> NDArray[np.float64]:
    """Dense differences of Gaussians (Abbey & Barrett 2001, doi:10.1364/JOSAA.18.000473).

    C_j(ρ) = exp(−½ (ρ/(Q σ_j))²) − exp(−½ (ρ/σ_j)²), σ_j = σ₀ αʲ, j = 0 …; the ten channels with
    σ₀ = 0.005 cycles/pixel, α = 1.4 and Q = 1.67 follow human observers.

    Parameters
    ----------
    shape : (int, int)
        The picture, pixels along (y, x).
    centre : (float, float), optional
        Where the lesion is expected, pixels; the middle of the picture if absent.
    count, start, growth, ratio
        Number of channels, σ₀ in cycles/pixel, α and Q.
    """
    row, column = centre or ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    grid = max(GRID, *(2 * n for n in shape))
    f = np.fft.fftfreq(grid)
    rho = np.hypot(f[:, None], f[None])
    shift = np.exp(-2j * np.pi * (f[:, None] * row + f[None] * column))
    found = []
    for number in range(count):
        sigma = start * growth**number
        band = np.exp(-0.5 * (rho / (ratio * sigma)) ** 2) - np.exp(-0.5 * (rho / sigma) ** 2)
        found.append(np.fft.ifft2(band * shift).real[: shape[0], : shape[1]].ravel())
    return _unit(np.stack(found, axis=1))


def laguerre_gauss(
    shape: tuple[int, int],
    width: float,
    centre: tuple[float, float] | None = None,
    count: int = 6,
) -> NDArray[np.float64]:
    """Laguerre–Gauss functions (Gallas & Barrett 2003, doi:10.1364/JOSAA.20.001725).

    u_p(r) = exp(−π r²/a²) L_p(2π r²/a²), p = 0 …; orthogonal on the plane.

    Parameters
    ----------
    shape, centre, count
        As for `dense_dog`.
    width : float
        a, pixels; about the diameter of the lesion or somewhat more.
    """
    row, column = centre or ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    y = (np.arange(shape[0]) - row)[:, None]
    x = (np.arange(shape[1]) - column)[None]
    square = (y**2 + x**2) / width**2
    found = [np.exp(-np.pi * square) * eval_laguerre(p, 2 * np.pi * square) for p in range(count)]
    return _unit(np.stack([one.ravel() for one in found], axis=1))


def _unit(channels: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = channels / np.linalg.norm(channels, axis=0)
    return scaled
