"""The noise of a scan in its own units, from a number, a map or the scan itself.

Each volume of a 4-D scan has noise and scale of its own: scanners change both from one time point
to the next (diffusion weighting, contrast, dose).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.ct_values import is_padding
from medrestore.core.intensity import check_fraction, foreground_scale, sigma_of_fraction
from medrestore.core.slices import planes, sha256_of
from medrestore.disk_arrays import PageReleaser, zeros
from medrestore.engine.value_check import modality_of
from medrestore.errors import InputError, NoiseLevelError, SettingsError
from medrestore.modalities import modality_named
from medrestore.settings.noise import GivenNoise, given_noise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from medrestore.core.noise_level import NoiseEstimate
    from medrestore.modalities.modality import Modality
    from medrestore.volume import Volume

__all__ = ["Level", "Noise", "map_of", "resolve_levels", "typical", "without_padding"]


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise to be removed, resolved to absolute units.

    Parameters
    ----------
    sigma : float
        Standard deviation in the scan's units (CT: soft tissue; MR: per channel).
    map : ndarray of float32, shape (z, y, x), optional
        Local standard deviation in the same units.
    source : str
        Origin of the value, in plain words.
    between : (float, float), optional
        Where the scan's own witnesses disagree on an estimate: the range they leave, scan's units.
    measured : float, optional
        Noise that the scan itself shows, in the same units, where it was given.
    """

    sigma: float
    map: NDArray[np.float32] | None = field(default=None, repr=False)
    source: str = "given"
    between: tuple[float, float] | None = None
    measured: float | None = None

    def facts(self) -> dict[str, Any]:
        """For JSON: all but the map, which its SHA-256 stands for."""
        sha256 = None if self.map is None else sha256_of(self.map, PageReleaser(self.map).tick)
        facts: dict[str, Any] = {"sigma": self.sigma, "source": self.source, "map_sha256": sha256}
        if self.between is not None:
            facts["between"] = list(self.between)
        if self.measured is not None:
            facts["measured"] = self.measured
        return facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], noise_map: NDArray[np.float32] | None) -> Noise:
        """The noise of which these are the facts; the map counts only where there was one.

        Raises
        ------
        ValueError
            If the map is missing, or not the one that it was.
        """
        noise_map = None if facts["map_sha256"] is None else noise_map
        between = facts.get("between")
        noise = cls(
            facts["sigma"],
            noise_map,
            facts["source"],
            None if between is None else tuple(between),
            facts.get("measured"),
        )
        if noise.facts()["map_sha256"] != facts["map_sha256"]:
            raise ValueError("the noise map is missing or not the one of this plan")
        return noise


class Level(NamedTuple):
    """The noise of one 3-D volume and its intensity scale (`core.intensity`)."""

    noise: Noise
    scale: float


