"""One verdict on a run: whether the noise that was assumed fits, and whether structure was lost.

Everything that is said of a run's checks is said by `Verdict`, so that no two sentences can
contradict each other. Thresholds are measured in `benchmarks/guards`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.modalities.noise import NoiseLimits

__all__ = ["AssumedNoise", "Headline", "Verdict", "Witnesses"]

Headline = Literal["OK", "Check the noise", "Structure may be lost", "Nothing to check"]

MUCH_REMOVED = 2.5e-3
"""Share of the voxels from which structure is said to be lost. Where crops given the right σ pass
it, about half of what is flagged or more is real loss."""
MEASURED_STRONGER, MEASURED_WEAKER = 1.4, 0.72
"""Noise that the scan itself says it has, over the noise assumed: beyond, they do not fit."""
MEASURED_FITS = (0.9, 1.15)
"""Within, the noise assumed is right, whatever the run says."""
MOST_NAMED = 6
"""Time points that are named one by one."""


@dataclass(frozen=True)
class AssumedNoise:
    """The noise that the restoration of one volume assumed.

    Parameters
    ----------
    modality : "CT" or "MR"
        Which physics made the noise.
    sigma : float
        Its standard deviation, scan's unit.
    measured : float, optional
        What the scan itself says, in the same unit, where it was not asked for σ.
    between : (float, float), optional
        The range that the scan's own witnesses leave.
    """

    modality: str
    sigma: float
    measured: float | None = None
    between: tuple[float, float] | None = None

    @property
    def range(self) -> tuple[float, float] | None:
        """Lowest and highest measured over assumed; None where nothing was measured."""
        if self.measured is None or self.sigma <= 0:
            return None
        low, high = self.between or (self.measured, self.measured)
        return low / self.sigma, high / self.sigma

    def instead(self, direction: str) -> str:
        """The noise to give, in the scan's unit: what the scan says, else a bound."""
        unit = modality_named(self.modality).unit
        if self.range is not None:
            factor = (self.range[0] * self.range[1]) ** 0.5
            if (factor < 1) == (direction == "weaker"):
                return f"{factor * self.sigma:.3g} {unit}"
        return f"{'less' if direction == 'weaker' else 'more'} than {self.sigma:.3g} {unit}"


