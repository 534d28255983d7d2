"""A scan with known noise added, restored, beside the truth: the start of every measurement.

A scan that has noise of its own is no truth. Where that noise is known, the model is told all the
noise there is, and the truth is made independent of it (`target_noise`): what is measured is the
error against the noise-free anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from medrestore.core.meter import SILENT, Meter
from medrestore.core.predictor import Condition, Prediction
from medrestore.core.slices import neighbours
from medrestore.core.spectrum import LAGS, measure
from medrestore.engine.pipeline import run
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.modalities import modality_named
from medrestore.training.stages import LARGEST_RESIDUAL
from medrestore.training.target_noise import TargetNoise, independent
from medrestore.volume import Geometry, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings

__all__ = [
    "Case",
    "Cohort",
    "Probe",
    "band_power",
    "correlation_along_z",
    "restored",
]

WIDEST_PX, WIDEST_IN_STACKS_PX = 256, 128
"""Rows and columns that are restored, around the middle of the foreground; fewer where all slices
are, as in stacks."""

OWN_SHARE = 0.5
"""A scan is measured with added noise that its own is at most this share of."""

TAPER_PX = 6.0
"""Width of the rim over which the window of a foreground falls to zero."""

LEAST_ERROR = 0.1
"""Share of a band's power that is taken for error at least, whatever the target's noise."""


@dataclass(frozen=True, eq=False)
class Case:
    """Neighbouring slices of one person, (z, y, x).

    ``own`` is the standard deviation of the noise that they carry; 0 if it counts as anatomy.
    """

    person: str
    array: NDArray[np.float32]
    pixel_mm: float
    own: float = 0.0


@dataclass(frozen=True, eq=False)
class Probe:
    """Some slices of a case, restored, and the truth.

    Parameters
    ----------
    arrays : Arrays
        Of the run, for `slices`.
    truth : ndarray, shape (n, y, x)
        The case without the added noise, made independent of the noise of its own.
    inside : ndarray of bool, shape (n, y, x)
        Foreground of the truth.
    noisy, sigma : ndarray, shape (z, y, x)
        All slices of the case with noise, cut as `truth` is, and the standard deviation of all
        noise there is.
    slices : tuple of int
        Slices of the case that were restored.
    plan : Plan
        Of the run.
    person : str
        Person of the case.
    left : TargetNoise, optional
        Noise of the truth.
    """

    arrays: Arrays
    truth: NDArray[np.float32]
    inside: NDArray[np.bool_]
    noisy: NDArray[np.float32]
    sigma: NDArray[np.float32]
    slices: tuple[int, ...]
    plan: Plan
    person: str
    left: TargetNoise | None = None

    def expected(self, std: NDArray[Any]) -> NDArray[Any]:
        """Standard deviation of truth less image, (n, y, x), where that of the error is ``std``."""
        return std if self.left is None else np.hypot(std, self.left.std)

    def error_share(self, window: Tensor) -> NDArray[np.float64]:
        """Share of the residual's power in each band, (n, bands), that is not the truth's noise."""
        power = band_power(self.residual, window)
        if self.left is None:
            return np.ones_like(power)
        field = torch.from_numpy(self.left.field / np.maximum(self.arrays.s, 1e-20))
        noise = band_power(field.clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL), window)
        return np.clip(1 - noise / np.maximum(power, 1e-12), LEAST_ERROR, 1.0)

    @property
    def residual(self) -> Tensor:
        """(x − μ)/s, (n, y, x), cut at ±6 as the refiner's target is."""
        arrays = self.arrays
        r = (self.truth - arrays.mu) / np.maximum(arrays.s, 1e-20)
        return torch.from_numpy(np.clip(r, -LARGEST_RESIDUAL, LARGEST_RESIDUAL))

    @property
    def window(self) -> Tensor:
        """Weight of each voxel: 1 inside the foreground, falling to 0 at its rim, (n, y, x)."""
        padded = np.pad(self.inside, ((0, 0), (1, 1), (1, 1)))  # the image's border is a rim too
        depth = np.stack([distance_transform_edt(plane)[1:-1, 1:-1] for plane in padded])
        smooth = np.sin(0.5 * np.pi * np.clip(depth / TAPER_PX, 0, 1)) ** 2
        return torch.from_numpy(smooth.astype(np.float32))

    def condition(self, model: Model) -> Tensor:
        """The refiner's condition of these slices."""
        index = [neighbours(z, model.slices, len(self.noisy)) for z in self.slices]
        c = Condition(
            torch.from_numpy(self.noisy[index]).to(model.device),
            torch.from_numpy(self.sigma[list(self.slices)])[:, None].to(model.device),
            torch.full((1, 1, 1, 1), self.plan.scale, device=model.device),
        )
        mu, s = (
            torch.from_numpy(a)[:, None].to(model.device) for a in (self.arrays.mu, self.arrays.s)
        )
        return model.condition(c, Prediction(mu, torch.maximum(s, 0.05 * c.sigma).log()))


