"""Label maps with random contrast: real or random shapes, intensities that no scan has.

The idea of SynthSeg (Billot et al. 2023, doi:10.1016/j.media.2023.102789), without its noise: a
network that has seen every contrast relies on none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from medrestore.modalities import modality_named
from medrestore.training.synthesis.dead_leaves import finished, power_law_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["painted", "random_labels", "segmented"]


def segmented(
    rng: np.random.Generator, array: NDArray[np.float32], modality: str
) -> NDArray[np.int32]:
    """Labels of a scan: smoothed intensities cut at quantiles, ragged borders voted away.

    Parameters
    ----------
    rng : Generator
        Draws the number of labels (5 to 9) and the smoothing.
    array : ndarray, shape (z, y, x)
        Part of a scan.
    modality : str
        Decides what is air: below −500 HU, or below 6 % of the largest values.

    Returns
    -------
    ndarray of int32, shape (z, y, x)
        0 is air; higher labels are brighter tissue.
    """
    smooth = ndimage.gaussian_filter(array, [0.5, *[rng.uniform(0.8, 1.6)] * 2], truncate=3)
    above = modality_named(modality).tissue
    air = 0.06 * float(np.percentile(smooth, 99.5)) if above is None else above
    tissue = smooth[smooth > air]
    if not tissue.size:
        return np.zeros(array.shape, dtype=np.int32)
    cuts = np.quantile(tissue, np.sort(rng.uniform(0.03, 0.97, int(rng.integers(4, 9)))))
    rough = np.where(smooth > air, np.searchsorted(cuts, smooth) + 1, 0)
    best = np.full(array.shape, -1, dtype=np.float32)
    labels = np.zeros(array.shape, dtype=np.int32)
    for label in range(len(cuts) + 2):
        votes = ndimage.uniform_filter((rough == label).astype(np.float32), (1, 3, 3))
        better = votes > best
        labels[better], best[better] = label, votes[better]
    return labels


def random_labels(
    rng: np.random.Generator, shape: tuple[int, int, int], count: int = 7
) -> NDArray[np.int32]:
    """Labels without a scan: the largest of several smooth random fields at each voxel."""
    fields = [power_law_field(rng, shape, rng.uniform(4.5, 6.5)) for _ in range(count)]
    return np.asarray(np.argmax(fields, axis=0), dtype=np.int32)


def painted(
    rng: np.random.Generator, labels: NDArray[np.int32], modality: str
) -> NDArray[np.float32]:
    """A noise-free volume from labels: bent, one random intensity a label, texture, bias.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    labels : ndarray of int, shape (z, y, x)
        0 keeps the intensity of air.
    modality : str
        Intensities in HU, or 0 to about 1 of the foreground scale.
    """
    labels = _bent(rng, labels)
    count = int(labels.max()) + 1
    anatomy = modality_named(modality).trained.anatomy
    value = anatomy.values(rng, count)
    value[0] = modality_named(modality).air
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    array: NDArray[np.float32] = value[labels]
    for exponent in (3.5, 2.0):  # slow drifts, then texture
        amount = anatomy.texture * rng.random(count).astype(np.float32) ** 2
        amount[0] = 0
        array += amount[labels] * power_law_field(rng, shape, exponent)
    return finished(rng, array, modality)


def _bent(rng: np.random.Generator, labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Zoomed by 0.8 to 1.25 and displaced smoothly in the plane by up to some 5 pixels."""
    height, width = labels.shape[1:]
    zoom = np.exp(rng.uniform(np.log(0.8), np.log(1.25), 2))
    drift = ndimage.zoom(rng.normal(0, 2.0, (2, 4, 4)), (1, height / 4, width / 4), order=3)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    y = (np.arange(height) - middle[0])[:, None] * zoom[0] + middle[0] + drift[0]
    x = (np.arange(width) - middle[1])[None, :] * zoom[1] + middle[1] + drift[1]
    rows, columns = _mirrored(np.rint(y), height), _mirrored(np.rint(x), width)
    return np.ascontiguousarray(labels[:, rows, columns])


def _mirrored(place: NDArray[np.float64], n: int) -> NDArray[np.int_]:
    """Whole positions beyond an end folded back."""
    folded = np.abs(place)
    return np.asarray(np.clip((n - 1) - np.abs((n - 1) - folded), 0, n - 1), dtype=np.int_)