def typical(levels: Sequence[Level]) -> Level:
    """The volume whose noise, as a part of its scale, is in the middle."""
    order = sorted(levels, key=lambda level: level.noise.sigma / level.scale)
    return order[len(order) // 2]


def map_of(levels: Sequence[Level]) -> NDArray[np.float32] | None:
    """The noise maps of all volumes, (t, z, y, x); one (z, y, x) that all share; None without.

    A volume without a map beside others that have one has its σ everywhere.
    """
    maps = [level.noise.map for level in levels]
    first = next((one for one in maps if one is not None), None)
    if first is None or all(one is first for one in maps):
        return first
    together = zeros((len(maps), *first.shape))
    for t, level in enumerate(levels):
        together[t] = level.noise.sigma if level.noise.map is None else level.noise.map
    return together


def resolve_levels(
    volume: Volume, noise: str | float = "auto", noise_map: Volume | None = None
) -> tuple[Level, ...]:
    """Noise and intensity scale of each volume of a scan, in the scan's own units.

    Parameters
    ----------
    volume : Volume
        3-D, which is one volume, or 4-D.
    noise : str or float
        As `settings.Settings.noise`.
    noise_map : Volume, optional
        Standard deviations on the scan's grid: 3-D for all volumes, or one for each.

    Returns
    -------
    tuple of Level
        One for each time point. An empty one has no noise; one whose noise cannot be estimated has
        that of the others.

    Raises
    ------
    SettingsError
        If a map is asked for and missing, or lies on another grid; if a number is no fraction.
    NoiseLevelError
        If no volume lets it be estimated.
    InputError
        If no volume has a signal.
    """
    modality = modality_named(modality_of(volume))
    maps = _maps(volume, noise_map) if noise == "map" else None
    asked = None if noise in ("auto", "map") else given_noise(noise, modality.name)
    if asked is not None and asked.fraction:
        check_fraction(asked.value)
    frames = volume.array if volume.is_4d else volume.array[None]
    found: list[Level | Exception] = []
    for t, array in enumerate(frames):
        try:
            found.append(_level(array, modality, asked, None if maps is None else maps[t]))
        except (NoiseLevelError, InputError) as error:
            found.append(error)
    known = [one for one in found if isinstance(one, Level)]
    if not known:
        if modality.fixed_scale is None:
            foreground_scale(volume.array)  # the plainer words where there is no signal at all
        raise next(one for one in found if isinstance(one, Exception))
    return tuple(
        one if isinstance(one, Level) else _like_others(frame, typical(known))
        for one, frame in zip(found, frames, strict=True)
    )


def _like_others(array: NDArray[np.float32], usual: Level) -> Level:
    """Level of a volume whose own noise cannot be estimated."""
    if not np.nan_to_num(array).any():
        return Level(Noise(0.0, None, "none: the volume is empty"), usual.scale)
    source = "as in the other time points, since it could not be estimated here"
    return Level(Noise(usual.noise.sigma, None, source), usual.scale)


def _maps(volume: Volume, noise_map: Volume | None) -> list[NDArray[np.float32]]:
    """A map of standard deviations for each volume."""
    if noise_map is None:
        raise SettingsError("noise='map' needs a map of standard deviations; pass a Volume")
    times = len(volume.array) if volume.is_4d else 1
    fits = not noise_map.is_4d or len(noise_map.array) == times
    shape, wanted = noise_map.array.shape, volume.geometry.shape
    if not noise_map.geometry.same_grid(volume.geometry) or not fits:
        apart = f"grid {shape} is not the scan's {wanted}"
        if shape == wanted:
            apart = "voxels lie elsewhere than the scan's: its origin, spacing or axes differ"
        raise SettingsError(f"the noise map's {apart}; make it on the scan's own grid")
    known = [plane for plane in noise_map.array if np.isfinite(plane).any()]
    if not known:
        raise SettingsError("the noise map holds no standard deviation: all its voxels are NaN")
    lowest = min(float(np.nanmin(plane)) for plane in known)
    if lowest < 0:
        raise SettingsError(
            f"the noise map holds {lowest:g}, and a standard deviation is never below 0"
        )
    return list(noise_map.array) if noise_map.is_4d else [noise_map.array] * times


def _level(
    array: NDArray[np.float32],
    modality: Modality,
    asked: GivenNoise | None,
    noise_map: NDArray[np.float32] | None,
) -> Level:
    """Noise and scale of one volume (z, y, x)."""
    own = _estimated(array, modality, certain=asked is None and noise_map is None)
    if noise_map is not None:
        noise = Noise(float(np.nanmedian(noise_map)), noise_map, "map given")
    elif asked is None:
        assert own is not None
        noise = Noise(own.sigma, own.map, f"estimated: {own.method}", own.between)
        return Level(noise, modality.noise_free_scale(array, own.sigma))
    elif modality.noise.uneven:
        noise = _as_in_scan(asked.value, own, modality.unit)
    elif asked.fraction:
        sigma, scale = sigma_of_fraction(array, asked.value)
        noise = Noise(sigma, None, f"given: {100 * asked.value:.3g} % of the foreground")
        return Level(replace(noise, measured=None if own is None else own.sigma), scale)
    else:
        noise = Noise(asked.value, None, f"given: {asked.value:.3g} {modality.unit}")
    scale = modality.noise_free_scale(array, noise.sigma)
    return Level(replace(noise, measured=None if own is None else own.sigma), scale)


def _as_in_scan(sigma: float, own: NoiseEstimate | None, unit: str) -> Noise:
    """Noise of this σ, distributed over the scan as its own where that is known."""
    uniform = f"given: {sigma:.3g} {unit}, taken as uniform"
    if own is None or own.map is None or sigma == 0 or own.sigma <= 0:
        return Noise(sigma, None, uniform)
    for plane in planes(own.map, PageReleaser(own.map).tick):
        plane *= np.float32(sigma / own.sigma)
    return Noise(sigma, own.map, f"given: {sigma:.3g} {unit}, distributed as estimated")


def _estimated(
    array: NDArray[np.float32], modality: Modality, certain: bool
) -> NoiseEstimate | None:
    """The noise of a volume, padding left out; None where it need not be ``certain``."""
    masked = without_padding(array, modality.name)
    pages = PageReleaser(masked)
    try:
        return modality.estimate_noise(masked, room=pages.zeros, after=pages.tick)
    except NoiseLevelError:  # a number or a map was given all the same
        if certain:
            raise
        return None


def without_padding(array: NDArray[np.float32], modality: str) -> NDArray[np.float32]:
    """Padding as NaN, which every estimate leaves out."""
    pages = PageReleaser(array)
    padding = modality_named(modality).padding(array, pages.tick)
    if not padding:
        return array
    masked = pages.zeros(array.shape)
    for plane, original in zip(planes(masked), planes(array, pages.tick), strict=True):
        plane[:] = np.where(is_padding(original, padding), np.float32(np.nan), original)
    return masked
