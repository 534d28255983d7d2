"""A run on the grid that a scan was acquired on, and its maps on the grid that is shown.

The plan and the scan go to the acquired grid before a run, the arrays come back after it: samplers,
networks and guards see an ordinary scan, smaller and with white noise. σ and scale stay as they
are, since zero-filling keeps the variance of a voxel's noise (`core.zero_filling`). A plan without
such a grid runs on the grid shown, and nothing here changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.intensity import KNOWN
from medrestore.core.zero_filling import interpolated, resampled
from medrestore.disk_arrays import PageReleaser, zeros
from medrestore.engine.arrays import MAPS
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.checks import Checks
    from medrestore.engine.noise import Noise
    from medrestore.engine.plan import Plan
    from medrestore.volume import Geometry, Volume

    Grid = tuple[int, int]
    Planes = NDArray[np.float32]

__all__ = ["ShownSlice", "acquired", "acquired_slices", "shown", "shown_checks"]

LEAST = np.float32(1e-30)
"""Standard deviation that factors are taken of, at least: 0 has none."""


def acquired(plan: Plan, volume: Volume) -> tuple[Plan, Volume]:
    """A plan and its scan on the grid that the plan works on.

    Parameters
    ----------
    plan, volume
        As shown.

    Returns
    -------
    plan : Plan
        The same run of an ordinary scan of that size; noise maps are interpolated.
    volume : Volume
        The same field of view: voxel 0 is where it was, spacing grows. What is no measurement is
        air, and spikes end where those that models know end.
    """
    if plan.grid is None:
        return plan, volume
    grid = plan.grid
    noise = _on_grid(plan.noise, grid)
    levels = tuple(one._replace(noise=_on_grid(one.noise, grid)) for one in plan.levels)
    smaller = replace(plan.sized, noise=noise, levels=levels)
    array = zeros((*volume.array.shape[:-2], *grid))
    pages = PageReleaser(volume.array, array)
    for place in np.ndindex(array.shape[:-2]):
        array[place] = _acquired(plan.at(place[0]), volume.array[place])
        pages.tick()
    return smaller, replace(volume, array=array, geometry=_geometry(volume.geometry, grid))


def acquired_slices(plan: Plan, volume: Planes, slices: Sequence[int]) -> tuple[Planes, Planes]:
    """Slices of a time point (z, y, x) as `acquired` gives them, and their noise, (n, y, x)."""
    scan = np.stack([_acquired(plan, volume[z]) for z in slices])
    noise = plan.noise.map
    if noise is None:
        return scan, np.full_like(scan, plan.noise.sigma)
    maps = np.nan_to_num(noise[list(slices)])
    return scan, maps if plan.grid is None else interpolated(maps, plan.grid)


def _acquired(plan: Plan, plane: Planes) -> Planes:
    """A plane (y, x) of a time point on the grid that its plan works on."""
    if plan.grid is None:
        return plane
    modality = modality_named(plan.modality)
    lowest, highest = (np.float32(bound * plan.scale) for bound in KNOWN)
    seen = np.clip(np.nan_to_num(plane, nan=modality.air), lowest, highest)
    return modality.bounded(resampled(seen, plan.grid))


@dataclass(frozen=True, eq=False)
class ShownSlice:
    """A slice of the scan as shown, and how maps that were made on the acquired grid come onto it.

    Parameters
    ----------
    plan : Plan
        Of its time point.
    scan : ndarray of float32, shape (y, x)
        The slice.
    sigma : ndarray of float32 or float32
        Its noise.
    floor : float
        The model's floor, as a fraction of the scale.
    """

    plan: Plan
    scan: Planes
    sigma: Any
    floor: float

    @classmethod
    def of(cls, plan: Plan, volume: Planes, z: int, floor: float) -> ShownSlice:
        """Slice ``z`` of a volume (z, y, x)."""
        noise = plan.noise
        sigma = np.float32(noise.sigma) if noise.map is None else np.nan_to_num(noise.map[z])
        return cls(plan, volume[z], sigma, floor)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Voxels that are no measurement."""
        return np.isnan(self.scan)

    @property
    def untouched(self) -> NDArray[np.bool_]:
        """Voxels that come back as they are: too little noise, or too far out."""
        beyond = self.scan > KNOWN[1] * self.plan.scale
        return np.asarray(beyond | (self.sigma < self.floor * self.plan.scale))

    def image(self, made: Planes) -> Planes:
        """An image (…, y, x), zero-filled."""
        image = modality_named(self.plan.modality).bounded(resampled(made, self.scan.shape))
        return np.where(self.untouched | self.missing, self.scan, image)

    def spread(self, made: Planes) -> Planes:
        """Standard deviations (y, x), interpolated."""
        return np.where(self.untouched, self.sigma, interpolated(made, self.scan.shape))

    def fill(self, out: Arrays, made: Arrays, i: int) -> None:
        """Write the maps of slice ``i`` of the plan's."""
        bounded = modality_named(self.plan.modality).bounded
        factor = (made.upper[i] - made.mu[i]) / np.maximum(made.std[i], LEAST)
        out.mu[i], out.std[i] = self.image(made.mu[i]), self.spread(made.std[i])
        if self.plan.settings.estimate != "mean":
            out.restored[i] = self.image(made.restored[i])
        if self.plan.settings.samples:
            out.s[i] = self.spread(made.s[i])
        half = interpolated(factor, self.scan.shape) * out.std[i]
        out.lower[i], out.upper[i] = bounded(out.mu[i] - half), out.mu[i] + half
        if out.samples is not None and made.samples is not None:
            out.samples[:, i] = self.image(made.samples[:, i])
        out.unmask(i, self.missing, self.scan)