@dataclass(frozen=True)
class Witnesses:
    """Figures that a finished run leaves about its own noise.

    Parameters
    ----------
    voxels : int
        How many were looked at.
    removed : float
        Share of them in which more was removed than noise explains.
    residual : float, optional
        RMS of what was taken away over what an honest restoration takes.
    left, lag : float, optional
        As `core.consistency_check.AssumedNoise`.
    """

    voxels: int
    removed: float
    residual: float | None = None
    left: float | None = None
    lag: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Verdict on a run: its noise and its structure.

    Parameters
    ----------
    noise : "fits", "weaker", "stronger", "differs" or "unknown"
        The scan's noise against what was assumed; it differs where not all volumes of a 4-D scan
        do so in one direction.
    structure : "kept", "lost" or "unknown"
        Whether more was removed than noise explains, in more than a few voxels.
    removed : float
        Share of the voxels in which more was removed than noise explains.
    instead : str, optional
        The noise to give instead.
    times : tuple of int
        Time points of a 4-D scan at which the noise does not fit.
    """

    noise: Literal["fits", "weaker", "stronger", "differs", "unknown"]
    structure: Literal["kept", "lost", "unknown"]
    removed: float = 0.0
    instead: str | None = None
    times: tuple[int, ...] = ()

    @classmethod
    def of(cls, witnesses: Witnesses, assumed: AssumedNoise | None) -> Verdict:
        """From what is known after a run, and the noise it assumed."""
        if not witnesses.voxels:
            return cls("unknown", "unknown")
        noise = "fits" if assumed is None else _noise(witnesses, assumed)
        off = assumed is not None and noise != "fits"
        instead = assumed.instead(noise) if off and assumed is not None else None
        return cls(noise, _structure(witnesses.removed), witnesses.removed, instead)

    @classmethod
    def over_time(cls, each: Sequence[Verdict], removed: float, measured_apart: bool) -> Verdict:
        """Of a 4-D scan, from the verdicts on its volumes.

        ``removed`` is their share of voxels together; ``measured_apart``: a given noise was
        compared with that of each volume.
        """
        if len(each) == 1:
            return each[0]
        looked = [t for t, one in enumerate(each) if one.structure != "unknown"]
        if not looked:
            return cls("unknown", "unknown")
        off = tuple(t for t in looked if each[t].noise != "fits")
        if not off:
            return cls("fits", _structure(removed), removed)
        directions = {each[t].noise for t in off}
        noise = directions.pop() if len(directions) == 1 and len(off) == len(looked) else "differs"
        instead = (
            "auto, which measures each volume"
            if measured_apart
            else "the noise of each volume (a map, or one by one with --volume)"
        )
        return cls(noise, _structure(removed), removed, instead, off)

    @property
    def headline(self) -> Headline:
        """The verdict in a few words."""
        if self.structure == "unknown":
            return "Nothing to check"
        if self.structure == "lost":
            return "Structure may be lost"
        return "OK" if self.noise == "fits" else "Check the noise"

    def sentence(self) -> str:
        """The verdict in one line of plain words, and what to do."""
        if self.structure == "unknown":
            return "nothing was removed, so there is nothing to check"
        parts = []
        if self.structure == "lost":
            parts.append(
                f"structure may be lost: in {_percent(self.removed)} of the voxels more was "
                "removed than noise explains (see removed)"
            )
        if self.noise == "weaker":
            again = self.instead or "less"
            parts.append(
                "the noise is weaker than assumed, so that structure can go with it: restore again "
                f"with {again}"
            )
        if self.noise == "stronger":
            again = self.instead or "more"
            parts.append(
                "the noise is stronger than assumed, and some of it is left in the restored "
                f"image: restore again with {again}"
            )
        if self.noise == "differs":
            parts.append(
                f"the noise is not what was assumed at {_time_points(self.times)}: restore again "
                f"with {self.instead}"
            )
        if parts:
            return "; ".join(parts)
        few = f", but for {_percent(self.removed)} of the voxels (see removed)"
        return f"what was removed is noise{few if self.removed else ''}"

    def warnings(self) -> tuple[str, ...]:
        """The sentence, where the user should know of it; else none."""
        return (self.sentence(),) if self.headline.startswith(("Check", "Structure")) else ()


def _noise(witnesses: Witnesses, assumed: AssumedNoise) -> Literal["fits", "weaker", "stronger"]:
    """The scan's own word first; where it has none, or is near the limit, that of the run."""
    limits = modality_named(assumed.modality).noise.limits
    measured, run = assumed.range, _by_run(witnesses, limits)
    if measured is None:
        return run
    low, high = measured
    if low >= MEASURED_STRONGER and _above(witnesses.left, limits.left_at_least, without=True):
        return "stronger"
    if high <= MEASURED_WEAKER:
        return "weaker"
    if run == "stronger" and high >= MEASURED_FITS[1]:
        return "stronger"
    if run == "weaker" and low <= MEASURED_FITS[0]:
        return "weaker"
    return "fits"


def _by_run(witnesses: Witnesses, limits: NoiseLimits) -> Literal["fits", "weaker", "stronger"]:
    residual = 1.0 if witnesses.residual is None else witnesses.residual
    if _above(witnesses.left, limits.left_surely):
        return "stronger"
    if residual < limits.weaker:
        return "weaker"
    if residual > limits.stronger:
        return "stronger"
    if residual > limits.collapsed and _above(witnesses.lag, limits.correlated):
        return "weaker"
    return "fits"


def _structure(removed: float) -> Literal["kept", "lost"]:
    return "lost" if removed > MUCH_REMOVED else "kept"


def _time_points(times: tuple[int, ...]) -> str:
    """At most a few of them by number."""
    if len(times) > MOST_NAMED:
        return f"{len(times)} time points"
    named = ", ".join(str(t) for t in times)
    return f"time point{'s' if len(times) > 1 else ''} {named}"


def _above(share: float | None, limit: float | None, without: bool = False) -> bool:
    """True if a share is known and reaches a limit; ``without`` where there is no limit."""
    return without if limit is None else share is not None and share >= limit


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
