"""Figures by what the reference shows: by tissue and by how steep it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.evaluation.coverage import by_gradient, by_tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.results.result import Result

__all__ = ["FEWEST", "Stratum", "strata"]

FEWEST = 200
"""Windows and strata with fewer voxels are left out."""


@dataclass(frozen=True)
class Stratum:
    """Figures of the restored image in one part of the foreground.

    Parameters
    ----------
    kind, name : str
        ``"tissue"`` (CT: windows of HU, `modalities.ct.TISSUES_HU`; MR: thirds of the intensity,
        dark to bright) or ``"gradient"`` (thirds of the in-plane gradient, flat to edge).
    voxels : int
        How many count.
    rmse, rmse_noisy, bias : float
        Of the restored and of the noisy image, in the scan's unit.
    covered, std_ratio : float, optional
        What the result's interval covers, and √(mean std² / mean error²); None without a result.
    method : str
        What restored the image.
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

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return asdict(self)


def strata(
    reference: NDArray[np.float32],
    noisy: NDArray[np.float32],
    restored: NDArray[np.float32],
    mask: NDArray[np.bool_],
    modality: str,
    result: Result | None = None,
    method: str = "restored",
) -> tuple[Stratum, ...]:
    """Figures of every tissue and gradient stratum with at least `FEWEST` voxels.

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
