"""What every method restores: a few small crops, the same noisy voxels for all.

64 × 64 pixels, one window of the refiners, around the middle of what is scored in two slices of
each held-out person, in a stack of 16. The cases are those of
`benchmarks.quality`: noise of seed 0 in whole slices, intensities over the reference's foreground
scale (MR). Real noise: two contrasts of the repeated diffusion scan, each repeat the other's
reference, and inserts of the phantom.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

import medrestore as mr
from benchmarks.quality import real_noise
from benchmarks.quality.cases import SCANS, simulated
from benchmarks.quality.ours import noise_of
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case
    from medrestore.engine.plan import Noise

__all__ = ["SETS", "SIDE", "Crop", "DataSet", "cut"]

SIDE, DEPTH = 64, 16
AWAY = (-3, 3)
"""Slices that are scored, from the middle one."""
CONTRASTS = (0, 1)
"""Of the diffusion scan: b = 0 and the first direction of b = 1000."""
INSERTS = 2
"""Of the phantom, in its middle slice, the largest first."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A stack of noisy slices of which one is scored.

    Parameters
    ----------
    scan : str
        Whose it is; repeats of one contrast share it.
    modality, kind : str
        As of `benchmarks.quality.cases.Case`.
    noisy : ndarray of float32, shape (z, y, x)
        MR: in units of the foreground scale; CT: HU.
    z : int
        The scored slice.
    truth, mask, body : ndarray, shape (y, x)
        Its reference, where voxels are scored (MR: foreground, CT: soft tissue), and where
        regions and features are looked at.
    noise : Noise
        What is removed.
    scale : float
        Intensity scale of the whole case.
    mean_of_40 : ndarray of float32, shape (y, x), optional
        Of repeats: a nearly clean image of the contrast's class.
    """

    scan: str
    modality: str
    kind: str
    noisy: NDArray[np.float32]
    z: int
    truth: NDArray[np.float32]
    mask: NDArray[np.bool_]
    body: NDArray[np.bool_]
    noise: Noise
    scale: float
    mean_of_40: NDArray[np.float32] | None = field(default=None, repr=False)

    @property
    def plane(self) -> NDArray[np.float32]:
        """The scored slice before restoration."""
        return self.noisy[self.z]

    @property
    def volume(self) -> mr.Volume:
        """The stack as `medrestore` takes it."""
        return mr.Volume(self.noisy, mr.Geometry(self.noisy.shape, np.eye(4)), self.modality)


@dataclass(frozen=True)
class DataSet:
    """Crops that make one row together."""

    name: str
    modality: str
    real: bool
    make: Callable[[], list[Crop]]

    def crops(self) -> list[Crop]:
        """The crops, made once."""
        return _made(self)


@lru_cache
def _made(data: DataSet) -> list[Crop]:
    return data.make()


def cut(case: Case, z: int, centre: tuple[int, int], noise: Noise | None = None) -> Crop:
    """A crop of a case around a pixel, moved inside where it would stick out."""
    sides = zip((z, *centre), (DEPTH, SIDE, SIDE), case.noisy.shape, strict=True)
    box = tuple(
        slice(first, first + size)
        for first, size in (
            (min(max(m - n // 2, 0), max(whole - n, 0)), n) for m, n, whole in sides
        )
    )
    noise = noise or noise_of(case, "true")
    if noise.map is not None:
        noise = replace(noise, map=np.ascontiguousarray(noise.map[box]))
    scale = modality_named(case.modality).noise_free_scale(case.noisy, noise.sigma)
    truth, mask = (part[z][box[1:]] for part in (case.truth, case.mask))
    return Crop(
        case.scan,
        case.modality,
        case.kind,
        np.ascontiguousarray(case.noisy[box]),
        z - box[0].start,
        truth,
        mask,
        modality_named(case.modality).foreground(truth, scale),
        noise,
        scale,
    )


def middle_of(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Centre of mass of a mask (y, x)."""
    y, x = ndimage.center_of_mass(mask)
    return round(y), round(x)


def people(modality: str, level: float) -> list[Crop]:
    """Crops of every held-out person with simulated noise."""
    found = []
    for scan in SCANS[modality]:
        case = simulated(scan, modality, level)
        for away in AWAY:
            z = len(case.noisy) // 2 + away
            found.append(cut(case, z, middle_of(case.mask[z])))
    return found


def repeats() -> list[Crop]:
    """Both repeats of some contrasts, each with the other one as its reference."""
    cases, means = real_noise.diffusion()
    found = []
    for t in CONTRASTS:
        one = cases[t]
        z = len(one.noisy) // 2
        centre = middle_of(one.mask[z])
        for case in (one, replace(one, noisy=one.truth, truth=one.noisy)):
            clean = cut(replace(case, truth=means[t]), z, centre).truth if t else None
            found.append(replace(cut(case, z, centre), mean_of_40=clean))
    return found


def inserts() -> list[Crop]:
    """Inserts of the phantom's sharp reconstruction; the reference is the smooth one."""
    case = real_noise.phantom()
    z = len(case.noisy) // 2
    labels, count = ndimage.label(case.mask[z])
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    noise = noise_of(case, "true")
    largest = np.argsort(-sizes, kind="stable")[:INSERTS]
    return [cut(case, z, middle_of(labels == i + 1), noise) for i in largest]


SETS = (
    DataSet("MR 3 %", "MR", False, partial(people, "MR", 0.03)),
    DataSet("MR 9 %", "MR", False, partial(people, "MR", 0.09)),
    DataSet("MR repeats", "MR", True, repeats),
    DataSet("CT 30 HU", "CT", False, partial(people, "CT", 30.0)),
    DataSet("CT phantom", "CT", True, inserts),
)
