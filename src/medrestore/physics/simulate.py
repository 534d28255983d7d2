"""A noisier scan from a scan, for `simulate` in Python and on the command line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.optimize import brentq

from medrestore.core.intensity import SOFT_TISSUE_HU, check_fraction, foreground_scale
from medrestore.errors import SettingsError
from medrestore.physics import mr
from medrestore.physics.ct import LowDose, Scanner

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["noisier_ct", "noisier_mr"]

OWN_PHOTONS = 1.5e5
"""Photons per ray at full dose on a small patient, where the scan's own noise is not given."""


def noisier_ct(
    array: NDArray[np.float32],
    pixel_mm: float,
    *,
    dose: float | None = None,
    noise: float | None = None,
    hu: float | None = None,
    own_noise_hu: float | None = None,
    seed: int = 0,
    scanner: Scanner | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Add the noise of a lower-dose CT.

    Parameters
    ----------
    array : ndarray, shape (z, y, x) or (t, z, y, x)
        The scan, HU.
    pixel_mm : float
        In-plane pixel size.
    dose : float, optional
        Fraction of the dose; photons make full-dose noise equal ``own_noise_hu``, or are 1.5e5.
    noise : None
        Noise of MR: refused.
    hu : float, optional
        Added standard deviation in soft tissue, in place of ``dose``.
    own_noise_hu : float, optional
        Noise the scan has, see ``dose``.
    seed : int
        Seed of the noise.
    scanner : Scanner, optional
        Views and kernel.

    Returns
    -------
    noisy : ndarray of float32
        The noisier scan.
    sigma : ndarray
        Standard deviation of what was added, HU.

    Raises
    ------
    SettingsError
        If the arguments do not fit, or if the scan holds no such noise: where hardly a quantum is
        left, fewer make no more.
    """
    if noise is not None or (dose is None) == (hu is None):
        raise SettingsError(
            "CT noise is asked for by dose= (a fraction) or hu= (std in soft tissue), one of "
            f"them; got dose={dose}, noise={noise}, hu={hu}"
        )
    level, generator = _Level(dose, hu, own_noise_hu), torch.Generator().manual_seed(seed)
    frames = array.reshape(-1, *array.shape[-2:])
    parts = [_slice(one, pixel_mm, level, scanner or Scanner(), generator) for one in frames]
    added, stds = (np.stack(maps).reshape(array.shape) for maps in zip(*parts, strict=True))
    return np.asarray(array + added, dtype=np.float32), stds


def noisier_mr(
    array: NDArray[np.float32],
    pixel_mm: float,
    *,
    dose: float | None = None,
    noise: float | None = None,
    hu: float | None = None,
    own_noise_hu: float | None = None,
    seed: int = 0,
    scanner: Scanner | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32] | float]:
    """Add the noise of a shorter MR acquisition.

    Parameters
    ----------
    array : ndarray, shape (z, y, x) or (t, z, y, x)
        Magnitudes.
    noise : float
        σ per channel as a fraction of the foreground scale.
    seed : int
        Seed of the noise.
    pixel_mm, dose, hu, own_noise_hu, scanner
        As of `noisier_ct`; of no use here, and the second and third refused.

    Returns
    -------
    noisy : ndarray of float32
        The noisier scan.
    sigma : float or ndarray
        σ of what was added, in the scan's unit; of a 4-D array one for each volume.

    Raises
    ------
    SettingsError
        If the arguments do not fit.
    """
    if noise is None or dose is not None or hu is not None:
        raise SettingsError(
            "MR noise is asked for by noise= (--noise), a fraction of the foreground, alone; got "
            f"dose={dose}, noise={noise}, hu={hu}"
        )
    check_fraction(noise)
    return _rician(array, noise, torch.Generator().manual_seed(seed))


def _rician(
    array: NDArray[np.float32], noise: float, generator: torch.Generator
) -> tuple[NDArray[np.float32], float | NDArray[np.float32]]:
    """Rician noise of a fraction of the foreground scale; NaN voxels stay NaN.

    Each volume of a 4-D array has a scale, and so a σ, of its own: those come as (t, 1, 1, 1).
    """
    sigma: float | NDArray[np.float32]
    if array.ndim == 4:
        sigma = np.array([noise * _scale(frame) for frame in array], np.float32)[
            :, None, None, None
        ]
    else:
        sigma = noise * foreground_scale(array)
    drawn = mr.channel_noise(array.shape, generator)
    clean = torch.from_numpy(np.ascontiguousarray(array))
    spread = torch.from_numpy(sigma) if isinstance(sigma, np.ndarray) else sigma
    return mr.rician(clean, spread, drawn).numpy(), sigma


def _scale(frame: NDArray[np.float32]) -> float:
    """Foreground scale of one volume; an empty one stays empty."""
    return foreground_scale(frame) if np.nan_to_num(frame).any() else 0.0


class _Level:
    """Strength of the noise, and the photons that give it for one slice."""

    def __init__(self, dose: float | None, hu: float | None, own: float | None) -> None:
        if hu is not None and not 0 < hu < 1000:
            raise SettingsError(f"hu is a standard deviation in 0…1000 HU, got {hu}")
        self.dose, self.hu, self.own = dose, hu, own

    def variance(self, low_dose: LowDose, soft: NDArray[np.bool_]) -> Any:
        """Added variance per ray."""
        if self.hu is None:
            dose, photons = float(self.dose or 0), OWN_PHOTONS
            if self.own is not None:  # full-dose noise is that of half the photons against none
                unit = self._soft(low_dose, low_dose.variance(0.5, 1e9), soft)
                photons = 1e9 * (unit / self.own) ** 2
            return low_dose.variance(dose, photons)
        return low_dose.variance(0.5, self._photons(low_dose, soft, self.hu))

    def _photons(self, low_dose: LowDose, soft: NDArray[np.bool_], hu: float) -> float:
        """Most photons whose loss of half gives ``hu`` in soft tissue.

        Noise grows as photons go, faster than their inverse root where electronics count, until
        rays are starved; so they are halved until there is enough, then bisected.
        """

        def short(log_photons: float) -> float:
            variance = low_dose.variance(0.5, math.exp(log_photons))
            return self._soft(low_dose, variance, soft) / hu - 1

        many = math.log(1e9)
        high = many + 2 * math.log(max(1 + short(many), 1e-6)) + math.log(4)
        while short(high) > 0:
            high += math.log(2)
        for _ in range(40):
            if short(high - math.log(2)) >= 0:
                return math.exp(brentq(short, high - math.log(2), high, xtol=2e-3))
            high -= math.log(2)
        raise SettingsError(
            f"noise of {hu:g} HU cannot be made in this scan: so few quanta are left that more "
            "noise is none; ask for less"
        )

    @staticmethod
    def _soft(low_dose: LowDose, variance: Any, soft: NDArray[np.bool_]) -> float:
        std = low_dose.std_map(variance)[0].numpy()
        return float(np.median(std[soft] if soft.any() else std))


def _slice(
    image: NDArray[np.float32],
    pixel_mm: float,
    level: _Level,
    scanner: Scanner,
    generator: torch.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Added noise and its std of one slice, computed on the smallest square around it."""
    height, width = image.shape
    size = max(height, width)
    top, left = (size - height) // 2, (size - width) // 2
    window = (slice(top, top + height), slice(left, left + width))
    square = np.full((size, size), -1000, dtype=np.float32)
    square[window] = np.nan_to_num(image, nan=-1000)
    soft = (square > SOFT_TISSUE_HU[0]) & (square < SOFT_TISSUE_HU[1])
    low_dose = LowDose(torch.from_numpy(square)[None], pixel_mm, scanner)
    variance = level.variance(low_dose, soft)
    added = low_dose.draw(variance, generator)[0].numpy()
    return added[window], low_dose.std_map(variance)[0].numpy()[window]
