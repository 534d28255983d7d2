"""An autoencoder of what a predictor leaves, and a refiner of its latent."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional as F

from medrestore.training.adversary import Adversary
from medrestore.training.autoencoder import autoencoder_step
from medrestore.training.consistency import reused
from medrestore.training.stages import predictor_step, refiner_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.autoencoder import Autoencoder, LatentRefiner
    from medrestore.training.trainings import Trainings

    Example = tuple[Tensor, Tensor]

__all__ = ["latent"]

CODED, WALKED = 3, 6
"""Steps of the autoencoder and of the refiner on the same patches, which differ in angles and
noise: a predictor's pass costs as much as a step of the one and several of the other."""

BATCHES = 16
"""Batches whose latents say what a latent's mean and standard deviation are."""


def latent(
    trainings: Trainings, predictor: nn.Module, refiner: nn.Module
) -> tuple[nn.Module, nn.Module, dict[str, nn.Module]]:
    """Stages ``"autoencoder"`` and ``"refiner"``, behind a predictor that is trained or taken.

    With ``behind`` in the config that model's predictor stays as it is, and its folds are used;
    else ``"predictor"`` and ``"fold"`` come first, as for the residual kind.
    """
    net, device = cast("LatentRefiner", refiner), trainings.fabric.device
    if not trainings.config.behind:
        step = predictor_step(trainings.pairs("predictor", corrected=True))
        predictor = trainings.fit("predictor", "predictor", predictor, step)
    held_out = trainings.folds()

    def examples(stage: str) -> Callable[[], Example]:
        draw = trainings.residuals(stage, predictor.to(device), held_out)
        return lambda: _in_blocks(*draw())

    step = autoencoder_step(
        reused(examples("autoencoder"), CODED),
        trainings.generator("autoencoder"),
        Adversary(device),
    )
    fitted = trainings.fit("autoencoder", "autoencoder", net.autoencoder, step).to(device)
    net.autoencoder = coder = cast("Autoencoder", fitted)
    _standardise(coder, examples("latent"))  # no stage: the same batches when a training goes on
    draw = examples("refiner")
    walked = reused(lambda: _encoded(coder, *draw()), WALKED)
    step = refiner_step(walked, trainings.generator("refiner"))
    net.diffusion = trainings.fit("refiner", "refiner", net.diffusion, step)  # type: ignore[assignment]
    return predictor, net, held_out


def _in_blocks(r: Tensor, told: Tensor) -> Example:
    return r, F.pixel_unshuffle(told, 2)


@torch.no_grad()
def _encoded(coder: Autoencoder, r: Tensor, told: Tensor) -> Example:
    return coder.encode(F.pixel_unshuffle(r, 2), told), told


def _standardise(coder: Autoencoder, draw: Callable[[], Example]) -> None:
    """Latents of zero mean and the residuals' variance, over many batches."""
    drawn = [draw() for _ in range(BATCHES)]
    means = torch.cat([_encoded(coder, *one)[0] for one in drawn])
    coder.standardise(means, torch.cat([r for r, _ in drawn]))
