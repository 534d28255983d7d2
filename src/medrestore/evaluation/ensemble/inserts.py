"""Metrics of inserts: values and sharpness of rods, and lesions that a restoration took away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import linregress

from medrestore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Linearity",
    "Recall",
    "Transfer",
    "contrast_to_noise",
    "core_of",
    "linearity",
    "recall",
    "remaining",
    "ttf",
]

PADDING = 4
"""The picture is padded to so many times its width: frequencies close enough for the rings."""
FEWEST_PX = 6
CORE = 0.6
"""Share of a rod's radius within which its value is read."""
FALSE_POSITIVES = 0.01
"""Rate at which a map is judged."""
ERASED_BELOW = 0.5
"""Share of its contrast below which a lesion counts as erased."""


@dataclass(frozen=True)
class Linearity:
    """Straight line through measured against true values.

    Parameters
    ----------
    slope, intercept : float
        Of the measured value on the true one; 1 and 0 are perfect. Intercept in the scan's unit.
    r_squared : float
        Share of the variance of the measured values that the line explains.
    largest : float
        Largest deviation of a measured value from its true one, signed, in the scan's unit.
    """

    slope: float
    intercept: float
    r_squared: float
    largest: float


def linearity(true: Sequence[float], measured: Sequence[float]) -> Linearity:
    """Return the least squares of measured on true values.

    Raises
    ------
    InputError
        If there are fewer than three, or the true values are all the same.
    """
    truth, found = np.asarray(true, dtype=np.float64), np.asarray(measured, dtype=np.float64)
    if len(truth) < 3 or len(truth) != len(found) or np.ptp(truth) == 0:
        raise InputError(
            f"linearity needs three different true values at least and as many measured, got "
            f"{len(truth)} and {len(found)}"
        )
    line = linregress(truth, found)
    error = found - truth
    worst = float(error[np.argmax(np.abs(error))])
    return Linearity(float(line.slope), float(line.intercept), float(line.rvalue) ** 2, worst)


def core_of(
    shape: tuple[int, ...], pixel_mm: tuple[float, float], diameter_mm: float
) -> NDArray[np.bool_]:
    """Return the pixels well inside a rod in the middle of a square."""
    y, x = ((np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape[-2:], pixel_mm, strict=True))
    return np.asarray(np.hypot(y[:, None], x[None]) <= CORE * diameter_mm / 2)


def contrast_to_noise(
    present: NDArray[Any], absent: NDArray[Any], inside: NDArray[np.bool_]
) -> float:
    """Return |mean with − mean without the insert| over the noise's standard deviation in a voxel.

    Both from the ensemble, over the voxels inside: anatomy and shading, the same in every
    realisation, are no noise.

    Parameters
    ----------
    present, absent : ndarray, shape (n, ...)
        Realisations with and without the insert.
    inside : ndarray of bool, shape (...)
        Voxels of the insert.
    """
    contrast = present.mean(axis=0)[inside].mean() - absent.mean(axis=0)[inside].mean()
    variance = np.mean(
        [one[:, inside].var(axis=0, ddof=1, dtype=np.float64).mean() for one in (present, absent)]
    )
    return float(abs(contrast) / np.sqrt(variance)) if variance else float("nan")


@dataclass(frozen=True, eq=False)
class Transfer:
    """A task transfer function, relative to its value about zero frequency.

    Parameters
    ----------
    frequency : ndarray, shape (m,)
        Cycles/mm, from about 0 to at most Nyquist; the mean over each ring, as the noise-free rod
        has its energy there.
    value : ndarray, shape (m,)
        Transfer from the noise-free rod to the image.
    contrast : float
        Share of the rod's contrast that is left, from the ring about zero frequency.
    """

    frequency: NDArray[np.float64]
    value: NDArray[np.float64]
    contrast: float

    def falls_to(self, level: float) -> float:
        """Return the lowest frequency at which the transfer falls below a level, cycles/mm.

        NaN where it stays above as far as it is known.
        """
        below = np.flatnonzero(self.value < level)
        if not below.size or below[0] == 0:
            return float("nan")
        two = slice(below[0] - 1, below[0] + 1)
        return float(np.interp(-level, -self.value[two], self.frequency[two]))