def restored(
    model: Model,
    case: Case,
    level: float,
    settings: Settings,
    count: int,
    seed: int = 1,
    widest: int | None = None,
) -> Probe:
    """Add noise to a case, restore ``count`` slices around its middle, keep the truth.

    Parameters
    ----------
    model : Model
        Restores.
    case : Case
        Slices nearly free of noise.
    level : float
        Noise: fraction of the foreground (MR) or HU in soft tissue (CT).
    settings : Settings
        Of the run.
    count : int
        Slices restored, from the middle of the case; a model that reads stacks gets all.
    seed : int
        Of the noise.
    widest : int, optional
        Rows and columns restored at most; `WIDEST_PX` by default, fewer for stacks.
    """
    modality = modality_named(model.card.modality)
    noisy, sigma = _with_noise(case, modality.name, level, seed)
    truth, sigma, left = independent(
        case.array, case.own, noisy, sigma, level, modality.trained.noise == "magnitude"
    )
    scale = modality.scale(noisy)
    whole = len(noisy)
    together = model.windows(whole).window > 1
    widest = widest or (WIDEST_IN_STACKS_PX if together else WIDEST_PX)
    plane = _middle(modality.foreground(case.array, scale), widest)
    noisy = np.ascontiguousarray(noisy[plane])
    sigmas = np.asarray(sigma, np.float32)
    sigmas = np.broadcast_to(sigmas[plane] if sigmas.ndim else sigmas, noisy.shape)
    noise = Noise(float(np.median(sigmas)), None if np.ndim(sigma) == 0 else sigmas)
    volume = Volume(noisy, Geometry(noisy.shape, np.eye(4)), modality.name)
    plan = resolve(settings, volume, model.card, noise, scale, model.device)
    first = 0 if together else max((whole - count) // 2, 0)
    slices = tuple(range(first, whole if together else min(first + count, whole)))
    plan = plan.for_slices(slices)
    arrays = run(plan, volume, model)
    kept = list(slices)
    inside = modality.foreground(case.array[plane][kept], scale)
    if left is not None:
        left = TargetNoise(*(part[plane][kept] for part in left))
    truth = truth[plane][kept]
    return Probe(arrays, truth, inside, noisy, sigmas, slices, plan, case.person, left)


@dataclass(frozen=True, eq=False)
class Cohort:
    """Scans of several people at several noise levels, and the models that restore them.

    Parameters
    ----------
    model_of : callable
        Person → the model that restores them: one that has not seen them, where there is one.
    cases : list of Case
        Scans of several people.
    levels : tuple of float
        Noise added: fraction of the foreground (MR) or HU in soft tissue (CT).
    meter : Meter
        One tick per case and level.
    """

    model_of: Callable[[str], Model]
    cases: list[Case]
    levels: tuple[float, ...]
    meter: Meter = SILENT

    def restored(
        self, settings: Settings, count: int, label: str, widest: int | None = None
    ) -> Iterator[tuple[Model, Probe]]:
        """Every case at every level, as from `restored`, with the model that restored it.

        Except levels that the case's own noise comes near.
        """
        pairs = [(case, level) for case in self.cases for level in self.levels]
        self.meter.start(len(pairs), label)
        for case, level in pairs:
            model = self.model_of(case.person)
            modality = modality_named(model.card.modality)
            unit = modality.scale(case.array) if modality.noise.relative else 1.0
            if case.own <= OWN_SHARE * level * unit:
                yield model, restored(model, case, level, settings, count, widest=widest)
            self.meter.tick()


@lru_cache(maxsize=32)
def _with_noise(
    case: Case, modality: str, level: float, seed: int
) -> tuple[NDArray[np.float32], float | NDArray[np.float32]]:
    """Cached, as every measurement needs the same; of a CT it takes as long as restoring."""
    return modality_named(modality).with_noise(case.array, case.pixel_mm, level, seed)


def _middle(inside: NDArray[np.bool_], widest: int) -> tuple[slice, slice, slice]:
    """All slices; rows and columns around the middle of the foreground."""

    def around(occupied: Any) -> slice:
        found = np.flatnonzero(occupied)
        centre = (int(found[0]) + int(found[-1])) // 2 if len(found) else len(occupied) // 2
        first = min(max(centre - widest // 2, 0), max(len(occupied) - widest, 0))
        return slice(first, first + widest)

    return slice(None), around(inside.any(axis=(0, 2))), around(inside.any(axis=(0, 1)))


def centred(fields: Tensor, window: Tensor) -> Tensor:
    """Fields (n, y, x) less their mean in the window: a slice's bias is not a spectrum."""
    mass = window.sum(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    return fields - (fields * window).sum(dim=(1, 2), keepdim=True) / mass


def band_power(fields: Tensor, window: Tensor) -> NDArray[np.float64]:
    """Power of each slice in each band, (n, bands), about the slice's own mean."""
    fields = centred(fields, window)
    found = [measure(f[None], w[None]) for f, w in zip(fields, window, strict=True)]
    return np.array([spectrum.variance * np.asarray(spectrum.density) for spectrum in found])


def correlation_along_z(fields: Tensor, window: Tensor) -> list[float]:
    """Correlation of slices 1, 2, 3 apart, (n, y, x); 0 where the stack is too short."""
    fields = centred(fields, window)
    found = []
    for lag in range(1, LAGS + 1):
        weight = window[lag:] * window[:-lag]
        product = (weight * fields[lag:] * fields[:-lag]).sum()
        energy = (weight * (fields[lag:] ** 2 + fields[:-lag] ** 2)).sum() / 2
        found.append(float(product / energy) if float(energy) > 0 else 0.0)
    return found
