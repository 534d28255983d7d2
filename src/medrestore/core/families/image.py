"""Plain conditional diffusion: the image itself is what noise turns into, told the noisy scan.

What a tutorial would build (Saharia et al. 2021, arXiv:2104.07636): no predictor, the noisy slices
concatenated to z_t. In the terms of the other kinds μ and s are the prior's, one number each for
all images: r = (x/scale − m)/S. In training the condition is dropped at times, all of it zero, so
that the same weights know the unconditional score (Ho & Salimans 2022, arXiv:2207.12598).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.core.families.family import Family

if TYPE_CHECKING:
    from torch import Tensor, nn

    from medrestore.core.predictor import Condition, Prediction

__all__ = ["Image"]


class Image(Family):
    """A diffusion of the image, conditioned on the noisy scan by concatenation."""

    samplers = ("ddim", "ddpm", "heun", "predictor-corrector", "ve-sde", "langevin")
    steps = 50
    exact = ((), ("unet.out",))
    mean_from_samples = True
    kind = "of the image"

    def networks(self, facts: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
        """The prior's two numbers, and a refiner."""
        from medrestore.core.prior import Prior
        from medrestore.core.refiner import Refiner

        refiner = Refiner(**self.arguments(facts["refiner"]), told=self.heard_channels(facts))
        return Prior(**facts["predictor"]), refiner

    def heard_channels(self, facts: dict[str, Any]) -> int:
        """How many channels of the condition the network itself takes in."""
        return self.told_channels(facts)

    def described(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        """The prior, the refiner, and the samplers that have to do without a predictor."""
        prior, refiner = facts["predictor"], facts["refiner"]
        return [
            ("prior of a voxel", f"{prior['mean']} ± {prior['std']} of the intensity scale"),
            ("network", f"MONAI DiffusionModelUNet, channels {refiner['channels']}, {self.kind}"),
            ("samplers", ", ".join(self.samplers)),
            ("usual steps", str(facts.get("steps", self.steps))),
        ]

    def told_channels(self, facts: dict[str, Any]) -> int:
        """Slices, log σ and a one."""
        return int(facts["predictor"]["slices"]) + 2

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """The noisy slices as r would be, log σ, and a one: zeros are what nobody is told."""
        import torch

        seen = (c.y - prediction.mu) / prediction.log_s.exp()
        level = torch.log(c.sigma / c.scale) + 3.5
        return torch.cat((seen, level, torch.ones_like(level)), dim=1)

    def unconditional(self, facts: dict[str, Any]) -> bool:
        """Unless the condition was never dropped in training; cards may not say."""
        return float(facts.get("condition_dropped", 1.0)) > 0

    def silent(self, told: Tensor) -> Tensor:
        """All zero, the one too."""
        return told.new_zeros(told.shape)
