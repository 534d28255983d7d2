"""One prediction from those of a scan and its mirror images.

A network is not quite equivariant: shown the mirror image of a scan it predicts a slightly other
image. The mean of several predictions is nearer to the truth than they are on average, by exactly
their own variance (Krogh & Vedelsby 1995), which is also what it is then surer by. As test-time
augmentation it is usual in segmentation (nnU-Net, doi:10.1038/s41592-020-01008-z) and
super-resolution (Timofte et al. 2016, doi:10.1109/CVPR.2016.206).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from medrestore.core.predictor import Condition, Prediction, smooth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["MIRRORS", "mean_prediction", "mirrored"]

MIRRORS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
"""Axes that are reversed: none, columns, rows, both. No turns by 90°, after which CT's streaks lie
across the axes that they lie along."""


def mirrored(predict: Callable[[Condition], Prediction]) -> Callable[[Condition], Prediction]:
    """A predictor of whole slices that is asked once for each of `MIRRORS`."""

    def of_all(c: Condition) -> Prediction:
        found = []
        for axes in MIRRORS:
            y, sigma = (part.flip(axes) if axes else part for part in (c.y, c.sigma))
            mu, log_s = predict(Condition(y, sigma, c.scale))
            found.append(Prediction(mu.flip(axes), log_s.flip(axes)) if axes else (mu, log_s))
        return mean_prediction([Prediction(*one) for one in found])

    return of_all


def mean_prediction(predictions: Sequence[Prediction]) -> Prediction:
    """Mean of K predictions of the same slices, and its spread.

    Whatever the truth x, mean_k (x − μ_k)² = (x − μ̄)² + mean_k (μ_k − μ̄)², so that with s_k² the
    expected squares of x − μ_k

        s̄² = mean_k s_k² · (1 − share)        share = ⟨mean_k (μ_k − μ̄)²⟩ / ⟨mean_k s_k²⟩

    is that of x − μ̄. The share is taken of local means ⟨·⟩ (`predictor.smooth`): a variance of K
    numbers is speckle. It is at most 1 − 1/K, what K independent errors would leave.
    """
    mu = torch.stack([one.mu for one in predictions])
    squares = torch.stack([one.log_s for one in predictions]).mul(2).exp().mean(dim=0)
    between = mu.var(dim=0, correction=0)
    share = (smooth(between) / smooth(squares)).clamp(max=1 - 1 / len(predictions))
    return Prediction(mu.mean(dim=0), (squares * (1 - share)).log().mul(0.5))
