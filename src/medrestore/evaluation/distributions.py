"""How far two sets of features lie apart: Fréchet and kernel distances, with their biases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["KernelSums", "frechet", "frechet_limit"]

SIZES, DRAWS = 8, 4
"""Subset sizes and draws of each that the limit is fitted through."""


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
        Which group each row is of; two groups or more.
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
        places = {name: i for i, name in enumerate(self.groups)}
        columns = [places[group] for group in groups]
        ones, rows = np.ones(len(columns)), np.arange(len(columns))
        return csr_array((ones, (rows, columns)), (len(columns), len(places)))


def _kernel(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((p @ q.T / p.shape[1] + 1) ** 3)
