"""Figures of a method on the crops of a data set; every crop counts the same.

Of real noise, whose truth nobody knows, what can be told: repeats against each other, with the
Rician bias added to the restored one; inserts of the phantom against the smooth reconstruction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.families.texture import texture
from benchmarks.quality.real_noise import edge_gain, std_within
from benchmarks.quality.scores import DATA_RANGE, LIMITS
from medrestore.evaluation.coverage import coverage, std_ratio
from medrestore.evaluation.fidelity import psnr, rmse, ssim
from medrestore.evaluation.floor import rician_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from benchmarks.families.crops import Crop
    from benchmarks.families.drawn import Drawn

__all__ = ["SIDES", "figures"]

SIDES = (4, 8, 16, 32)
"""Of the square regions whose means are asked for: 16 to 1024 voxels."""
MOST = 64
"""Regions of a size in a crop."""

Pair = tuple["Crop", "Drawn"]


def figures(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Everything that can be said of a method on a data set; names are the table's columns."""
    fidelity = [_fidelity(crop, drawn) for crop, drawn in pairs]
    names = dict.fromkeys(name for one in fidelity for name in one)
    found: dict[str, Any] = {
        name: float(np.mean([one[name] for one in fidelity if name in one])) for name in names
    }
    found["psnr_each"] = ";".join(f"{one['psnr']:.2f}" for one in fidelity)
    if all(crop.kind == "simulated" for crop, _ in pairs):
        found |= _honesty(pairs)
    return found | texture(pairs)


def _fidelity(crop: Crop, drawn: Drawn) -> dict[str, float]:
    """How near the image is to the reference, and one sample to it."""
    shown = drawn.shown
    if crop.kind == "repeat":
        shown = rician_mean(shown, crop.noise.sigma)
    data_range, limits = DATA_RANGE[crop.modality], LIMITS[crop.modality]
    found = {"psnr": psnr(shown, crop.truth, crop.mask, data_range)}
    if crop.kind == "phantom":
        return found | _phantom(crop, shown)
    found["ssim"] = ssim(shown[None], crop.truth[None], crop.mask[None], limits)
    if crop.mean_of_40 is not None:
        found["rmse_mean_of_40"] = rmse(shown, crop.mean_of_40, crop.mask)
    if crop.kind == "simulated" and drawn.samples is not None:
        found["psnr_sample"] = psnr(drawn.samples[0], crop.truth, crop.mask, data_range)
    return found


def _phantom(crop: Crop, shown: NDArray[np.float32]) -> dict[str, float]:
    """Noise left in the insert, and the contrast kept at its edge."""
    image, noisy, smooth = (np.stack([one] * 3) for one in (shown, crop.plane, crop.truth))
    return {
        "noise_left": std_within(shown[None], crop.mask[None]),
        "edge_gain": edge_gain(image, noisy, smooth),
    }


def _honesty(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Whether map, interval, samples and regions tell the error."""
    rows = []
    for crop, drawn in pairs:
        args = crop.truth, crop.mask
        row = {
            "std_ratio": std_ratio(drawn.std, drawn.shown, *args),
            "cover90": coverage(drawn.lower, drawn.upper, *args),
        }
        if drawn.samples is not None:
            spread = np.sqrt(drawn.samples.var(axis=0, ddof=1))
            row["sample_ratio"] = std_ratio(spread, drawn.shown, *args)
        rows.append(row)
    found: dict[str, Any] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    for side in SIDES:
        inside = [
            lower <= float(crop.truth[mask].mean(dtype=np.float64)) <= upper
            for crop, drawn in pairs
            for mask in squares(crop.body, side)
            for lower, upper in (drawn.region(mask),)
        ]
        found[f"regions_{side**2}"] = len(inside)
        if inside:
            found[f"cover90_{side**2}"] = float(np.mean(inside))
    return found


def squares(mask: NDArray[np.bool_], side: int) -> Iterator[NDArray[np.bool_]]:
    """Disjoint squares that lie inside a mask, at most `MOST`, spread over all there are."""
    height, width = (n // side for n in mask.shape)
    places = [
        (slice(y * side, (y + 1) * side), slice(x * side, (x + 1) * side))
        for y, x in np.ndindex(height, width)
    ]
    full = [at for at in places if mask[at].all()]
    for at in full[:: max(1, -(-len(full) // MOST))]:
        found = np.zeros_like(mask)
        found[at] = True
        yield found
