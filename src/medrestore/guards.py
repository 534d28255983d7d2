"""The guards of a run, in words and numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from medrestore.core.guard import FALSE_DISCOVERY_RATE, Evidence, Tally, guard
from medrestore.core.padding import ct_padding
from medrestore.scratch import Held, zeros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.engine import Arrays
    from medrestore.plan import Plan
    from medrestore.volume import Geometry, Modality, Volume

__all__ = ["Guards", "check"]

MUCH_REMOVED = 1e-3
MUCH_INCONSISTENT = 1e-4
MUCH_OUTSIDE = 0.11
RESIDUAL_AS_EXPECTED = (0.85, 1.15)
"""Honest restorations of held-out scans lie within; see benchmarks/guards."""
LEAST_ALONG_Z = 0.3
"""Slices farther apart than this share allows are not smoothed across."""


@dataclass(frozen=True)
class Guards:
    """Both checks of a run in numbers; one tally for each time point."""

    tallies: tuple[Tally, ...]

    def _sum(self, name: str) -> float:
        return float(sum(getattr(one, name) for one in self.tallies))

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

    def facts(self) -> dict[str, Any]:
        """For the run record: counts, rates and thresholds, all finite."""
        ratio = self.residual_ratio
        facts: dict[str, Any] = {
            "voxels": int(self._sum("voxels")),
            "false_discovery_rate": FALSE_DISCOVERY_RATE,
            "removed_voxels": int(self._sum("removed")),
            "inconsistent_voxels": int(self._sum("inconsistent")),
            "outside_90_percent": round(self.share("outside"), 5),
            "residual_ratio": None if math.isnan(ratio) else round(ratio, 4),
        }
        for name in ("removed_z", "inconsistent_z"):
            found = [getattr(one, name) for one in self.tallies if one.voxels]
            facts[name] = round(min(found), 3) if found else None
        return {**facts, "warnings": list(self.warnings())}

    def sentence(self) -> str:
        """Both checks in one line of plain words."""
        if not self._sum("voxels"):
            return "nothing was removed, so there is nothing to check"
        removed, inconsistent = self._sum("removed"), self._sum("inconsistent")
        if not removed and not inconsistent:
            return "what was removed is noise, and the scan fits the restoration"
        parts = []
        if removed:
            parts.append(
                f"in {_percent(self.share('removed'))} of the voxels something was removed that "
                "noise does not explain (see removed)"
            )
        if inconsistent:
            parts.append(
                f"{_percent(self.share('inconsistent'))} of the scan's voxels do not fit the "
                "restoration and the noise (see inconsistent)"
            )
        return "; ".join(parts)

    def warnings(self) -> tuple[str, ...]:
        """Checks that failed, in plain words; empty if all is well."""
        found = []
        if self.share("removed") > MUCH_REMOVED:
            found.append(
                f"structure may be lost: in {_percent(self.share('removed'))} of the voxels more "
                "was removed than noise explains; look at removed"
            )
        if self.share("inconsistent") > MUCH_INCONSISTENT:
            found.append(
                f"{_percent(self.share('inconsistent'))} of the voxels do not fit the restoration "
                "and the noise: artefacts, or noise stronger than assumed; look at inconsistent"
            )
        if self.share("outside") > MUCH_OUTSIDE:
            found.append(
                f"{_percent(self.share('outside'))} of the scan lie outside the 90 % predictive "
                "interval: the noise is stronger than assumed, or the model unsure of too little"
            )
        low, high = RESIDUAL_AS_EXPECTED
        if self.residual_ratio > high:
            found.append(
                f"what was removed is {self.residual_ratio:.2f} times as strong as the noise that "
                "should have been: the noise is stronger than assumed, or structure went with it"
            )
        if self.residual_ratio < low:
            found.append(
                f"what was removed is only {self.residual_ratio:.2f} times as strong as the noise "
                "that should have been: the noise is weaker than assumed"
            )
        return tuple(found)


def check(
    plan: Plan, source: Volume, arrays: Arrays, floor: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], Guards]:
    """Look at a finished run.

    Parameters
    ----------
    plan, source, arrays
        What was run, on which scan, and what it gave; always μ is judged, whatever estimate is
        shown as the restored image.
    floor : float
        The model's floor, as a fraction of the scale: voxels with less noise were left alone.

    Returns
    -------
    removed, inconsistent : ndarray of float32
        As `core.guard.Guard`, on the grid of the arrays; NaN where the scan is NaN.
    guards : Guards
        The same in numbers.
    """
    times = range(plan.times) if source.is_4d else [None]
    removed, inconsistent = (zeros(arrays.mu.shape) for _ in range(2))
    tallies = []
    for t in times:
        at = slice(None) if t is None else t
        y = source.array if t is None else source.array[t]
        of_t = plan.at(t or 0)
        evidence = _evidence(of_t, source.geometry, y, arrays, at, floor * of_t.scale)
        maps = removed[at], inconsistent[at]
        held = Held(source.array, of_t.noise.map, arrays.mu, arrays.s, arrays.std, *maps)
        tallies.append(guard(evidence, maps=maps, after=held.tick).tally)
        for row, z in enumerate(plan.chosen):
            missing = np.isnan(y[z])
            for one in maps:
                one[row][missing] = np.nan
            held.tick()
    return removed, inconsistent, Guards(tuple(tallies))


def _evidence(
    plan: Plan,
    geometry: Geometry,
    frame: NDArray[np.float32],
    arrays: Arrays,
    at: slice | int,
    lowest_sigma: float,
) -> Evidence:
    chosen = list(plan.chosen)
    y, sigma = frame, plan.noise.map
    if plan.slices is not None:
        y, sigma = y[chosen], None if sigma is None else sigma[chosen]
    level: NDArray[np.float32] | float = plan.noise.sigma if sigma is None else sigma
    return Evidence(
        y,
        arrays.mu[at],
        arrays.s[at],
        arrays.std[at],
        level,
        cast("Modality", plan.modality),
        lowest_sigma,
        ct_padding(frame, Held(frame).tick) if plan.modality == "CT" else (),
        _along_z(plan, geometry),
    )


def _along_z(plan: Plan, geometry: Geometry) -> float:
    """Smoothing across slices, in slices: one pixel's worth, where slices are even and near."""
    even = geometry.slice_positions_mm is None and bool((np.diff(plan.chosen) == 1).all())
    between, *within = geometry.spacing_mm
    slices = min(1.0, sum(within) / len(within) / between)
    return slices if even and slices >= LEAST_ALONG_Z else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