def ttf(
    difference: NDArray[Any],
    truth: NDArray[Any],
    diameter_mm: float,
    spacing_mm: tuple[float, float],
) -> Transfer:
    """Return the TTF of a rod against the noise-free rod on the same pixels.

    With D and S the Fourier transforms of both pictures, TTF = Σ Re(D S*) / Σ |S|² over a ring: the
    least-squares gain from S to D there. It does what the circular-edge method does (Richard et al.
    2012, doi:10.1118/1.4725171; AAPM TG-233, doi:10.37206/186), but needs no resampling of the edge
    along its radius, whose bins show at high frequencies, no derivative, and noise that is left has
    no mean in it. A ring is as wide as a lobe of the rod's Airy pattern, 1/diameter, and rings
    overlap by half. Pixels and point spread of the scene act on both pictures and cancel.

    Parameters
    ----------
    difference : ndarray, shape (..., y, x)
        Mean image with the rod less mean image without it; leading axes (slices) are averaged over.
    truth : ndarray, shape (..., y, x)
        The same without noise, before any restoration.
    diameter_mm : float
        Of the rod.
    spacing_mm : (float, float)
        Pixel size along (y, x).

    Returns
    -------
    Transfer

    Raises
    ------
    InputError
        If the rod is under 6 pixels across, the picture is not wider than it by half, or shows no
        trace of it.
    """
    height, width = truth.shape[-2:]
    if difference.shape[-2:] != (height, width):
        raise InputError(f"pictures of {difference.shape} and {truth.shape} do not fit together")
    across = diameter_mm / max(spacing_mm)
    if across < FEWEST_PX or 1.5 * diameter_mm > min(height * spacing_mm[0], width * spacing_mm[1]):
        raise InputError(
            f"a rod {across:.1f} pixels across in a picture of {height} × {width} does not do: it "
            f"needs {FEWEST_PX} pixels, and a picture 1.5 times as wide as it is"
        )
    size = PADDING * height, PADDING * width
    image, clean = (
        np.fft.fft2(np.asarray(one, np.float64).reshape(-1, height, width).mean(axis=0), size)
        for one in (difference, truth)
    )
    steps = (np.fft.fftfreq(n, s) for n, s in zip(size, spacing_mm, strict=True))
    rho = np.hypot(*np.meshgrid(*steps, indexing="ij"))
    ring, gain = _rings(rho, np.real(image * clean.conj()), np.abs(clean) ** 2, 1 / diameter_mm)
    if not gain[0]:
        raise InputError("the picture holds no trace of the rod; is it an image of this scene?")
    below = ring <= 0.5 / max(spacing_mm)
    return Transfer(ring[below], gain[below] / gain[0], float(gain[0]))


def _rings(
    rho: NDArray[np.float64],
    cross: NDArray[np.float64],
    energy: NDArray[np.float64],
    wide: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean frequency and gain of rings centred on multiples of half their width."""
    quarter = np.floor(rho / (wide / 2)).astype(np.intp)  # two of these to a ring
    sums = [np.bincount(quarter.ravel(), one.ravel()) for one in (rho * energy, cross, energy)]
    weighted, product, power = (np.concatenate([one[:1], one[:-1] + one[1:]]) for one in sums)
    return np.asarray(weighted / power), np.asarray(product / power)


@dataclass(frozen=True)
class Recall:
    """Number of lesions that a map of removed structure points at.

    Parameters
    ----------
    inserted, erased : int
        Lesions there were (realisations × places), and those of them that were erased.
    of_inserted, of_erased : float
        Share of them that were flagged; NaN where there were none.
    threshold : float
        Largest value of the map in a lesion above which it counts as flagged, the scan's unit.
    false_positives : float
        Share of the same places without lesion that were flagged at that threshold.
    """

    inserted: int
    erased: int
    of_inserted: float
    of_erased: float
    threshold: float
    false_positives: float


def remaining(
    present: NDArray[Any], absent: NDArray[Any], signal: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the share of each lesion's contrast that is left, ⟨g − ḡ₀, s⟩ / ⟨s, s⟩, (n, places).

    Parameters
    ----------
    present, absent : ndarray, shape (n, places, y, x)
        Restored pictures with and without the lesion; ḡ₀ is the mean of the latter. The noise that
        is left in a picture is in its share too.
    signal : ndarray, shape (places, y, x)
        Noise-free lesion s.
    """
    template = np.asarray(signal, dtype=np.float64)
    change = np.asarray(present, dtype=np.float64) - absent.mean(axis=0, dtype=np.float64)
    energy = np.square(template).sum(axis=(1, 2))
    return np.asarray(np.einsum("npyx,pyx->np", change, template) / energy)


def recall(
    present: NDArray[Any],
    absent: NDArray[Any],
    signal: NDArray[Any],
    left: NDArray[np.float64],
) -> Recall:
    """Return the recall of a map of removed structure at a rate of false positives.

    A place's score is the largest value of the map, of the lesion's sign, where the noise-free
    lesion has half its contrast. The threshold is the lowest at which no more than the stated share
    of the places without lesion is flagged.

    Parameters
    ----------
    present, absent : ndarray, shape (n, places, y, x)
        The ``removed`` map with and without the lesion.
    signal : ndarray, shape (places, y, x)
        Noise-free lesion.
    left : ndarray, shape (n, places)
        Share of each lesion's contrast that was left (`remaining`).
    """
    peak = np.abs(signal).max(axis=(1, 2), keepdims=True)
    inside = np.abs(signal) >= peak / 2
    sign = np.sign(signal.sum(axis=(1, 2)))[:, None, None]
    with_it, without = (
        np.where(inside, np.nan_to_num(one) * sign, -np.inf).max(axis=(2, 3))
        for one in (present, absent)
    )
    ordered = np.sort(without.ravel())
    allowed = int(FALSE_POSITIVES * ordered.size)
    threshold = max(0.0, float(ordered[ordered.size - 1 - allowed]))
    flagged, gone = with_it > threshold, left < ERASED_BELOW
    return Recall(
        inserted=int(flagged.size),
        erased=int(gone.sum()),
        of_inserted=float(flagged.mean()),
        of_erased=float(flagged[gone].mean()) if gone.any() else float("nan"),
        threshold=threshold,
        false_positives=float((without > threshold).mean()),
    )
