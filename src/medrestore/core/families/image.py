"""Plain conditional diffusion: noise turns into the image itself, conditioned on the noisy scan.

What a tutorial would build (Saharia et al. 2021, arXiv:2104.07636): no predictor, the noisy slices
concatenated to z_t. In the terms of the other kinds μ and s are the prior's, one number each for
all images: r = (x/scale − m)/S. In training the condition is dropped at times, all of it zero, so
that the same weights know the unconditional score (Ho & Salimans 2022, arXiv:2207.12598).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.families.family import Family
from medrestore.core.posterior import SampleStatistics
from medrestore.core.samplers import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from medrestore.core.predictor import Condition, Prediction
    from medrestore.core.region_mean import Spread

__all__ = ["Image"]

POOLED = 10
"""Independent voxels that a std pooled over neighbours is worth: with 2 samples a factor for 8 has
to be 7 to 12 % larger (`mr_slice_ddpm`, three held-out people)."""


class Image(Family):
    """A diffusion of the image, conditioned on the noisy scan by concatenation."""

    name = "image"
    references: tuple[str, ...] = ("saharia2021",)
    summary = "diffusion of the image, told the noisy scan"
    steps = 50
    fewest_samples, fewest_steps = 2, 2
    statistics = SampleStatistics
    exact = ((), ("unet.out",))
    kind = "of the image"
    predicts = False
    prior_dof = 50.0

    @property
    def samplers(self) -> tuple[str, ...]:
        """Those that do without a predictor's spectra, DDIM first."""
        served = [name for name in super().samplers if not SAMPLERS[name].adds_covariance]
        return ("ddim", *(name for name in served if name != "ddim"))

    def dof(self, drawn: int) -> float:
        """Those of the samples, pooled: nothing else tells how the image errs."""
        return (drawn - 1) * POOLED

    def region_spread(self, values: NDArray[np.float64], closed_form: float, dof: float) -> Spread:
        """Of a mean about that of these samples: no predictor says it in closed form."""
        from medrestore.core.region_mean import sampled_spread

        return sampled_spread(values, about_their_mean=True)

    def calibrated(self, known: Collection[str], method: str) -> str | None:
        """The method itself: few steps leave too little spread for factors of many."""
        return method if method in known else None

    sampled_alike = calibrated

    def not_calibrated(self, known: str, method: str) -> str:
        """Warning for intervals of a method that no factors were measured for."""
        return (
            "knows how wrong it is from its samples alone, and its intervals were calibrated for "
            f"{known}, not for {method}: they may be far too narrow"
        )

    def from_scan(self, untouched: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """None yet: the prior's mean is no image (`image`)."""
        return np.zeros_like(untouched)

    def image(
        self,
        sampled: NDArray[np.float32],
        untouched: NDArray[np.bool_],
        scan: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """The samples' values, elsewhere the scan's."""
        return np.where(untouched, scan, sampled)

    def predictor(self, facts: dict[str, Any]) -> nn.Module:
        """The prior's two numbers."""
        from medrestore.core.predictor import Prior

        return Prior(**facts["predictor"])

    def refiner(self, facts: dict[str, Any]) -> nn.Module:
        """A refiner of the image."""
        from medrestore.core.refiner import Refiner

        return Refiner(**self.arguments(facts["refiner"]), conditions=self.network_channels(facts))

    def network_channels(self, facts: dict[str, Any]) -> int:
        """Number of the condition's channels that the network itself takes in."""
        return self.condition_channels(facts)

    def described(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        """The prior, the refiner, and the samplers that have to do without a predictor."""
        prior, refiner = facts["predictor"], facts["refiner"]
        return [
            ("prior of a voxel", f"{prior['mean']} ± {prior['std']} of the intensity scale"),
            ("network", f"MONAI DiffusionModelUNet, channels {refiner['channels']}, {self.kind}"),
            ("samplers", ", ".join(self.samplers)),
            ("usual steps", str(facts.get("steps", self.steps))),
        ]

    def condition_channels(self, facts: dict[str, Any]) -> int:
        """Slices, log σ and a one."""
        return int(facts["predictor"]["slices"]) + 2

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """The noisy slices as r would be, log σ, and a one: zeros are the null condition."""
        import torch

        seen = (c.y - prediction.mu) / prediction.log_s.exp()
        level = torch.log(c.sigma / c.scale) + 3.5
        return torch.cat((seen, level, torch.ones_like(level)), dim=1)

    def knows_null_condition(self, facts: dict[str, Any]) -> bool:
        """Unless the condition was never dropped in training; cards may not say."""
        return float(facts.get("condition_dropped", 1.0)) > 0

    def null_condition(self, condition: Tensor) -> Tensor:
        """All zero, the one too."""
        return condition.new_zeros(condition.shape)
