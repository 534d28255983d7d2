"""The mean of a region with an interval that is right: from samples, or in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.intervals import closed_form_std
from medrestore.core.method import without_network
from medrestore.engine.pipeline import run
from medrestore.errors import SettingsError
from medrestore.models.model import pick_device

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.volume import Volume

__all__ = ["Region", "Regions"]


class Region(NamedTuple):
    """Mean of a region with its interval, in the scan's unit.

    ``samples`` are the region's means in the posterior samples that the interval rests on;
    ``calibrated`` says whether coverage was measured for such regions.
    """

    mean: float
    lower: float
    upper: float
    std: float
    level: float
    voxels: int
    samples: tuple[float, ...] = ()
    calibrated: bool = True


@dataclass(frozen=True, eq=False)
class Regions:
    """Measures regions of a run.

    Parameters
    ----------
    plan : Plan
        What was run.
    source : Volume
        The scan.
    drawn : int
        Samples that were drawn.
    arrays : Arrays, optional
        What the run made; what is missing is computed again for the slices that a region touches,
        from the plan's seed.
    samples : ndarray, optional
        Posterior samples, if they were kept.
    model : Model, optional
        The plan's model, if it is loaded.
    """

    plan: Plan
    source: Volume
    drawn: int
    arrays: Arrays | None = None
    samples: NDArray[np.float32] | None = None
    model: Model | None = None

    @property
    def sampling(self) -> bool:
        """True if intervals rest on samples rather than on the closed form."""
        asked = self.plan.settings
        return self.drawn > 1 and not without_network(asked.sampler, asked.steps)

    @property
    def redraws(self) -> bool:
        """True if samples have to be drawn again: the slow part of `measure`."""
        return self.sampling and self.samples is None

    def measure(self, mask: NDArray[Any] | Volume, t: int = 0) -> Region:
        """The mean over a mask (z, y, x) and its interval; `Result.region` says how."""
        inside = np.asarray(getattr(mask, "array", mask)) > 0
        if inside.shape != self.plan.shape:
            raise SettingsError(
                f"the region's grid {inside.shape} is not the scan's {self.plan.shape}"
            )
        touched = tuple(z for z in self.plan.chosen if inside[z].any())
        if not touched:
            raise SettingsError("the region is empty: no voxel of the restored slices is inside")
        mu, s, ratio, samples, model = self.ready(touched)._evidence(touched, t)
        inside, level = inside[list(touched)], self.plan.settings.level
        means: tuple[float, ...] = ()
        if samples is not None:
            method = self.plan.settings.method
            means = tuple(float(one[inside].mean(dtype=np.float64)) for one in samples)
            half, std = model.family.region_std(np.array(means), level)
        else:
            method = "predictor"
            kernel = model.spectra.kernels(np.pi / 2, ratio.tolist())
            half, std = closed_form_std(inside, s, touched, kernel, level)
        mean = float(mu[inside].mean(dtype=np.float64))
        voxels, known = int(inside.sum()), model.card.knows_regions(method)
        half *= model.card.region_factor(method, voxels)
        return Region(mean, mean - half, mean + half, std, level, voxels, means, known)

    def ready(self, slices: tuple[int, ...]) -> Regions:
        """The same with all that some slices need at hand: many regions of them cost one run.

        What the run made is used; what is missing is computed again from the plan's seed.
        """
        model = self.model or self._loaded()
        redraws = self.redraws or (self.arrays is None and model.family.fewest_samples > 0)
        if self.arrays is not None and not redraws:
            return replace(self, model=model)
        part = replace(self.plan.for_slices(slices), device=model.device)
        settings = part.settings.drawing(self.drawn if redraws else 0)
        settings = replace(settings, estimate="mean", keep_samples=redraws)
        arrays = run(replace(part, settings=settings), self.source, model)
        samples = arrays.samples
        if self.samples is not None:
            rows = [self.plan.chosen.index(z) for z in slices]
            samples = self.samples[..., rows, :, :]
        return replace(self, plan=part, arrays=arrays, samples=samples, model=model)

    def _loaded(self) -> Model:
        """The model on the run's device, or on the CPU where that is not at hand."""
        at_hand = self.plan.device == "cpu" or pick_device("auto") != "cpu"
        return (self.plan if at_hand else replace(self.plan, device="cpu")).load_model()

    def _evidence(
        self, touched: tuple[int, ...], t: int
    ) -> tuple[Any, Any, Any, NDArray[np.float32] | None, Model]:
        """μ, s, mean s²/σ² of some slices, their samples if there are several, and the model."""
        assert self.arrays is not None and self.model is not None  # it is ready
        arrays, samples = self.arrays, self.samples
        rows = [self.plan.chosen.index(z) for z in touched]
        mu, s = ((a if a.ndim == 3 else a[t])[rows] for a in (arrays.mu, arrays.s))
        ratio = np.atleast_2d(arrays.ratio)[t][rows]
        if not self.sampling or samples is None:
            return mu, s, ratio, None, self.model
        found = (samples if samples.ndim == 4 else samples[:, t])[:, rows]
        return mu, s, ratio, found, self.model
