"""Strength of a volume's noise, and the scale in which networks see its intensities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.core.slices import sha256_of
from medrestore.disk_arrays import PageReleaser, zeros

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Level", "Noise", "map_of", "typical"]


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
