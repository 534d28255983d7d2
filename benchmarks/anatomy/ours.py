"""Our predictors on a case: shipped ones, and those of a training that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from safetensors.torch import load_file

from benchmarks.quality.cases import SEED
from medrestore.api import run_plan
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.modalities import modality_named
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case
    from medrestore.core.intervals import Intervals
    from medrestore.models.model import Model

__all__ = ["PREDICTORS", "Restored", "continued", "models", "restored"]

PREDICTORS = ("shipped", "under way")


class Restored(NamedTuple):
    """μ and s of a case, the noisy voxels and 0 outside the scored slices, and its intervals."""

    image: NDArray[np.float32]
    std: NDArray[np.float32]
    factors: Intervals
    relative_sigma: NDArray[np.float32]


def continued(model: Model, checkpoint: Path) -> Model:
    """The model with the predictor of a checkpoint's average; its calibration stays."""
    weights = load_file(checkpoint)
    model.predictor.load_state_dict(
        {k.removeprefix("ema."): v for k, v in weights.items() if k.startswith("ema.")}
    )
    return model


def models(
    name: str, modality: str, predictors: list[str], checkpoint: Path | None = None
) -> dict[str, Model]:
    """Models by the name of their rows; under way: of a checkpoint, else `<model>/progress`."""
    card = find_card(name, modality)
    found = {}
    if "shipped" in predictors:
        found[card.name] = load(card)
    beside = checkpoint or card.folder / "progress" / "predictor" / "checkpoint.safetensors"
    if "under way" in predictors and beside.is_file():
        found[f"{card.name}, under way"] = continued(load(card), beside)
    return found


def restored(model: Model, told: Case, mirroring: str) -> Restored:
    """One evaluation a slice, or four with mirroring, with the noise that ``told`` says.

    MR: the intensity scale is the scan's before it was cut.
    """
    noise = Noise(told.sigma, told.sigma_map, "given")
    settings = Settings(samples=0, seed=SEED, mirroring=mirroring)
    scale = modality_named(told.modality).fixed_scale or 1.0
    plan = resolve(settings, told.volume, model.card, noise, scale, model.device)
    result = run_plan(plan.for_slices(told.inner), told.volume, model=model)
    image, std = told.noisy.copy(), np.zeros_like(told.noisy)
    image[list(told.inner)] = result.restored.array
    std[list(told.inner)] = result.std.array
    local = np.full_like(std, told.sigma) if told.sigma_map is None else told.sigma_map
    return Restored(image, std, model.intervals("predictor"), local / np.float32(scale))
