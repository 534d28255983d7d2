"""Calibration of an uncertainty: metrics on arrays of truth, mean and standard deviation.

Everything is a pure function of voxels that were already chosen; every voxel counts the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = [
    "ause",
    "by_gradient",
    "by_tissue",
    "covered",
    "crps",
    "ence",
    "error_by_std",
    "pit_histogram",
    "region_means",
    "stratified",
]

Strata = dict[str, "NDArray[np.bool_]"]


def covered(
    truth: NDArray[Any], mean: NDArray[Any], half_width: NDArray[Any] | float
) -> NDArray[np.bool_]:
    """True where voxels lie within mean ± half-width; its average is the coverage."""
    return np.asarray(np.abs(truth - mean) <= half_width)


def crps(truth: NDArray[Any], mean: NDArray[Any], std: NDArray[Any]) -> NDArray[np.float64]:
    """Continuous ranked probability score of a Gaussian, in the image's unit; less is better.

    σ [z (2Φ(z) − 1) + 2φ(z) − 1/√π] with z = (truth − mean)/σ
    (Gneiting & Raftery 2007, doi:10.1198/016214506000001437).
    """
    z = (np.asarray(truth, np.float64) - mean) / std
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(std * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


def ence(error: NDArray[Any], std: NDArray[Any], bins: int = 15) -> float:
    """Expected normalised calibration error: mean over bins of |RMS std − RMS error| / RMS std.

    Bins hold equally many voxels, sorted by std (Levi et al. 2022, doi:10.3390/s22155540). Zero is
    perfect.
    """
    stds, errors = error_by_std(error, std, bins)
    return float(np.mean(np.abs(1 - errors / stds)))


def error_by_std(
    error: NDArray[Any], std: NDArray[Any], bins: int = 15
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RMS std and RMS error of bins that hold equally many voxels, sorted by std.

    On the diagonal where the standard deviation is honest at every size (Levi et al. 2022,
    doi:10.3390/s22155540). Fewer bins where there are fewer voxels.
    """
    order = np.argsort(std, axis=None)
    stds, errors = (np.ravel(a)[order].astype(np.float64) for a in (std, error))
    parts = zip(np.array_split(stds, bins), np.array_split(errors, bins), strict=True)
    pairs = [(np.sqrt((s**2).mean()), np.sqrt((e**2).mean())) for s, e in parts if s.size]
    return np.array([s for s, _ in pairs]), np.array([e for _, e in pairs])


def ause(error: NDArray[Any], std: NDArray[Any], steps: int = 100) -> float:
    """Area under the sparsification error: 0 where the largest std sits at the largest error.

    The RMS error of what remains when the most uncertain voxels are left out, minus the same when
    the most wrong ones are, over the RMS error of all; averaged over the fractions left out (Ilg
    et al. 2018, doi:10.1007/978-3-030-01234-2_40).
    """
    squared = np.ravel(error).astype(np.float64) ** 2
    keep = np.maximum(np.round(squared.size * (1 - np.arange(steps) / steps)).astype(int), 1)

    def remaining(key: NDArray[Any]) -> NDArray[np.float64]:
        total = np.cumsum(squared[np.argsort(key)])
        return np.asarray(np.sqrt(total[keep - 1] / keep))

    gap = remaining(np.ravel(std)) - remaining(squared)
    return float(gap.mean() / np.sqrt(squared.mean()))


def pit_histogram(
    truth: NDArray[Any], mean: NDArray[Any], std: NDArray[Any], bins: int = 10
) -> NDArray[np.float64]:
    """Share of voxels in equal bins of Φ((truth − mean)/std); flat at 1/bins if calibrated."""
    pit = ndtr((np.ravel(truth).astype(np.float64) - np.ravel(mean)) / np.ravel(std))
    counts, _ = np.histogram(pit, bins, (0, 1))
    return np.asarray(counts / counts.sum())


def region_means(
    maps: Iterable[NDArray[Any]], inside: NDArray[np.bool_], block: tuple[int, int, int]
) -> list[NDArray[np.float64]]:
    """Means over the blocks of a grid that lie wholly inside a mask.

    Parameters
    ----------
    maps : iterable of ndarray, shape (..., z, y, x)
        What is averaged, e.g. truth, μ and samples ``(k, z, y, x)``; each by itself.
    inside : ndarray of bool, shape (z, y, x)
        The mask.
    block : tuple of int
        Voxels of a block along ``(z, y, x)``; 10² to 10⁴ in all are usual.

    Returns
    -------
    list of ndarray, shape (..., blocks)
        One for each map, the blocks in the same order.
    """
    kept = _blocks(inside, block).all(axis=-1)
    return [_blocks(one, block).mean(axis=-1, dtype=np.float64)[..., kept] for one in maps]


def _blocks(array: NDArray[Any], block: tuple[int, int, int]) -> NDArray[Any]:
    """(..., z, y, x) → (..., blocks, voxels of a block); what does not fill a block is cut off."""
    lead = array.shape[:-3]
    counts = [n // b for n, b in zip(array.shape[-3:], block, strict=True)]
    z, y, x = (c * b for c, b in zip(counts, block, strict=True))
    cut = array[..., :z, :y, :x]
    split = cut.reshape(*lead, counts[0], block[0], counts[1], block[1], counts[2], block[2])
    n = len(lead)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3, n + 5)
    return split.transpose(order).reshape(*lead, int(np.prod(counts)), int(np.prod(block)))


def by_tissue(reference: NDArray[Any], mask: NDArray[np.bool_], modality: str) -> Strata:
    """Masks by what the reference shows: tissues of the modality, else terciles of intensity."""
    tissues = modality_named(modality).evaluation.tissues
    if not tissues:
        return _terciles(reference, mask, ("dark", "middle", "bright"))
    return {
        name: mask & (reference > low) & (reference <= high)
        for name, (low, high) in tissues.items()
    }


def by_gradient(reference: NDArray[Any], mask: NDArray[np.bool_]) -> Strata:
    """Masks by terciles of the reference's in-plane gradient magnitude, (z, y, x)."""
    y, x = np.gradient(np.asarray(reference, np.float64), axis=(-2, -1))
    return _terciles(np.hypot(y, x), mask, ("flat", "sloping", "edge"))


def stratified(values: NDArray[Any], strata: Strata, fewest: int = 200) -> dict[str, float]:
    """Mean of a map in each stratum that holds at least ``fewest`` voxels."""
    return {
        name: float(values[inside].mean())
        for name, inside in strata.items()
        if inside.sum() >= fewest
    }


def _terciles(values: NDArray[Any], mask: NDArray[np.bool_], names: tuple[str, ...]) -> Strata:
    third = np.digitize(values, np.quantile(values[mask], (1 / 3, 2 / 3)))
    return {name: mask & (third == i) for i, name in enumerate(names)}
