"""Voxels that are judged, chosen by the reference: tissue, intensity windows and strata."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.results.result import Result

__all__ = [
    "FEWEST",
    "FOREGROUND",
    "Stratum",
    "Window",
    "by_gradient",
    "by_tissue",
    "strata",
    "tissue",
    "voxels_in",
    "windows_of",
]

FOREGROUND = "foreground"
FEWEST = 200
"""Windows and strata with fewer voxels are left out."""


def tissue(reference: NDArray[np.float32], modality: str) -> NDArray[np.bool_]:
    """Voxels that count: MR foreground, or CT between −900 and 2000 HU; by the reference alone."""
    counted = modality_named(modality).evaluation.counted
    if counted is None:
        return np.asarray(reference > FOREGROUND_FRACTION * foreground_scale(reference))
    low, high = counted
    return (reference > low) & (reference < high)


class Window(NamedTuple):
    """A named interval of intensities, in the scan's unit; its width is the data range."""

    name: str
    low: float
    high: float

    @property
    def data_range(self) -> float:
        """Width, which PSNR and SSIM are relative to."""
        return self.high - self.low


def windows_of(reference: NDArray[np.float32], modality: str) -> tuple[Window, ...]:
    """The windows of a scan, the foreground first.

    MR has no unit, so the foreground reaches from 0 to the reference's foreground scale
    (`core.intensity.foreground_scale`).
    """
    judged = modality_named(modality).evaluation
    low, high = judged.counted or (0.0, foreground_scale(reference))
    return (Window(FOREGROUND, low, high), *(Window(*window) for window in judged.windows))


def voxels_in(
    window: Window, reference: NDArray[np.float32], counted: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Voxels that count and whose *reference* lies in the window; for the foreground all."""
    if window.name == FOREGROUND:
        return counted
    return counted & (reference >= window.low) & (reference <= window.high)


Strata = dict[str, "NDArray[np.bool_]"]


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


def _terciles(values: NDArray[Any], mask: NDArray[np.bool_], names: tuple[str, ...]) -> Strata:
    third = np.digitize(values, np.quantile(values[mask], (1 / 3, 2 / 3)))
    return {name: mask & (third == i) for i, name in enumerate(names)}


@dataclass(frozen=True)
class Stratum:
    """Metrics of the restored image in one part of the foreground.

    Parameters
    ----------
    kind, name : str
        ``"tissue"`` (CT: windows of HU, `modalities.ct.TISSUES_HU`; MR: thirds of the intensity,
        dark to bright) or ``"gradient"`` (thirds of the in-plane gradient, flat to edge).
    voxels : int
        Number that count.
    rmse, rmse_noisy, bias : float
        Of the restored and of the noisy image, in the scan's unit.
    covered, std_ratio : float, optional
        Coverage of the result's interval, and √(mean std² / mean error²); None without a result.
    method : str
        Name of what restored the image.
    """

    kind: str
    name: str
    voxels: int
    rmse: float
    rmse_noisy: float
    bias: float
    covered: float | None = None
    std_ratio: float | None = None
    method: str = "restored"


def strata(
    reference: NDArray[np.float32],
    noisy: NDArray[np.float32],
    restored: NDArray[np.float32],
    mask: NDArray[np.bool_],
    modality: str,
    result: Result | None = None,
    method: str = "restored",
) -> tuple[Stratum, ...]:
    """Metrics of every tissue and gradient stratum with at least `FEWEST` voxels.

    Arrays are (z, y, x); ``result`` brings std and interval, where there is one; ``method`` is the
    name of what restored.
    """
    filled = np.nan_to_num(reference)  # a gradient beside NaN would be none
    kinds = {
        "tissue": by_tissue(filled, mask, modality),
        "gradient": by_gradient(filled, mask),
    }
    return tuple(
        replace(_stratum(kind, name, inside, (reference, noisy, restored), result), method=method)
        for kind, named in kinds.items()
        for name, inside in named.items()
        if inside.sum() >= FEWEST
    )


def _stratum(
    kind: str,
    name: str,
    inside: NDArray[np.bool_],
    arrays: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    result: Result | None,
) -> Stratum:
    truth, noisy, restored = (array[inside].astype(np.float64) for array in arrays)
    error = restored - truth
    mean_square = np.mean(error**2)
    covered = ratio = None
    if result is not None:
        lower, upper, std = (
            volume.array[inside] for volume in (result.lower, result.upper, result.std)
        )
        covered = float(np.mean((truth >= lower) & (truth <= upper)))
        if mean_square:
            ratio = float(np.sqrt(np.mean(std.astype(np.float64) ** 2) / mean_square))
    return Stratum(
        kind,
        name,
        int(inside.sum()),
        float(np.sqrt(mean_square)),
        float(np.sqrt(np.mean((noisy - truth) ** 2))),
        float(error.mean()),
        covered,
        ratio,
    )
