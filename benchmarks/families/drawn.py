"""What any method gives back for one slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Drawn"]


@dataclass(frozen=True, eq=False)
class Drawn:
    """The scored slice of a crop, restored; the unit is the crop's.

    Parameters
    ----------
    shown, std, lower, upper : ndarray of float32, shape (y, x)
        The image that a user is shown, the error expected about it, its 90 % interval.
    samples : ndarray of float32, shape (k, y, x), optional
        Posterior samples; None where the method draws none.
    region : callable
        Mask (y, x) → lower and upper end of the 90 % interval of its mean.
    sampler, steps
        How the samples were drawn.
    evaluations : float
        Network evaluations for a slice, all samples together.
    slices : int
        Slices that were restored in one go: costs are divided by them.
    """

    shown: NDArray[np.float32]
    std: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    samples: NDArray[np.float32] | None
    region: Callable[[NDArray[np.bool_]], tuple[float, float]]
    sampler: str
    steps: int
    evaluations: float
    slices: int = 1
