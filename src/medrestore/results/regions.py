"""The mean of a region, or the difference of two, with an interval that is right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.method import without_network
from medrestore.core.region_mean import Functional, Spread, closed_form_std
from medrestore.core.residual_bytes import STEP
from medrestore.devices import is_present
from medrestore.engine.own_grid import ShownSlice, acquired, acquired_slices
from medrestore.engine.pipeline import run
from medrestore.errors import ResourceError, SettingsError
from medrestore.results.rounding import with_half_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.plan import Plan
    from medrestore.models.card import Card
    from medrestore.models.model import Model
    from medrestore.volume import Volume

__all__ = ["Region", "Regions"]


class Region(NamedTuple):
    """Mean of a region, or difference of two, with its interval, in the scan's unit.

    The error follows Student's t with ``dof`` degrees of freedom. ``std`` is its scale, before the
    calibrated factor that the interval holds. ``samples`` are the values in the posterior samples;
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
    dof: float = float("inf")
    unit: str = ""

    @property
    def half_width(self) -> float:
        """Half of the interval's width."""
        return (self.upper - self.lower) / 2

    def exceeds(self, value: float) -> float:
        """Probability that the true mean (of a difference: the true difference) is above a value.

        From the same Student's t as the interval, its calibrated factor included.
        """
        unit = Spread(1.0, self.dof)
        return Spread(self.half_width / unit.half_width(self.level), self.dof).above(
            value - self.mean
        )

    def __str__(self) -> str:
        """Value and interval, rounded to it: ``85.6 ± 0.5 HU (90 %)``."""
        known = "" if self.calibrated else ", not calibrated"
        text = with_half_width(self.mean, self.half_width, self.unit)
        return f"{text} ({100 * self.level:g} %{known})"


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
        Posterior samples, if they were kept in full.
    model : Model, optional
        The plan's model, if it is loaded. Measuring what is at hand needs none.
    """

    plan: Plan
    source: Volume
    drawn: int
    arrays: Arrays | None = None
    samples: NDArray[np.float32] | None = None
    model: Model | None = None

    @property
    def sampling(self) -> bool:
        """True if intervals rest on samples, too."""
        asked = self.plan.settings
        return self.drawn > 1 and not without_network(asked.sampler, asked.steps)

    @property
    def redraws(self) -> bool:
        """True if samples have to be drawn again: the slow part of `measure`."""
        kept = self.samples is not None
        kept |= self.arrays is not None and self.arrays.residuals is not None
        return self.sampling and not kept

    def measure(self, mask: NDArray[Any] | Volume, t: int = 0) -> Region:
        """The mean over a mask (z, y, x) and its interval; `Result.region` says how."""
        inside = self._inside(mask)
        return self._read(Functional.mean(inside), int(np.count_nonzero(inside)), t)

    def difference(self, a: NDArray[Any] | Volume, b: NDArray[Any] | Volume, t: int = 0) -> Region:
        """The mean over ``a`` minus that over ``b``; `Result.difference` says how."""
        first, second = self._inside(a), self._inside(b)
        difference = Functional.difference(first, second)
        if not difference.weights.any():
            raise SettingsError("both regions are the same: give two that differ")
        return self._read(difference, int(np.count_nonzero(first | second)), t)

    def _inside(self, mask: NDArray[Any] | Volume) -> NDArray[np.bool_]:
        """A mask within the restored slices, checked."""
        inside = np.asarray(getattr(mask, "array", mask))
        if inside.dtype.kind not in "biuf":
            raise SettingsError(
                f"a region is an array of bool or numbers, or a Volume, not zero inside; got "
                f"{type(mask).__name__}: read a file first"
            )
        inside = inside if inside.dtype == bool else inside > 0
        if inside.shape != self.plan.shape:
            raise SettingsError(
                f"the region's grid {inside.shape} is not the scan's {self.plan.shape}"
            )
        if self.plan.slices is not None:
            chosen = np.isin(np.arange(len(inside)), self.plan.slices)
            inside = inside & chosen[:, None, None]
        if not inside.any():
            raise SettingsError("the region is empty: no voxel of the restored slices is inside")
        return inside

    def ready(self, slices: tuple[int, ...]) -> Regions:
        """The same with all that some slices need at hand: many regions of them cost one run.

        What the run made is used; what is missing is computed again from the plan's seed.
        """
        redraws = self.redraws or (self.arrays is None and self._card.family.fewest_samples > 0)
        if self.arrays is not None and not redraws:
            return self
        model = self.model or self._loaded()
        part = replace(self.plan.for_slices(slices), device=model.device)
        settings = part.settings.drawing(self.drawn if redraws else 0)
        settings = replace(settings, estimate="mean", keep_samples=False)
        arrays = run(*acquired(replace(part, settings=settings), self.source), model)
        if self.redraws and arrays.residuals is None:
            raise ResourceError("the disk has no room for the samples of these slices; make some")
        samples = self.samples
        if samples is not None:
            rows = [self.plan.chosen.index(z) for z in slices]
            samples = samples[..., rows, :, :]
        return replace(self, plan=part, arrays=arrays, samples=samples, model=model)

    def _loaded(self) -> Model:
        """The model on the run's device, or on the CPU where that is not at hand."""
        here = self.plan if is_present(self.plan.device) else replace(self.plan, device="cpu")
        return here.load_model()

    @property
    def _card(self) -> Card:
        """The card alone: neither weights nor networks."""
        return self.plan.card() if self.model is None else self.model.card

    def _read(self, functional: Functional, voxels: int, t: int) -> Region:
        """A weighted sum of voxels with its interval."""
        at_hand = self.ready(functional.slices)
        assert at_hand.arrays is not None
        card, arrays = at_hand._card, at_hand.arrays
        rows = [at_hand.plan.chosen.index(z) for z in functional.slices]
        worked = at_hand._worked(functional)
        maps = (a if a.ndim == 3 else a[t] for a in (arrays.mu, arrays.s))
        mu, s = (_cut(a, rows, worked) for a in maps)
        values = at_hand._values(functional, worked, rows, mu, s, t) if self.sampling else ()
        closed, size = 0.0, worked.voxels
        if not card.family.fewest_samples:
            spectra = card.spectra if at_hand.model is None else at_hand.model.spectra
            ratio = np.atleast_2d(arrays.ratio)[t][rows]
            kernel = spectra.kernels(np.pi / 2, ratio.tolist())
            closed = closed_form_std(worked.weights, s, worked.slices, kernel)
        spread = card.family.region_spread(np.array(values), closed, card.region_dof(size))
        method, level = self.plan.settings.method if self.sampling else "predictor", self.level
        half = float(spread.half_width(level)) * card.region_factor(method, size)
        mean, known = at_hand._mean(functional, mu, t), card.knows_regions(method, size)
        ends = mean - half, mean + half
        unit = self.source.unit
        std, dof = float(spread.std), float(spread.dof)
        return Region(mean, *ends, std, level, voxels, values, known, dof, unit)

    def _worked(self, functional: Functional) -> Functional:
        """The same sum on the grid that the plan works on."""
        grid, (_, *shape) = self.plan.grid, self.plan.shape
        if grid is None:
            return functional
        return functional.before_zero_filling((shape[0], shape[1]), grid)

    def _mean(self, functional: Functional, mu: Any, t: int) -> float:
        """The sum over μ as it is shown; ``mu`` is on the grid that the plan works on."""
        if self.plan.grid is None:
            return functional.of(mu)
        plan, volume, floor = self.plan.at(t), self._volume(t), self._card.sigma_range[0]
        slices = zip(functional.slices, mu, strict=True)
        images = [ShownSlice.of(plan, volume, z, floor).image(one) for z, one in slices]
        return functional.of(np.stack(images)[:, *functional.box])

    def _volume(self, t: int) -> NDArray[np.float32]:
        """One time point of the scan, (z, y, x)."""
        return self.source.array[t] if self.source.is_4d else self.source.array

    @property
    def level(self) -> float:
        """Coverage that intervals are to have."""
        return self.plan.settings.level

    def _values(
        self, functional: Functional, worked: Functional, rows: list[int], mu: Any, s: Any, t: int
    ) -> tuple[float, ...]:
        """The sum in each sample; ``worked``, ``mu`` and ``s`` are on the plan's grid."""
        if self.samples is not None:
            every = self.samples if self.samples.ndim == 4 else self.samples[:, t]
            return tuple(functional.of(_cut(one, rows, functional)) for one in every)
        assert self.arrays is not None and self.arrays.residuals is not None
        kept = self.arrays.residuals
        kept = kept if kept.ndim == 4 else kept[:, t]
        centre, unit = mu, s
        if self._card.family.fewest_samples:
            scan, sigma = self._measured(worked, t)
            unknown = ~(s > 0)  # no measurement: 0 or NaN
            centre, unit = np.where(unknown, mu, scan), np.where(unknown, 0, sigma)
        middle, step = worked.of(centre), STEP * worked.weights * np.nan_to_num(unit)
        apart = (step * _cut(one, rows, worked) for one in kept)
        return tuple(middle + float(one.sum(dtype=np.float64)) for one in apart)

    def _measured(self, worked: Functional, t: int) -> tuple[Any, Any]:
        """The scan and its noise on the grid that is worked on, cut to the functional."""
        scan, sigma = acquired_slices(self.plan.at(t), self._volume(t), worked.slices)
        return scan[:, *worked.box], sigma[:, *worked.box]


def _cut(array: NDArray[Any], rows: list[int], functional: Functional) -> NDArray[Any]:
    """Some slices of (z, y, x), cut to the functional's box."""
    return np.asarray(array[rows, *functional.box])
