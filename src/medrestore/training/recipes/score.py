"""A refiner of clean images that is told nothing: no pairs, no noise but the diffusion's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import SettingsError
from medrestore.modalities import modality_named
from medrestore.training.stages import refiner_step

if TYPE_CHECKING:
    from torch import Tensor, nn

    from medrestore.training.trainings import Trainings

__all__ = ["score"]


def score(
    trainings: Trainings, predictor: nn.Module, refiner: nn.Module
) -> tuple[nn.Module, nn.Module, dict[str, nn.Module]]:
    """Stage ``"refiner"`` on clean patches; the prior in the predictor's place is not trained.

    Raises
    ------
    SettingsError
        If the modality's noise is not white, as that of MR is: on it rests what a scan tells such
        a model.
    """
    config = trainings.config
    if not modality_named(config.modality).trained.white:
        raise SettingsError(
            f"family 'score' takes noise for white, that of {config.modality} is correlated; train "
            "another family, or MR"
        )
    pairs = trainings.pairs("refiner")

    def examples() -> tuple[Tensor, Tensor]:
        pair = pairs.draw()
        prior = predictor(pair.condition)
        r = (pair.clean - prior.mu) / prior.log_s.exp()
        return r, r[:, :0]

    step = refiner_step(examples, trainings.generator("refiner"), config.depth)
    return predictor, trainings.fit("refiner", "refiner", refiner, step), {}
