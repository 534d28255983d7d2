"""What a kind of model has to say; as it stands, that of the shipped models.

A predictor gives μ and s, a refiner walks the standardised residual r = (x − μ)/s. Other kinds
change what they do differently. Nothing here loads torch before networks are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.core.evaluations import OWN_START, PER_ANGLE
from medrestore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.denoiser import Denoiser
    from medrestore.core.predictor import Condition, Prediction

__all__ = ["Family"]


class Family:
    """A diffusion of the standardised residual behind a predictor."""

    samplers: tuple[str, ...] = tuple(name for name in PER_ANGLE if name not in OWN_START)
    """What the weights serve, the usual one first."""
    steps = 2
    """Steps of a sample, where the user leaves it to the model."""
    exact: tuple[tuple[str, ...], tuple[str, ...]] = (("head", "mean", "spread"), ("unet.out",))
    """Layers of predictor and refiner that stay in float32 (`core.precision`)."""
    mean_from_samples = False
    """Whether the image is the mean of the samples, not the predictor's μ: there is none without
    two samples of two steps."""
    latent = False
    """Whether what is walked is an autoencoder's latent, in a plane of its own."""

    def told_channels(self, facts: dict[str, Any]) -> int:
        """Numbers that `condition` holds for a voxel."""
        return 6

    def networks(self, facts: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
        """Predictor and refiner with random weights.

        Parameters
        ----------
        facts : dict
            ``predictor`` and ``refiner``: arguments of the networks (the refiner's ``window`` and
            ``stride`` are left out); ``depth``: slices read together, 1 for a slice model.
        """
        from medrestore.core.predictor import Predictor
        from medrestore.core.refiner import Refiner

        depth = int(facts.get("depth", 1))
        predictor = Predictor(**self.arguments(facts["predictor"]), depth=depth)
        return predictor, Refiner(**self.arguments(facts["refiner"]), depth=depth)

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """What the refiner is told of whole slices, (batch, told_channels, y, x)."""
        from medrestore.core.refiner import refiner_condition

        return refiner_condition(c, prediction)

    def unconditional(self, facts: dict[str, Any]) -> bool:
        """Whether the weights also serve a refiner that is told nothing (`silent`)."""
        return False

    def silent(self, told: Tensor) -> Tensor:
        """The condition that says nothing, in the place of one from `condition`.

        Raises
        ------
        ModelError
            If the weights know none.
        """
        raise ModelError(
            "the refiner of this kind of model is always told of the scan and knows no condition "
            f"that says nothing (a condition of shape {tuple(told.shape)} was to be dropped); take "
            "a model of family image or score"
        )

    def plane(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Size of what is walked, for slices of a shape."""
        return shape

    def encode(
        self,
        r: Tensor,
        told: Tensor,
        refiner: nn.Module,
        tiled: Callable[[Denoiser, int], Denoiser],
    ) -> Tensor:
        """What is walked, (batch, 1, *plane), of a residual (batch, 1, y, x).

        ``tiled(network, channels)`` runs a network of windows, which gives so many channels, over
        whole planes.
        """
        return r

    def decode(
        self,
        z: Tensor,
        told: Tensor,
        shape: tuple[int, int],
        refiner: nn.Module,
        tiled: Callable[[Denoiser, int], Denoiser],
    ) -> Tensor:
        """The residual's mean, (batch, 1, *shape), given what was walked to."""
        return z

    def denoiser(self, refiner: nn.Module) -> Denoiser:
        """The refiner as a `Denoiser` of windows."""
        from medrestore.core.refiner import as_denoiser

        return as_denoiser(refiner)

    def described(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        """What it is made of, for the page of a model."""
        return [
            ("predictor", f"residual U-Net, channels {facts['predictor']['widths']}"),
            ("refiner", f"MONAI DiffusionModelUNet, channels {facts['refiner']['channels']}"),
        ]

    @staticmethod
    def arguments(facts: dict[str, Any]) -> dict[str, Any]:
        """What a card says of a network, as its class takes it."""
        return {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in facts.items()
            if name not in ("window", "stride")
        }
