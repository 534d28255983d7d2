"""Likeness of restored slices and references as sets: Fréchet and kernel distances, FID and KID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from medrestore.evaluation.metrics import NOISY
from medrestore.evaluation.statistics import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.features import SliceFeatures

__all__ = ["KernelSums", "Perception", "frechet", "frechet_limit", "perception"]

DRAWS_FID, DRAWS_KID = 100, 2000
FEWEST = 3
"""Slices below which there is no covariance to speak of."""
SIZES, DRAWS = 8, 4
"""Subset sizes and draws of each that the limit is fitted through."""


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
        bootstrap's repeats make it larger still: the interval need not hold the distance.
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
    return np.concatenate([np.tile(theirs, n) for theirs, n in zip(rows, times, strict=True)])


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Percentile interval; draws of one person alone have no distance."""
    finite = np.array(values)[np.isfinite(values)] if len(values) else np.empty(0)
    if not finite.size:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def frechet(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Fréchet distance of Gaussians fitted to two sets, (n, d) and (m, d): FID on their features.

    ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁^½ Σ₂ Σ₁^½)^½) with sample covariances (Heusel et al. 2017,
    arXiv:1706.08500). Small sets make it too large; see `frechet_limit`.
    """
    one, two = (np.atleast_2d(np.cov(a, rowvar=False)) for a in (x, y))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    apart = x.mean(axis=0) - y.mean(axis=0)
    return float(max(apart @ apart + np.trace(one) + np.trace(two) - 2 * shared, 0.0))


def frechet_limit(x: NDArray[np.float64], y: NDArray[np.float64], seed: int = 0) -> float:
    """The distance extrapolated to sets without end: FID∞ (Chong & Forsyth 2020, arXiv:1911.07023).

    The bias falls as 1/n: a line through distances of random halves to wholes, read off at 1/n = 0.

    Parameters
    ----------
    x, y : ndarray, shape (n, d)
        Equally many; rows are drawn from both together.
    seed : int
        Of the draws.

    Returns
    -------
    float
        NaN where n < 4d: halves would have singular covariances, whose bias is not along a line.
    """
    count, width = x.shape
    if count < 4 * width or len(y) != count:
        return float("nan")
    rng = np.random.default_rng(seed)
    inverse, found = [], []
    for size in np.linspace(count // 2, count, SIZES).astype(int):
        for _ in range(DRAWS):
            rows = rng.choice(count, size, replace=False)
            inverse.append(1 / size)
            found.append(frechet(x[rows], y[rows]))
    _, limit = np.polyfit(inverse, found, 1)
    return float(limit)


class KernelSums:
    """Kernel distance (KID) of two sets of features, whose rows come from groups.

    The unbiased estimate of the squared maximum mean discrepancy with k(a, b) = (a·b/d + 1)³
    (Bińkowski et al. 2018, arXiv:1801.01401). Pairs within a group are left out, between the sets
    too: slices of a person are alike, and a restored slice shows what its reference shows. Its
    expectation is then 0 for equal distributions whatever goes on within groups; it may be
    negative.

    Parameters
    ----------
    x, y : ndarray, shapes (n, d) and (m, d)
        The sets.
    groups_x, groups_y : sequence
        Group of each row; two groups or more.
    """

    def __init__(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        groups_x: Sequence[Any],
        groups_y: Sequence[Any],
    ) -> None:
        self.groups = tuple(dict.fromkeys((*groups_x, *groups_y)))
        one, two = (self._members(groups) for groups in (groups_x, groups_y))
        self._parts = [
            (factor, a.T @ (_kernel(p, q) @ b), np.outer(a.sum(axis=0), b.sum(axis=0)))
            for factor, p, a, q, b in (
                (1, x, one, x, one),
                (1, y, two, y, two),
                (-2, x, one, y, two),
            )
        ]

    def distance(self, weights: NDArray[np.float64] | None = None) -> float:
        """The distance; ``weights`` say how often each group counts, as a bootstrap draws it.

        NaN where fewer than two groups count.
        """
        w = np.ones(len(self.groups)) if weights is None else weights
        pairs = np.outer(w, w) * (1 - np.eye(w.size))
        counts = [float((pairs * number).sum()) for _, _, number in self._parts]
        if min(counts) <= 0:
            return float("nan")
        found = zip(self._parts, counts, strict=True)
        return float(sum(f * (pairs * total).sum() / count for (f, total, _), count in found))

    def _members(self, groups: Sequence[Any]) -> csr_array:
        """Rows × groups: 1 where the row is of the group."""
        column_of = {name: i for i, name in enumerate(self.groups)}
        columns = [column_of[group] for group in groups]
        ones, rows = np.ones(len(columns)), np.arange(len(columns))
        return csr_array((ones, (rows, columns)), (len(columns), len(column_of)))


def _kernel(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((p @ q.T / p.shape[1] + 1) ** 3)
