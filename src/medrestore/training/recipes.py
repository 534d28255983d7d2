"""Recipes: the training of each kind of model, found by the config's ``family``."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch.nn import functional as F

from medrestore.core.families import FAMILIES
from medrestore.errors import SettingsError
from medrestore.modalities import modality_named
from medrestore.training.autoencoder import Adversary, autoencoder_step
from medrestore.training.consistency import Widths, consistency_step, reused
from medrestore.training.stages import predictor_step, refiner_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.autoencoder import Autoencoder, LatentRefiner
    from medrestore.training.trainings import Trainings

    Example = tuple[Tensor, Tensor]
    Networks = tuple[nn.Module, nn.Module, dict[str, nn.Module]]
    """Predictor and refiner, trained, and person → a predictor that has not seen them, if any."""

__all__ = ["RECIPES", "Recipe"]

REUSED = 3
"""Steps of a distillation on the same patches: a predictor's pass costs as much as a step."""

CODED, DIFFUSED = 3, 6
"""Steps of the autoencoder and of the refiner on the same patches, which differ in angles and
noise: a predictor's pass costs as much as a step of the one and several of the other."""

BATCHES = 16
"""Batches that a latent's mean and standard deviation are measured on."""


class Recipe(Protocol):
    """Training of the networks of a kind of model."""

    def __call__(self, trainings: Trainings, predictor: nn.Module, refiner: nn.Module) -> Networks:
        """Train both networks."""


def residual(trainings: Trainings, predictor: nn.Module, refiner: nn.Module) -> Networks:
    """A predictor, one for each fold, and a refiner of what those leave.

    Stages ``"predictor"``, ``"fold"`` and ``"refiner"``.
    """
    step = predictor_step(trainings.pairs("predictor", corrected=True))
    predictor = trainings.fit("predictor", "predictor", predictor, step)
    held_out = trainings.folds()
    examples = trainings.residuals("refiner", predictor, held_out)
    step = refiner_step(examples, trainings.generator("refiner"), trainings.config.depth)
    return predictor, trainings.fit("refiner", "refiner", refiner, step), held_out


def consistency(trainings: Trainings, predictor: nn.Module, refiner: nn.Module) -> Networks:
    """A refiner distilled to consistency behind its teacher's predictor.

    Stages ``"fold"`` and ``"consistency"``; both networks begin with the teacher's weights.
    """
    held_out, device = trainings.folds(), trainings.fabric.device
    teacher = copy.deepcopy(refiner).eval().requires_grad_(False).to(device)
    examples = trainings.residuals("consistency", predictor.to(device), held_out)
    step = consistency_step(
        reused(examples, REUSED),
        teacher,
        trainings.generator("consistency"),
        Widths(trainings.steps_done("consistency")),
        trainings.config.depth,
    )
    return predictor, trainings.fit("consistency", "consistency", refiner, step), held_out


def image(trainings: Trainings, predictor: nn.Module, refiner: nn.Module) -> Networks:
    """A refiner of whole images, conditioned on the noisy scan or, at times, on nothing.

    Stage ``"refiner"``; the prior in the predictor's stead is not trained.
    """
    config, generator = trainings.config, trainings.generator("refiner")
    pairs, family = trainings.pairs("refiner"), FAMILIES[config.family]

    def examples() -> tuple[Tensor, Tensor]:
        pair = pairs.draw()
        prior = predictor(pair.condition)
        condition = family.condition(pair.condition, prior)
        draw = torch.rand(len(condition), 1, 1, 1, generator=generator, device=condition.device)
        condition = condition * (draw >= config.condition_dropped)
        return (pair.clean - prior.mu) / prior.log_s.exp(), condition

    step = refiner_step(examples, generator, config.depth)
    return predictor, trainings.fit("refiner", "refiner", refiner, step), {}


def score(trainings: Trainings, predictor: nn.Module, refiner: nn.Module) -> Networks:
    """A refiner of clean images without a condition.

    Stage ``"refiner"``; the prior in the predictor's stead is not trained.

    Raises
    ------
    SettingsError
        If the modality's noise is correlated, as that of CT is: likelihood guidance rests on
        white noise.
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


def latent(trainings: Trainings, predictor: nn.Module, refiner: nn.Module) -> Networks:
    """An autoencoder of what a predictor leaves, and a refiner of its latent.

    Stages ``"autoencoder"`` and ``"refiner"``, behind a predictor that is trained or taken.

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
    latents = reused(lambda: _encoded(coder, *draw()), DIFFUSED)
    step = refiner_step(latents, trainings.generator("refiner"))
    net.diffusion = trainings.fit("refiner", "refiner", net.diffusion, step)  # type: ignore[assignment]
    return predictor, net, held_out


def _in_blocks(r: Tensor, condition: Tensor) -> Example:
    return r, F.pixel_unshuffle(condition, 2)


@torch.no_grad()
def _encoded(coder: Autoencoder, r: Tensor, condition: Tensor) -> Example:
    return coder.encode(F.pixel_unshuffle(r, 2), condition), condition


def _standardise(coder: Autoencoder, draw: Callable[[], Example]) -> None:
    """Latents of zero mean and the residuals' variance, over many batches."""
    drawn = [draw() for _ in range(BATCHES)]
    means = torch.cat([_encoded(coder, *example)[0] for example in drawn])
    coder.standardise(means, torch.cat([r for r, _ in drawn]))


RECIPES: dict[str, Recipe] = {
    "residual": residual,
    "consistency": consistency,
    "image": image,
    "latent": latent,
    "score": score,
}
"""By the config's ``family``; ``"consistency"`` where it has a teacher."""
