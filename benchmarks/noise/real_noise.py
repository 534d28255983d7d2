"""The estimate on noise that scanners made, against what repeats of the scan say.

Eight diffusion contrasts were scanned twice (``real_noise/mr_dti_repeat*``): half the variance of
their difference is the noise's, in the tissue (robustly, as 1.4826 times a median). In the first,
b = 0, cerebrospinal fluid pulsates and the difference is no noise; it is left out. Two
reconstructions of a CT phantom were measured in uniform inserts once (README of the data).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import medrestore as mr
from benchmarks.noise.scans import DATA
from medrestore.core.intensity import foreground_scale
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FOLDER", "rows"]

FOLDER = DATA / "real_noise"
TISSUE = 0.35
"""Of the foreground scale."""
PHANTOM_HU = {"ct_phantom_smooth_idose": 2.7, "ct_phantom_sharp_bone": 17.8}


def rows() -> Iterator[dict[str, object]]:
    """A row for each contrast of the repeats, and for each reconstruction of the phantom."""
    first, second = (mr.read(FOLDER / f"mr_dti_repeat{n}.nii.gz", "MR").array for n in (1, 2))
    for contrast in range(1, len(first)):
        one, other = first[contrast], second[contrast]
        tissue = (one + other) / 2 > TISSUE * foreground_scale(one)
        difference = (one - other)[tissue] / np.sqrt(2)
        spread = 1.4826 * float(np.median(np.abs(difference - np.median(difference))))
        yield _row(f"mr_dti_repeat1, contrast {contrast}", one, "MR", spread)
    for name, known in PHANTOM_HU.items():
        array = mr.read(FOLDER / f"{name}.nii.gz", "CT").array
        yield _row(name, array, "CT", known)
        middle = len(array) // 2
        yield _row(f"{name}, one slice", array[middle : middle + 1], "CT", known)


def _row(name: str, array: np.ndarray, modality: str, known: float) -> dict[str, object]:
    found = modality_named(modality).estimate_noise(array)
    return {
        "scan": name,
        "known": round(known, 2),
        "found": round(found.sigma, 2),
        "low": round(found.between[0], 2) if found.between else float("nan"),
        "high": round(found.between[1], 2) if found.between else float("nan"),
        "method": found.method,
    }
