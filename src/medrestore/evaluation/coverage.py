"""Calibration of an uncertainty: metrics on arrays of voxels, and coverage of region means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from medrestore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medrestore.results.regions import Regions
    from medrestore.results.result import Result

__all__ = [
    "LEAST",
    "SHAPES",
    "RegionLevel",
    "ause",
    "coverage",
    "crps",
    "ence",
    "error_by_std",
    "pit_histogram",
    "region_means",
    "std_ratio",
]

SHAPES = ((1, 4, 4), (1, 10, 10), (1, 32, 32), (5, 14, 14))
"""Slices, rows and columns of the boxes: 16 to 1024 voxels, flat and deep."""
LEAST = 20
"""Sizes with fewer boxes are left out."""
MOST = 40
"""Boxes looked at of each size, spread over all there are."""
SLAB = 5
"""Neighbouring slices that are computed again where a run's arrays are gone."""


def coverage(
    lower: NDArray[Any], upper: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_]
) -> float:
    """Fraction of masked voxels whose true value lies inside the interval."""
    inside = (truth >= lower) & (truth <= upper)
    return float(inside[mask].mean())


def std_ratio(
    std: NDArray[Any], image: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_]
) -> float:
    """√(mean std² / mean error²): 1 is honest, below 1 overconfident."""
    error = image[mask].astype(np.float64) - truth[mask]
    return float(np.sqrt(np.mean(std[mask].astype(np.float64) ** 2) / np.mean(error**2)))


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


class RegionLevel(NamedTuple):
    """Nominal and observed coverage of the intervals of region means, for one size.

    Parameters
    ----------
    shape : tuple of int
        Slices, rows and columns of the boxes.
    regions : int
        Their number.
    nominal, covered : float
        Share of the regions whose interval is to hold the reference's mean, and does.
    width : float
        Mean of upper − lower, in the scan's unit.
    bias : float
        Mean error of the region means, in the scan's unit.
    """

    shape: tuple[int, int, int]
    regions: int
    nominal: float
    covered: float
    width: float
    bias: float

    @property
    def voxels(self) -> int:
        """Of a box."""
        return int(np.prod(self.shape))


def region_means(
    result: Result,
    reference: NDArray[np.float32],
    counted: NDArray[np.bool_],
    redraw: bool = False,
) -> tuple[tuple[RegionLevel, ...], str]:
    """Coverage of `Result.region` over disjoint boxes that lie wholly in what counts.

    Kept samples and arrays in memory are used as they are. Of a saved run `SLAB` slices are
    computed again: at once without samples, and only if asked for with them.

    Parameters
    ----------
    result : Result
        Of a 3-D scan.
    reference : ndarray, shape (z, y, x)
        On the result's grid; its own noise, averaged, counts as error.
    counted : ndarray of bool, shape (z, y, x)
        Voxels that count.
    redraw : bool
        True if samples that were not kept may be drawn again.

    Returns
    -------
    tuple of RegionLevel
        A row for every size with enough boxes.
    str
        The reason why there is none; else empty.
    """
    if result.scan is None:
        return (), "region means are not judged: the scan of the run is not at hand"
    regions = result.regions()
    if regions.redraws and not redraw:
        return (), (
            "region means are not judged: the samples were not kept; denoise with --keep-samples, "
            "or evaluate with --redraw"
        )
    rows = list(range(len(counted)))
    if regions.redraws or regions.arrays is None:
        filled = np.convolve(counted.sum(axis=(1, 2)), np.ones(min(SLAB, len(rows))), "valid")
        first = int(filled.argmax())
        rows = rows[first : first + SLAB]
    chosen = tuple(regions.plan.chosen[row] for row in rows)
    try:
        ready = regions.ready(chosen)
    except ModelError as error:
        return (), f"region means are not judged: {error}"
    found = [_level(ready, shape, reference[rows], counted[rows], chosen) for shape in SHAPES]
    levels = tuple(one for one in found if one is not None)
    return levels, "" if levels else "region means are not judged: too little tissue for boxes"


def _level(
    ready: Regions,
    shape: tuple[int, int, int],
    reference: NDArray[np.float32],
    counted: NDArray[np.bool_],
    chosen: tuple[int, ...],
) -> RegionLevel | None:
    """One size; None with too few boxes, or deep ones where slices are not neighbours."""
    if shape[0] > 1 and (np.diff(chosen) != 1).any():
        return None
    boxes = list(_boxes(counted, shape))
    if len(boxes) < LEAST:
        return None
    picked = [boxes[i] for i in np.linspace(0, len(boxes) - 1, min(len(boxes), MOST)).astype(int)]
    inside = np.zeros(ready.plan.shape, bool)
    covered, widths, errors = [], [], []
    for box in picked:
        box_in_scan = (slice(chosen[box[0].start], chosen[box[0].stop - 1] + 1), *box[1:])
        inside[box_in_scan] = True
        region = ready.measure(inside)
        inside[box_in_scan] = False
        truth = float(reference[box].mean(dtype=np.float64))
        covered.append(region.lower <= truth <= region.upper)
        widths.append(region.upper - region.lower)
        errors.append(region.mean - truth)
    level = ready.plan.settings.level
    return RegionLevel(
        shape,
        len(picked),
        level,
        float(np.mean(covered)),
        float(np.mean(widths)),
        float(np.mean(errors)),
    )


def _boxes(
    counted: NDArray[np.bool_], shape: tuple[int, int, int]
) -> Iterator[tuple[slice, slice, slice]]:
    """Disjoint boxes of a shape that count wholly."""
    counts = [n // b for n, b in zip(counted.shape, shape, strict=True)]
    for index in np.ndindex(*counts):
        z, y, x = (slice(i * b, (i + 1) * b) for i, b in zip(index, shape, strict=True))
        if counted[z, y, x].all():
            yield z, y, x
