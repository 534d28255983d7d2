"""Reverse SDE with predictor and corrector (Song et al. 2021, arXiv:2011.13456, algorithm 1).

The variance-preserving SDE in angle form is dz = −tan t · z dt + √(2 tan t) dw. The predictor
solves its reverse from t to u with r̂ held: the linear part exactly, so that the singularity at π/2
does no harm (first-order SDE-DPM-Solver++, Lu et al. 2022, arXiv:2211.01095; the step of `ddpm`).
The corrector is one Langevin update at u, which pulls z_u towards its right distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.samplers.ddpm import ddpm
from medrestore.core.samplers.langevin import langevin_update
from medrestore.core.samplers.sampler import Chain, sampler
from medrestore.core.white_noise import LANGEVIN

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["predictor_corrector"]

SIGNAL_TO_NOISE = 0.5
"""r of Song et al. They take 0.16 for a thousand steps; tens of steps need larger corrections. An
update of size 2r² raises the variance of pure noise by 1/(1 − r²), that of a unit residual by less.
"""


@sampler(
    "predictor-corrector", "Predictor–corrector (VP SDE)", ("song2021sde", "lu2022"), per_angle=2
)
def predictor_corrector(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """Predict z_u; unless u = 0, correct it by a Langevin step of size 2 (r sin u)².

    Song et al. scale the step by r‖w‖/‖score‖. Here ‖score‖ = ‖ε̂‖/sin u takes its value for unit
    ε̂, so that nothing depends on how large the field is.
    """
    z_u = ddpm(z_t, r_hat, t, u, chain)
    if u == 0:
        return z_u
    noise = chain.field.white(chain.index, LANGEVIN)
    return langevin_update(z_u, chain.evaluate(z_u, u), u, 2 * SIGNAL_TO_NOISE**2, noise)
