"""A crop through medrestore's own pipeline: what a user of the package gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet

from benchmarks.families.drawn import Drawn
from medrestore.core.tiles import tiles
from medrestore.engine.pipeline import run
from medrestore.engine.resolve import resolve
from medrestore.results.regions import Regions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from benchmarks.families.crops import Crop
    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings

__all__ = ["Count", "through_pipeline"]


class Count:
    """Counts the windows that a model's diffusion network is asked for while inside."""

    def __init__(self, model: Model) -> None:
        self.model, self.windows = model, 0

    def __enter__(self) -> Count:
        nets = [net for net in self.model.refiner.modules() if isinstance(net, DiffusionModelUNet)]
        self.hooks = [net.register_forward_pre_hook(self._asked) for net in nets]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def _asked(self, _: nn.Module, args: tuple[Tensor, ...]) -> None:
        self.windows += len(args[0])

    def per_slice(self, shape: tuple[int, int, int]) -> float:
        """Evaluations of each slice of a stack (z, y, x) that was restored; the predictor's too."""
        each = tiles(self.model.family.plane(shape[1:]), *self.model.card.window)
        stacks = len(self.model.windows(shape[0]).covering(range(shape[0])))
        predictor = any(True for _ in self.model.predictor.parameters())
        return self.windows / (each * stacks) + predictor


def through_pipeline(model: Model, crop: Crop, asked: Settings) -> Drawn:
    """Restore the scored slice; of a model that reads stacks, the whole stack."""
    volume = crop.volume
    plan = resolve(asked, volume, model.card, crop.noise, crop.scale, model.device)
    stacked = model.windows(len(crop.noisy)).window > 1
    slices = tuple(range(len(crop.noisy))) if stacked else (crop.z,)
    plan = plan.for_slices(slices)
    with Count(model) as count:
        arrays = run(plan, volume, model)
    row = slices.index(crop.z)
    regions = Regions(plan, volume, arrays.drawn, arrays, arrays.samples, model)

    def region(mask: NDArray[np.bool_]) -> tuple[float, float]:
        inside = np.zeros(crop.noisy.shape, bool)
        inside[crop.z] = mask
        found = regions.measure(inside)
        return found.lower, found.upper

    return Drawn(
        arrays.restored[row],
        arrays.std[row],
        arrays.lower[row],
        arrays.upper[row],
        None if arrays.samples is None else arrays.samples[:, row],
        region,
        plan.settings.sampler if plan.settings.samples else "none",
        plan.settings.steps if plan.settings.samples else 0,
        count.per_slice((len(slices), *crop.truth.shape)),
        len(slices),
    )
