"""Figures of one image of one case, in the terms of `evaluation.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.real_noise import edge_gain, std_within
from medrestore.evaluation.fidelity import psnr, rmse, ssim, through_plane
from medrestore.evaluation.floor import clean_rmse, excess_rmse, rician_mean, rmse_floor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case

DATA_RANGE = {"MR": 1.0, "CT": 400.0}
"""Of PSNR: the foreground scale; the abdominal window 50/400 HU."""
LIMITS = {"MR": (0.0, 1.0), "CT": (-150.0, 250.0)}
"""Of SSIM, whose data range is the width."""


def figures(
    image: NDArray[np.float32], case: Case, mean_of_40: NDArray[np.float32] | None = None
) -> dict[str, Any]:
    """Every figure of a whole restored volume; which ones depends on the kind of case.

    Units: fractions of the foreground scale (MR), HU (CT).
    """
    if case.kind == "repeat":
        return _repeat(image, case, mean_of_40)
    if case.kind == "phantom":
        return _phantom(image, case)
    mask, truth = case.mask, case.truth
    measured, floor = rmse(image, truth, mask), rmse_floor(case.own, case.sigma)
    return {
        "psnr": psnr(image, truth, mask, DATA_RANGE[case.modality]),
        "ssim": ssim(image, truth, mask, LIMITS[case.modality]),
        "rmse": measured,
        "bias": float(np.mean(image[mask].astype(np.float64) - truth[mask])),
        "floor": floor,
        "excess": excess_rmse(measured, floor),
        "clean_rmse": clean_rmse(image, truth, case.noisy, mask, case.own, case.sigma),
        "change": rmse(image, case.noisy, mask) / case.sigma,
        "through_plane": through_plane(image, truth, mask),
    }


def _repeat(
    image: NDArray[np.float32], case: Case, mean_of_40: NDArray[np.float32] | None
) -> dict[str, Any]:
    """Against the other repeat: as a magnitude with the same noise, unless it is one already."""
    seen = image if image is case.noisy else rician_mean(image, case.sigma)
    measured = rmse(seen, case.truth, case.mask)
    found = {
        "psnr": psnr(seen, case.truth, case.mask, 1.0),
        "ssim": ssim(seen, case.truth, case.mask, LIMITS["MR"]),
        "rmse": measured,
        "bias": float(np.mean(seen[case.mask].astype(np.float64) - case.truth[case.mask])),
        "floor": case.own,
        "excess": excess_rmse(measured, case.own),
    }
    if mean_of_40 is not None:
        found["rmse_mean_of_40"] = rmse(seen, mean_of_40, case.mask)
    return found


def _phantom(image: NDArray[np.float32], case: Case) -> dict[str, Any]:
    """In uniform inserts: against the smooth reconstruction, and what was done to the input."""
    mask = case.mask
    return {
        "rmse": rmse(image, case.truth, mask),
        "bias": float(np.mean(image[mask].astype(np.float64) - case.noisy[mask])),
        "std": std_within(image, mask),
        "edge_gain": edge_gain(image, case.noisy, case.truth),
        "change": rmse(image, case.noisy, mask) / case.sigma,
    }
