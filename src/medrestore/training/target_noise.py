"""A scan with noise of its own as the truth that a restoration is measured against.

Noise n is added to t = x + w; y = t + n is restored. Told all the noise there is, a model estimates
x, but t is no truth to hold it against: w is in y, too. The target of `targets.noise_aware`,

    t' = t − (σ_o/σ)²·n = x + e        Cov(e, w + n) = 0        σ_e² = σ_o²·(1 + (σ_o/σ)²)

differs from the restoration by its error and by e, which is independent of it. What is measured of
t' − μ is then the error's own once the variance, the power or the means of e are allowed for; they
are those of n·σ_e/σ, as w is taken to be spread over the scan, and coloured, as n is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from medrestore.core.predictor import Condition
from medrestore.training.targets import Pair, noise_aware

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Std = float | NDArray[np.float32]

__all__ = ["TargetNoise", "independent"]


class TargetNoise(NamedTuple):
    """Noise e of a target, independent of the restored scan's, (n, y, x).

    ``std`` is its standard deviation, ``field`` a field with that and with its texture.
    """

    std: NDArray[np.float32]
    field: NDArray[np.float32]


def independent(
    array: NDArray[np.float32],
    own: float,
    noisy: NDArray[np.float32],
    sigma: Std,
    level: float,
    magnitude: bool,
) -> tuple[NDArray[np.float32], Std, TargetNoise | None]:
    """Target t', standard deviation of all the noise in ``noisy``, and the noise e.

    Parameters
    ----------
    array : ndarray, shape (z, y, x)
        The scan t.
    own : float
        σ_o, intensity units (CT: in soft tissue); 0 takes the scan for the truth.
    noisy : ndarray, shape (z, y, x)
        The scan with noise added.
    sigma : float or ndarray, shape (z, y, x)
        σ of the noise added; a map is proportional to that of the scan's own.
    level : float
        σ where the map is that of ``own``.
    magnitude : bool
        MR, see `targets.noise_aware`.
    """
    if not own:
        return array, sigma, None
    added = np.broadcast_to(np.asarray(sigma, np.float32), array.shape)
    share = float(own / (level if np.ndim(sigma) else sigma))
    clean, std, y = (torch.from_numpy(np.array(a))[:, None] for a in (array, added, noisy))
    pair = Pair(Condition(y, std, torch.ones(1, 1, 1, 1)), clean)
    made = noise_aware(pair, std * share, magnitude=magnitude)
    assert made.target_std is not None
    left = made.target_std[:, 0].numpy()
    field = (noisy - array) * left / np.maximum(added, 1e-20)
    total: Std = sigma * float(np.hypot(1.0, share))
    return made.clean[:, 0].numpy(), total, TargetNoise(left, field.astype(np.float32))
