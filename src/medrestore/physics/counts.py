"""Noise of the logarithm of a count: Poisson quanta, electronic noise, at least one count."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from scipy.stats import poisson
from torch import Tensor

__all__ = ["log_count_variance"]

FEWEST, MOST, NODES = 0.02, 5000.0, 256
"""Quanta between which the exact variance is tabulated; above, first order is within 0.1 %."""


def log_count_variance(quanta: Tensor, electronic: float) -> Tensor:
    """Var log max(k + e, 1), k ~ Poisson(n), e ~ N(0, Nₑ).

    First order, 1/n + Nₑ/n², times the ratio of the exact variance to it: near 1 for many quanta,
    1.1 at 16 (1.4 with Nₑ = 10), and falling to 0 where all that is left is the floor of one count.

    Parameters
    ----------
    quanta : Tensor
        Expected quanta n of each ray.
    electronic : float
        Variance Nₑ of the electronic noise, quanta².
    """
    inverse = 1 / quanta.clamp(min=1)
    first = inverse + electronic * inverse.square()
    table = torch.tensor(_ratios(electronic), dtype=quanta.dtype, device=quanta.device)
    step = math.log(MOST / FEWEST) / (NODES - 1)
    position = (quanta.clamp(FEWEST, MOST).log() - math.log(FEWEST)) / step
    below = position.long().clamp(max=NODES - 2)
    return first * torch.lerp(table[below], table[below + 1], position - below)


@lru_cache(maxsize=16)
def _ratios(electronic: float) -> tuple[float, ...]:
    """Exact over first-order variance at the nodes: summed over k, Gauss–Hermite over e."""
    points, weights = np.polynomial.hermite.hermgauss(48)
    added, share = math.sqrt(2 * electronic) * points, weights / math.sqrt(math.pi)
    ratios = []
    for n in np.geomspace(FEWEST, MOST, NODES):
        counts = np.arange(max(0, int(n - 10 * math.sqrt(n))), int(n + 10 * math.sqrt(n) + 20))
        chance = poisson.pmf(counts, n)[:, None] * share
        logs = np.log(np.maximum(counts[:, None] + added, 1))
        mean = (chance * logs).sum()
        exact = (chance * (logs - mean) ** 2).sum()
        ratios.append(float(exact / (1 / max(n, 1) + electronic / max(n, 1) ** 2)))
    return tuple(ratios)
