"""Multistep consistency sampling (Song et al. 2023, arXiv:2303.01469, algorithm 1), in angles.

For weights distilled to the consistency function f (`training.consistency`): the prediction at
(z_t, t) is not the mean of r but the sample at the end of the ODE through z_t. Each further step
noises it again and jumps once more. f is (cos t · z − sin t · F), the refiner's own r̂ (Lu & Song
2024, arXiv:2410.11081). Distilled weights miss the right spread by some: the last step adds what
was measured to lack, as a spectrum; of what is too much, `core.guidance` relieves f.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.diffusion import diffuse
from medrestore.core.samplers.sampler import Chain, sampler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["consistency"]


@sampler("consistency", "Consistency", ("song2023consistency", "lu2024"), makes_samples=True)
def consistency(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """z_u = cos u · f + sin u · ε with f = ``r_hat``; at u = 0, f + C^{1/2} ξ.

    C is the variance that f lacks (`core.spectra.Spectra.of`), zero where none was measured.
    """
    if u == 0:
        return r_hat + chain.field.coloured(chain.index, chain.kernel(t))
    return diffuse(r_hat, chain.field.white(chain.index), u)
