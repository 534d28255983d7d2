"""Interface that a run needs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.families import Family
    from medrestore.core.fusion import Trust
    from medrestore.core.intervals import Intervals
    from medrestore.core.predictor import Condition, Prediction
    from medrestore.core.spectra import Spectra
    from medrestore.core.tiles import Windows

__all__ = ["Engine"]


class Engine(Protocol):
    """Networks, spectra and factors as the pipeline uses them; `models.model.Model` has them."""

    slices: int
    sigma_range: tuple[float, float]
    spectra: Spectra
    family: Family
    latent: Spectra | None

    def windows(self, length: int) -> Windows:
        """Windows of slices that are read together, of a scan of ``length`` slices."""

    def predict(self, c: Condition) -> Prediction:
        """μ and log s of whole slices; the slices of a window follow each other."""

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """Condition of the refiner, (batch, channels, y, x)."""

    def denoiser(
        self, batch: int, windows: Windows, slices: Sequence[int], stride: int = 0
    ) -> Denoiser:
        """The refiner over a batch that holds these slices of a scan; ``stride`` 0: its own."""

    def decode(self, z: Tensor, condition: Tensor, shape: tuple[int, int], batch: int) -> Tensor:
        """The residual's mean, (n, 1, *shape), given the sampled state."""

    def intervals(self, method: str) -> Intervals:
        """Calibrated factors of ``"predictor"`` or ``"sampler:steps"``."""

    def trust(self, method: str) -> Trust:
        """Worth of what is known of a voxel's variance beside samples of ``"sampler:steps"``."""
