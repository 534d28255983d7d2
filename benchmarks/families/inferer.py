"""MONAI's own loop on the plain conditional network: `DiffusionInferer` and its schedulers.

The network knows the angle t with cos² t = ᾱ and predicts v, which is MONAI's ``v_prediction``
word for word. MONAI's cosine schedule has nearly our angles; what it says of a timestep is turned
into the angle by `benchmarks.samplers.adapter.angle_of`. Its samples are unclipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.inferers import DiffusionInferer
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler
from torch import Tensor, nn

from benchmarks.families.drawn import Drawn
from benchmarks.samplers.adapter import angle_of
from medrestore.core.intervals import Intervals
from medrestore.core.meter import SILENT
from medrestore.core.posterior import Moments, interval, mean_std
from medrestore.core.region_mean import sampled_spread
from medrestore.engine.resolve import resolve
from medrestore.engine.time_point import TimePoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from benchmarks.families.crops import Crop
    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings

__all__ = ["Angled", "sampled", "scheduler_of", "through_inferer"]

TRAINED = 1000
"""Timesteps of the schedule; a network that knows angles was trained on none in particular."""
SCHEDULERS = {"DDPMScheduler": DDPMScheduler, "DDIMScheduler": DDIMScheduler}


class Angled(nn.Module):
    """A network of z, angle and condition, as MONAI calls one: of both, and of a timestep."""

    def __init__(self, velocity: Callable[[Tensor, Tensor, Tensor], Tensor], scheduler: Any):
        super().__init__()
        self.velocity, self.scheduler, self.evaluations = velocity, scheduler, 0

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor | None = None) -> Tensor:
        """Velocity of the first channel, the others being the condition."""
        t = angle_of(self.scheduler, float(timesteps[0]))
        self.evaluations += len(x)
        return self.velocity(x[:, :1], torch.full((len(x),), t), x[:, 1:])


def scheduler_of(name: str, steps: int) -> Any:
    """MONAI's scheduler on its cosine schedule, predicting v, without clipping."""
    made = SCHEDULERS[name](TRAINED, "cosine", prediction_type="v_prediction", clip_sample=False)
    made.set_timesteps(steps)
    return made


def sampled(network: Angled, condition: Tensor, count: int, seed: int) -> Tensor:
    """``count`` samples of one image, (count, 1, y, x), in one batch.

    The inferer draws from torch's global generator, which is left as it was.
    """
    shape = (count, 1, *condition.shape[-2:])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DiffusionInferer(network.scheduler).sample(
            torch.randn(shape),
            network,
            conditioning=condition.expand(count, -1, -1, -1),
            mode="concat",
            verbose=False,
        )


def through_inferer(name: str, steps: int) -> Callable[[Model, Crop, Settings], Drawn]:
    """A method's ``run`` with one of MONAI's schedulers."""

    @torch.inference_mode()
    def run(model: Model, crop: Crop, asked: Settings) -> Drawn:
        window = model.card.window[0]
        if crop.truth.shape != (window, window):
            raise ValueError(
                f"MONAI's loop knows no tiles: a crop of {crop.truth.shape} pixels does not fit a "
                f"network of {window} × {window}; cut crops of its size"
            )
        plan = resolve(asked, crop.volume, model.card, crop.noise, crop.scale, model.device)
        c = TimePoint(plan, model, SILENT, crop.noisy, 0, None, None).predictor_condition((crop.z,))
        prediction = model.predict(c)
        network = Angled(model.refiner, scheduler_of(name, steps))
        told = model.condition(c, prediction)
        r = sampled(network, told, asked.samples, asked.seed)[:, 0].numpy()
        mu, s = prediction.mu[0, 0].numpy(), prediction.log_s[0, 0].exp().numpy()
        samples = mu + s * r
        if crop.modality == "MR":
            samples = np.maximum(samples, 0)
        return summed_up(samples, asked.level, crop.modality, name, steps, network.evaluations)

    return run


def summed_up(
    samples: NDArray[np.float32],
    level: float,
    modality: str,
    name: str,
    steps: int,
    evaluations: int,
) -> Drawn:
    """Mean, spread and intervals as medrestore takes them where nothing was calibrated."""
    moments = Moments(np.zeros_like(samples[0]), np.zeros_like(samples[0]))
    for one in samples:
        moments.add(one)
    shown, std = moments.mean, mean_std(np.ones_like(samples[0]), moments.variance, moments.n)
    lowest = 0.0 if modality == "MR" else None
    factor = Intervals.gaussian().factor(level, 1.0, dof=len(samples) - 1)
    lower, upper = interval(shown, std, factor, lowest)

    def region(mask: NDArray[np.bool_]) -> tuple[float, float]:
        means = samples[:, mask].mean(axis=1, dtype=np.float64)
        half = float(sampled_spread(means, about_their_mean=True).half_width(level))
        return float(means.mean()) - half, float(means.mean()) + half

    return Drawn(shown, std, lower, upper, samples, region, name, steps, evaluations)
