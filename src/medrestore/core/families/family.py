"""Contract of a family of models; as it stands, the family of the shipped models.

A predictor gives μ and s, a refiner diffuses the standardised residual r = (x − μ)/s. Other
families change what they do differently. Nothing here loads torch before networks are asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from medrestore.core.method import ESTIMATED, nearest
from medrestore.core.posterior import PredictionStatistics
from medrestore.core.samplers import SAMPLERS
from medrestore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.posterior import Statistics
    from medrestore.core.predictor import Condition, Prediction
    from medrestore.core.region_mean import Spread

__all__ = ["Family"]


class Family:
    """A diffusion of the standardised residual behind a predictor."""

    name = "residual"
    """Name in cards and training configs."""
    references: tuple[str, ...] = ()
    """Keys of the works that the kind of model rests on, beside those of sampler and networks."""
    summary = "diffusion of the residual behind a predictor"
    """Purpose of those works, for citations."""
    steps = 2
    """Steps of a sample, where the user leaves it to the model."""
    fewest_samples, fewest_steps = 0, 1
    """Samples, and steps of each, that the restored image takes; of 0 samples it is μ."""
    statistics: type[Statistics] = PredictionStatistics
    """Class that turns samples into maps."""
    exact: tuple[tuple[str, ...], tuple[str, ...]] = (("head", "mean", "spread"), ("unet.out",))
    """Layers of predictor and refiner that stay in float32 (`core.compute`)."""
    predicts = True
    """True if a network predicts μ and s."""
    prior_dof = math.inf
    """Degrees of freedom of a voxel's variance beside its samples, where none were measured."""
    latent = False
    """True if an autoencoder's latent is diffused, in a plane of its own."""

    @property
    def samplers(self) -> tuple[str, ...]:
        """Samplers that the weights serve, the usual one first."""
        return tuple(one.name for one in SAMPLERS.values() if not one.makes_samples)

    def dof(self, drawn: int) -> float:
        """Degrees of freedom of a std after some samples; infinite where it is predicted."""
        return math.inf

    def region_spread(self, values: NDArray[np.float64], closed_form: float, dof: float) -> Spread:
        """Error of a region's mean, from its value in each sample and in closed form.

        ``dof``: degrees of freedom that the closed form is worth.
        """
        from medrestore.core.region_mean import fused_spread

        return fused_spread(closed_form, dof, values)

    def calibrated(self, known: Collection[str], method: str) -> str | None:
        """The method whose factors of voxels ``method`` takes: the predictor, which scales all."""
        return "predictor" if "predictor" in known else None

    def sampled_alike(self, known: Collection[str], method: str) -> str | None:
        """The method whose factors of regions ``method`` takes, if any: of its sampler any."""
        return nearest(known, method)

    def not_calibrated(self, known: str, method: str) -> str:
        """Warning for intervals of a method that no factors were measured for; goes on a name."""
        return f"is calibrated for {known}, not for {method}: {ESTIMATED}"

    def from_scan(self, untouched: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Voxels whose μ is the scan's value, of those that come back as they are, (y, x)."""
        return untouched

    def image(
        self,
        sampled: NDArray[np.float32],
        untouched: NDArray[np.bool_],
        scan: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """A sampled slice (y, x) with the scan's values where it comes back as it is."""
        return sampled

    def condition_channels(self, facts: dict[str, Any]) -> int:
        """Numbers that `condition` holds for a voxel."""
        return 6

    def predictor(self, facts: dict[str, Any]) -> nn.Module:
        """Predictor with random weights.

        Parameters
        ----------
        facts : dict
            ``predictor``: arguments of the network; ``depth``: slices read together, 1 for a slice
            model.
        """
        from medrestore.core.predictor import Predictor

        return Predictor(**self.arguments(facts["predictor"]), depth=int(facts.get("depth", 1)))

    def refiner(self, facts: dict[str, Any]) -> nn.Module:
        """Refiner with random weights.

        Parameters
        ----------
        facts : dict
            ``refiner``: arguments of the network (``window`` and strides are left out);
            ``depth`` as for the predictor.
        """
        from medrestore.core.refiner import Refiner

        return Refiner(**self.arguments(facts["refiner"]), depth=int(facts.get("depth", 1)))

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """Condition of the refiner for whole slices, (batch, condition_channels, y, x)."""
        from medrestore.core.refiner_condition import refiner_condition

        return refiner_condition(c, prediction)

    def knows_null_condition(self, facts: dict[str, Any]) -> bool:
        """True if the weights also serve a refiner under the `null_condition`."""
        return False

    def null_condition(self, condition: Tensor) -> Tensor:
        """The condition that says nothing of the scan, in the place of one from `condition`.

        Raises
        ------
        ModelError
            If the weights know none.
        """
        raise ModelError(
            "the refiner of this kind of model is always told of the scan and knows no condition "
            f"that says nothing (a condition of shape {tuple(condition.shape)} was to be dropped); "
            "take a model of family image or score"
        )

    def plane(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Size of the diffused plane, for slices of a shape."""
        return shape

    def encode(
        self,
        r: Tensor,
        condition: Tensor,
        refiner: nn.Module,
        tiled: Callable[[Denoiser, int], Denoiser],
    ) -> Tensor:
        """State to diffuse, (batch, 1, *plane), of a residual (batch, 1, y, x).

        ``tiled(network, channels)`` runs a network of windows, which gives so many channels, over
        whole planes.
        """
        return r

    def decode(
        self,
        z: Tensor,
        condition: Tensor,
        shape: tuple[int, int],
        refiner: nn.Module,
        tiled: Callable[[Denoiser, int], Denoiser],
    ) -> Tensor:
        """The residual's mean, (batch, 1, *shape), given the sampled state."""
        return z

    def denoiser(self, refiner: nn.Module) -> Denoiser:
        """The refiner as a `Denoiser` of windows."""
        from medrestore.core.refiner import as_denoiser

        return as_denoiser(refiner)

    def described(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        """Networks and numbers, for the page of a model."""
        return [
            ("predictor", f"residual U-Net, channels {facts['predictor']['widths']}"),
            ("refiner", f"MONAI DiffusionModelUNet, channels {facts['refiner']['channels']}"),
        ]

    @staticmethod
    def arguments(facts: dict[str, Any]) -> dict[str, Any]:
        """Arguments of a network's class, from a card's facts of it."""
        return {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in facts.items()
            if name not in ("window", "stride", "run_stride")
        }
