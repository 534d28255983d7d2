"""The guards of a run, in words and numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.consistency_check import FALSE_DISCOVERY_RATE, Evidence, Tally, guard
from medrestore.disk_arrays import PageReleaser, zeros
from medrestore.engine.verdict import AssumedNoise, Verdict, Witnesses
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.plan import Plan
    from medrestore.volume import Geometry, Volume

__all__ = ["Checks", "Guards", "check"]

LEAST_ALONG_Z = 0.3
"""Slices farther apart than this share allows are not smoothed across."""


@dataclass(frozen=True)
class Guards:
    """The checks of a run in numbers, and the verdict on it.

    One tally for each time point; ``assumed`` is the noise of each.
    """

    tallies: tuple[Tally, ...]
    assumed: tuple[AssumedNoise, ...] = ()

    def _sum(self, name: str) -> float:
        return float(sum(getattr(one, name) for one in self.tallies))

    def _mean(self, name: str) -> float | None:
        """Mean over the time points that have it."""
        found = [value for one in self.tallies if (value := getattr(one, name)) is not None]
        return sum(found) / len(found) if found else None

    def share(self, name: str) -> float:
        """Share of the voxels looked at: ``"removed"``, ``"inconsistent"`` or ``"outside"``."""
        return self._sum(name) / max(self._sum("voxels"), 1)

    @property
    def residual_ratio(self) -> float:
        """RMS of what was taken away over what an honest restoration takes; NaN if nothing was."""
        expected = self._sum("expected")
        if expected <= 0.05 * self._sum("voxels"):
            return math.nan
        return math.sqrt(self._sum("energy") / expected)

    @property
    def verdict(self) -> Verdict:
        """Verdict on the run; of a 4-D scan on all its volumes together."""
        assumed: Sequence[AssumedNoise | None] = self.assumed or [None] * len(self.tallies)
        each = [
            Verdict.of(Guards((tally,))._witnesses(), noise)
            for tally, noise in zip(self.tallies, assumed, strict=True)
        ]
        measured_apart = any(one is not None and one.measured is not None for one in assumed)
        return Verdict.over_time(each, self.share("removed"), measured_apart)

    def _witnesses(self) -> Witnesses:
        ratio = self.residual_ratio
        return Witnesses(
            voxels=int(self._sum("voxels")),
            removed=self.share("removed"),
            residual=None if math.isnan(ratio) else ratio,
            left=self._mean("left"),
            lag=self._mean("lag"),
        )

    def _measured(self) -> list[float]:
        """Noise that each volume itself shows, where it was given."""
        return [float(f"{one.measured:.4g}") for one in self.assumed if one.measured is not None]

    def facts(self) -> dict[str, Any]:
        """For the run record: verdict, counts, rates, thresholds and witnesses, all finite."""
        ratio, verdict, measured = self.residual_ratio, self.verdict, self._measured()
        facts: dict[str, Any] = {
            "verdict": verdict.headline,
            "noise": verdict.noise,
            "structure": verdict.structure,
            "noise_measured": measured[0] if len(measured) == 1 else measured or None,
            "voxels": int(self._sum("voxels")),
            "false_discovery_rate": FALSE_DISCOVERY_RATE,
            "removed_voxels": int(self._sum("removed")),
            "inconsistent_voxels": int(self._sum("inconsistent")),
            "outside_90_percent": round(self.share("outside"), 5),
            "residual_ratio": None if math.isnan(ratio) else round(ratio, 4),
        }
        for name in ("left", "lag"):
            mean = self._mean(name)
            facts[f"noise_{name}"] = None if mean is None else round(mean, 4)
        found = [one.removed_z for one in self.tallies if one.voxels]
        facts["removed_z"] = round(min(found), 3) if found else None
        return {**facts, "warnings": list(self.warnings())}

    def sentence(self) -> str:
        """The verdict in one line of plain words."""
        return self.verdict.sentence()

    def warnings(self) -> tuple[str, ...]:
        """The verdict again where the user should know of it; empty if all is well."""
        return self.verdict.warnings()


class Checks(NamedTuple):
    """The guards of a finished run as maps, on the grid of its arrays, and in numbers.

    ``removed`` and ``inconsistent`` are as in `core.consistency_check.Guard`, NaN where the scan
    is.
    """

    removed: NDArray[np.float32]
    inconsistent: NDArray[np.float32]
    guards: Guards


def check(plan: Plan, source: Volume, arrays: Arrays, floor: float) -> Checks:
    """Look at a finished run.

    Parameters
    ----------
    plan, source, arrays
        What was run, on which scan, and what it gave; always μ is judged, whatever estimate is
        shown as the restored image.
    floor : float
        The model's floor, as a fraction of the scale: voxels with less noise were left alone.

    """
    times = range(plan.times) if source.is_4d else [None]
    removed, inconsistent = (zeros(arrays.mu.shape) for _ in range(2))
    tallies, assumed = [], []
    for t in times:
        at = slice(None) if t is None else t
        y = source.array if t is None else source.array[t]
        volume_plan = plan.at(t or 0)
        noise = volume_plan.noise
        evidence = _evidence(volume_plan, source.geometry, y, arrays, at, floor * volume_plan.scale)
        assumed.append(
            AssumedNoise(volume_plan.modality, noise.sigma, noise.measured, noise.between)
        )
        maps = removed[at], inconsistent[at]
        pages = PageReleaser(source.array, noise.map, arrays.mu, arrays.s, arrays.std, *maps)
        tallies.append(guard(evidence, maps=maps, after=pages.tick).tally)
        for row, z in enumerate(plan.chosen):
            missing = np.isnan(y[z])
            for one in maps:
                one[row][missing] = np.nan
            pages.tick()
    return Checks(removed, inconsistent, Guards(tuple(tallies), tuple(assumed)))


def _evidence(
    plan: Plan,
    geometry: Geometry,
    scan: NDArray[np.float32],
    arrays: Arrays,
    at: slice | int,
    lowest_sigma: float,
) -> Evidence:
    chosen, modality = list(plan.chosen), modality_named(plan.modality)
    y, sigma = scan, plan.noise.map
    if plan.slices is not None:
        y, sigma = y[chosen], None if sigma is None else sigma[chosen]
    level: NDArray[np.float32] | float = plan.noise.sigma if sigma is None else sigma
    return Evidence(
        y,
        arrays.mu[at],
        arrays.s[at],
        arrays.std[at],
        level,
        modality.noise.residual,
        lowest_sigma,
        modality.padding(scan, PageReleaser(scan).tick),
        _along_z(plan, geometry),
        _measured_ratio(plan),
    )


def _measured_ratio(plan: Plan) -> float | None:
    """The noise that the scan itself says it has, over what was assumed."""
    noise = plan.noise
    return None if noise.measured is None or noise.sigma <= 0 else noise.measured / noise.sigma


def _along_z(plan: Plan, geometry: Geometry) -> float:
    """Smoothing across slices, in slices: one pixel's worth, where slices are even and near."""
    even = geometry.slice_positions_mm is None and bool((np.diff(plan.chosen) == 1).all())
    between, *within = geometry.spacing_mm
    slices = min(1.0, sum(within) / len(within) / between)
    return slices if even and slices >= LEAST_ALONG_Z else 0.0
