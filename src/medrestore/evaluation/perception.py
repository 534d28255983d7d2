"""Likeness of restored slices and references, as sets: FID and KID over all cases."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.evaluation.distributions import KernelSums, frechet, frechet_limit
from medrestore.evaluation.fidelity import NOISY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.evaluation.features import SliceFeatures
    from medrestore.evaluation.report_of_case import Report

__all__ = ["Perception", "perception"]

DRAWS_FID, DRAWS_KID = 100, 2000
LEVEL = 0.95
FEWEST = 3
"""Slices below which there is no covariance to speak of."""


@dataclass(frozen=True)
class Perception:
    """Distances of a method's slices from the references', on a frozen encoder's features.

    Parameters
    ----------
    method : str
        ``"noisy"``, or what restored.
    encoder, sha256 : str
        The model, and the hash of its weights.
    slices, people, width : int
        Slices of each set, whose they are, and features of each.
    fid, fid_lower, fid_upper : float
        Fréchet distance and 95 % percentile interval over people; too large for few slices, and a
        bootstrap's repeats make it larger still: the interval need not hold the figure.
    fid_limit : float
        Extrapolated to sets without end; NaN with fewer than four slices per feature.
    kid, kid_lower, kid_upper : float
        Kernel distance, unbiased; its interval over people.
    """

    method: str
    encoder: str
    sha256: str
    slices: int
    people: int
    width: int
    fid: float
    fid_lower: float
    fid_upper: float
    fid_limit: float
    kid: float
    kid_lower: float
    kid_upper: float

    def facts(self) -> dict[str, Any]:
        """All figures, for JSON."""
        return asdict(self)


def perception(reports: Sequence[Report], seed: int = 0) -> tuple[Perception, ...]:
    """Distances of every method, noisy first, over the cases that have features.

    With two people or more, pairs of slices of one person do not enter KID; of one person alone
    only a slice and itself.
    """
    having = [(r.person, r.features) for r in reports if r.features is not None]
    if not having or sum(len(f.images["reference"]) for _, f in having) < FEWEST:
        return ()
    return tuple(_of(method, having, seed) for method in (NOISY, *reports[0].methods))


def _of(method: str, having: Sequence[tuple[str, SliceFeatures]], seed: int) -> Perception:
    x, y = (
        np.concatenate([found.images[name] for _, found in having])
        for name in ("reference", method)
    )
    who = [person for person, found in having for _ in found.images["reference"]]
    people = list(dict.fromkeys(who))
    groups = who if len(people) > 1 else list(range(len(who)))
    sums = KernelSums(x, y, groups, groups)
    rows = [np.flatnonzero([p == person for p in who]) for person in people]
    times = np.random.default_rng(seed).multinomial(
        len(people), np.full(len(people), 1 / len(people)), DRAWS_KID
    )  # draws × people
    several = len(people) > 1
    kids = [sums.distance(w) for w in times] if several else []
    fids = [frechet(x[r], y[r]) for w in times[:DRAWS_FID] for r in (_rows(rows, w),)]
    found = having[0][1]
    return Perception(
        method,
        found.encoder,
        found.sha256,
        len(x),
        len(people),
        x.shape[1],
        frechet(x, y),
        *_ends(fids if several else []),
        frechet_limit(x, y, seed),
        sums.distance(),
        *_ends(kids),
    )


def _rows(rows: list[NDArray[np.intp]], times: NDArray[np.int64]) -> NDArray[np.intp]:
    """Slices of the people drawn, each as often."""
    return np.concatenate([np.tile(own, n) for own, n in zip(rows, times, strict=True)])


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Percentile interval; draws of one person alone have no distance."""
    finite = np.array(values)[np.isfinite(values)] if len(values) else np.empty(0)
    if not finite.size:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