def shown(arrays: Arrays, plan: Plan, volume: Volume, floor: float) -> Arrays:
    """The arrays of a run on the acquired grid, on that of its scan.

    Images are zero-filled. Standard deviations are interpolated: the error is band-limited as the
    scan is, so that its variance between two voxels is that at the voxels. Intervals have the
    factors that they had, about the μ shown. Bytes of samples stay behind (`residuals` is None).

    Parameters
    ----------
    arrays : Arrays
        Of the plan and the scan that `acquired` gave.
    plan, volume
        As shown. Its voxels that are no measurement, beyond what models know, or of less noise
        than they remove, come back.
    floor : float
        The model's floor, as a fraction of the scale.
    """
    if plan.grid is None:
        return arrays
    grid = volume.geometry.shape[1:]
    maps: dict[str, Any] = {name: zeros((*arrays.mu.shape[:-2], *grid)) for name in MAPS}
    if plan.settings.estimate == "mean":
        maps["restored"] = maps["mu"]
    if not plan.settings.samples:
        maps["s"] = maps["std"]
    samples = None if arrays.samples is None else zeros((*arrays.samples.shape[:-2], *grid))
    out = replace(arrays, **maps, samples=samples, residuals=None)
    for t, at in _times(plan, volume):
        made, part = (one.part(t, slice(None)) if at else one for one in (arrays, out))
        for i, z in enumerate(plan.chosen):
            ShownSlice.of(plan.at(t), volume.array[at], z, floor).fill(part, made, i)
            arrays.release()
            out.release()
    return out


def shown_checks(checks: Checks, plan: Plan, volume: Volume) -> Checks:
    """The guards' maps on the grid of the scan, NaN where that is."""
    if plan.grid is None:
        return checks
    grid, maps = volume.geometry.shape[1:], []
    for made in (checks.removed, checks.inconsistent):
        out = zeros((*made.shape[:-2], *grid))
        for _, at in _times(plan, volume):
            for i, z in enumerate(plan.chosen):
                missing = np.isnan(volume.array[(*at, z)])
                out[(*at, i)] = np.where(missing, np.nan, interpolated(made[(*at, i)], grid))
        maps.append(out)
    return checks._replace(removed=maps[0], inconsistent=maps[1])


def _times(plan: Plan, volume: Volume) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Each time point and its index into arrays, which is () where there is no such axis."""
    for t in range(plan.times):
        yield t, (t,) if volume.is_4d else ()


def _on_grid(noise: Noise, grid: Grid) -> Noise:
    """The same noise; of a map what lies at the voxels of another grid."""
    if noise.map is None:
        return noise
    found = zeros((len(noise.map), *grid))
    for z, plane in enumerate(noise.map):
        found[z] = interpolated(np.nan_to_num(plane), grid)
    return replace(noise, map=found)


def _geometry(geometry: Geometry, grid: Grid) -> Geometry:
    """A grid of as many rows and columns over the same field of view."""
    affine = geometry.affine.copy()
    for axis, n in enumerate(grid, start=1):
        affine[:3, axis] *= geometry.shape[axis] / n
    return replace(geometry, shape=(geometry.shape[0], *grid), affine=affine)
