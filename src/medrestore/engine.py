"""What the pipeline needs of a model, and what it makes of a scan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.calibration import Intervals
    from medrestore.core.denoiser import Denoiser
    from medrestore.core.predictor import Condition, Prediction
    from medrestore.core.spectra import Spectra
    from medrestore.core.windows import Windows

__all__ = ["Arrays", "Engine"]


class Engine(Protocol):
    """What the pipeline needs of a model; `models.Model` is one."""

    slices: int
    sigma_range: tuple[float, float]
    spectra: Spectra

    def windows(self, length: int) -> Windows:
        """Which slices of a scan of ``length`` slices are read together."""

    def predict(self, c: Condition) -> Prediction:
        """μ and log s of whole slices; the slices of a window follow each other."""

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """What the refiner is told."""

    def denoiser(self, batch: int, windows: Windows, slices: Sequence[int]) -> Denoiser:
        """The refiner over a batch that holds these slices of a scan."""

    def intervals(self, method: str) -> Intervals:
        """Calibrated factors of ``"predictor"`` or ``"sampler:steps"``."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """What a run makes; each (z, y, x) or (t, z, y, x), for the plan's slices.

    ``samples`` is (k, …) or None; ``ratio`` is the mean s²/σ² of each slice, (z,) or (t, z);
    ``drawn`` is the number of samples that the maps rest on, fewer than asked for after a cancel;
    ``mu`` and ``s`` are the predictor's own.
    """

    restored: NDArray[np.float32]
    std: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    samples: NDArray[np.float32] | None
    mu: NDArray[np.float32]
    s: NDArray[np.float32]
    ratio: NDArray[np.float32]
    drawn: int

    def unmasked(self, invalid: NDArray[np.bool_], original: NDArray[np.float32]) -> Arrays:
        """Voxels that were no measurement come back as they were; their std is NaN or 0."""
        if not invalid.any():
            return self
        zero = np.where(np.isnan(original), np.nan, 0).astype(np.float32)
        changed: dict[str, Any] = {
            name: np.where(invalid, original, getattr(self, name))
            for name in ("restored", "lower", "upper", "mu", "samples")
            if getattr(self, name) is not None
        }
        changed |= {name: np.where(invalid, zero, getattr(self, name)) for name in ("std", "s")}
        return replace(self, **changed)

    @staticmethod
    def stacked(parts: Sequence[Arrays]) -> Arrays:
        """The time points of a 4-D scan, each restored on its own."""
        drawn = min(part.drawn for part in parts)
        samples = [part.samples[:drawn] for part in parts if part.samples is not None]
        maps = ("restored", "std", "lower", "upper", "mu", "s", "ratio")
        return Arrays(
            **{name: np.stack([getattr(part, name) for part in parts]) for name in maps},
            samples=np.stack(samples, axis=1) if samples else None,
            drawn=drawn,
        )
