"""A run on the grid that a scan was acquired on, and its maps on the grid that is shown.

The plan and the scan go to the acquired grid before a run, the arrays come back after it: samplers,
networks and guards see an ordinary scan, smaller and with white noise. σ and scale stay as they
are, since zero-filling keeps the variance of a voxel's noise (`core.zero_filling`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.intensity import KNOWN
from medrestore.core.zero_filling import interpolated, resampled
from medrestore.disk_arrays import zeros
from medrestore.engine.arrays import MAPS
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.noise import Noise
    from medrestore.engine.plan import Plan
    from medrestore.volume import Geometry, Volume

    Grid = tuple[int, int]
    Planes = NDArray[np.float32]

__all__ = ["acquired", "shown"]


def acquired(plan: Plan, volume: Volume, grid: Grid) -> tuple[Plan, Volume]:
    """A plan and its scan on the acquired grid.

    Parameters
    ----------
    plan, volume
        As shown.
    grid : (int, int)
        Rows and columns that were acquired; slices stay.

    Returns
    -------
    plan : Plan
        The same run; noise maps are interpolated.
    volume : Volume
        The same field of view: voxel 0 is where it was, spacing grows. What is no measurement is
        air, and spikes end where those that models know end.
    """
    noise, modality = _on_grid(plan.noise, grid), modality_named(plan.modality)
    levels = tuple(one._replace(noise=_on_grid(one.noise, grid)) for one in plan.levels)
    smaller = replace(plan, shape=(plan.shape[0], *grid), noise=noise, levels=levels)
    array = zeros((*volume.array.shape[:-2], *grid))
    for place in np.ndindex(array.shape[:-2]):
        scale = plan.at(place[0]).scale
        seen = np.nan_to_num(volume.array[place], nan=modality.air)
        seen = np.clip(seen, KNOWN[0] * scale, KNOWN[1] * scale)
        array[place] = modality.bounded(resampled(seen, grid))
    return smaller, replace(volume, array=array, geometry=_geometry(volume.geometry, grid))


def shown(arrays: Arrays, plan: Plan, volume: Volume) -> Arrays:
    """The arrays of a run on the acquired grid, on that of its scan.

    Images are zero-filled. Standard deviations are interpolated: the error is band-limited as the
    scan is, so that its variance between two voxels is that at the voxels. Intervals are as wide
    as they were, about the μ shown. Bytes of samples stay behind (`residuals` is None).

    Parameters
    ----------
    arrays : Arrays
        Of the plan and the scan that `acquired` gave.
    plan, volume
        As shown. Its voxels that are no measurement, or beyond what models know, come back.
    """
    grid = volume.geometry.shape[1:]
    maps: dict[str, Any] = {name: zeros((*arrays.mu.shape[:-2], *grid)) for name in MAPS}
    samples = None if arrays.samples is None else zeros((*arrays.samples.shape[:-2], *grid))
    out = replace(arrays, **maps, samples=samples, residuals=None)
    for t in range(plan.times):
        scan, made, part = volume.array, arrays, out
        if volume.is_4d:
            scan, made, part = scan[t], made.part(t, slice(None)), part.part(t, slice(None))
        for i, z in enumerate(plan.chosen):
            _fill(part, made, i, scan[z], plan.at(t))
    return out


def _fill(out: Arrays, made: Arrays, i: int, scan: Planes, plan: Plan) -> None:
    """Write the maps of slice ``i`` of a time point; ``scan`` is that slice as shown."""
    grid, bounded = out.mu.shape[-2:], modality_named(plan.modality).bounded
    spikes = scan > KNOWN[1] * plan.scale
    for name in ("mu", "restored"):
        image = bounded(resampled(getattr(made, name)[i], grid))
        getattr(out, name)[i] = np.where(spikes, scan, image)
    for name in ("std", "s"):
        getattr(out, name)[i] = interpolated(getattr(made, name)[i], grid)
    half = interpolated(made.upper[i] - made.mu[i], grid)
    out.lower[i], out.upper[i] = bounded(out.mu[i] - half), out.mu[i] + half
    if out.samples is not None and made.samples is not None:
        out.samples[:, i] = bounded(resampled(made.samples[:, i], grid))
    out.unmask(i, np.isnan(scan), scan)


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
