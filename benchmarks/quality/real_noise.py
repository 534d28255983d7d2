"""Cases with real noise: repeated diffusion scans, and a phantom in two reconstructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

import medrestore as mr
from benchmarks.quality.cases import DATA, Case, central, without_margin
from medrestore.core.intensity import foreground_scale
from medrestore.core.mr_values import gaussian_sigma

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = DATA / "real_noise"
SMOOTH_HU = 2.7
"""Noise of the phantom's smooth reconstruction as the data's page states it."""


def diffusion() -> tuple[list[Case], NDArray[np.float32]]:
    """The eight contrasts of the repeats (b = 0, then seven directions), and the mean of 40.

    Input: repeat 1, central 24 slices. Reference: repeat 2, whose noise is independent. Both and
    the mean (÷ 4) are divided by the contrast's foreground scale. Scored where the mean of 40,
    which neither repeat enters alone, is above 20 % of its own scale; σ from the repeats'
    difference there: its median absolute value over √2, as std of a magnitude of that mean
    (Koay & Basser), one number per contrast.
    """
    first, second = (mr.read(FOLDER / f"mr_dti_repeat{i}.nii.gz", "MR") for i in (1, 2))
    mean = mr.read(FOLDER / "mr_dti_mean_of_40_x4.nii.gz", "MR").array / np.float32(4)
    inner = central(len(mean))
    head = mean[inner] > 0.2 * foreground_scale(mean)
    cases, scaled = [], []
    for t, (one, two) in enumerate(zip(first.array, second.array, strict=True)):
        scale = np.float32(foreground_scale(one))
        a, b = one[inner] / scale, two[inner] / scale
        std = 1.4826 * float(np.median(np.abs(a - b)[head])) / np.sqrt(2)
        sigma = gaussian_sigma(std, float(np.median(((a + b) / 2)[head])))
        name = "mr_dti_b0" if t == 0 else f"mr_dti_b1000_{t}"
        mask = without_margin(head)
        spacing = first.geometry.spacing_mm
        cases.append(Case(name, "MR", "repeat", sigma, a, b, mask, sigma, spacing, None, sigma))
        scaled.append(mean[inner] / scale)
    return cases, np.stack(scaled)


def phantom() -> Case:
    """The phantom's sharp reconstruction, scored against the smooth one (2.7 HU).

    Scored in the uniform inserts, 6 pixels from any edge, where both reconstructions show the same
    object at any resolution; the outer slices, which lack neighbours, are left out. σ: std of the
    sharp one there (about 16 HU; 17.8 over the whole phantom, says the data's page).
    """
    sharp = mr.read(FOLDER / "ct_phantom_sharp_bone.nii.gz", "CT")
    smooth = mr.read(FOLDER / "ct_phantom_smooth_idose.nii.gz", "CT").array
    mask = uniform_inserts(smooth)
    mask[0], mask[-1] = False, False
    spacing, noisy = sharp.geometry.spacing_mm, sharp.array
    sigma = std_within(noisy, mask)
    return Case(
        "ct_phantom", "CT", "phantom", sigma, noisy, smooth, mask, sigma, spacing, None, SMOOTH_HU
    )


def std_within(array: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Standard deviation about the mean of each insert of each slice."""
    plane = np.zeros((3, 3, 3), dtype=bool)
    plane[1] = True
    labels, _ = ndimage.label(mask, plane)
    values, places = array[mask].astype(np.float64), labels[mask] - 1
    counts = np.bincount(places)
    residual = values - (np.bincount(places, values) / counts)[places]
    return float(np.sqrt((residual**2).sum() / (len(values) - len(counts))))


def uniform_inserts(smooth: NDArray[np.float32], margin: int = 6) -> NDArray[np.bool_]:
    """Inside of the inserts near 100 HU, ``margin`` pixels from their edge."""
    insert = (smooth > 50) & (smooth < 150)
    disc = np.hypot(*np.mgrid[-margin : margin + 1, -margin : margin + 1]) <= margin
    return np.stack([ndimage.binary_erosion(ndimage.binary_opening(one), disc) for one in insert])


def edge_gain(
    image: NDArray[np.float32], sharp: NDArray[np.float32], smooth: NDArray[np.float32]
) -> float:
    """Contrast kept at the inserts' edges: 1 as sharp as the input, below it blurred.

    Gradients of the image along those of the smooth reconstruction, over the input's: the smooth
    one stands in as the instrument, so that the input's noise does not enter.
    """
    edge = ndimage.binary_dilation(uniform_inserts(smooth, 3), np.ones((1, 13, 13)))
    edge &= ~uniform_inserts(smooth, 6) & (smooth < 200)
    edge[0], edge[-1] = False, False
    along = np.gradient(smooth, axis=(1, 2))

    def slope(values: NDArray[np.float32]) -> float:
        pairs = zip(np.gradient(values, axis=(1, 2)), along, strict=True)
        return float(sum((g[edge] * a[edge]).sum(dtype=np.float64) for g, a in pairs))

    return slope(image) / slope(sharp)
