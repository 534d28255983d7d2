"""What the refiner leaves: spectra of r − r̂ along the diffusion, for the card."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from medrestore.core.diffusion import diffuse
from medrestore.core.refiner import as_denoiser
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import measure
from medrestore.training.stages import residual

if TYPE_CHECKING:
    from torch import nn

    from medrestore.training.source import Pairs

__all__ = ["measure_spectra"]

ANGLES = tuple(math.pi / 2 * j / 8 for j in range(1, 9))


@torch.no_grad()
def measure_spectra(
    pairs: Pairs, predictor: nn.Module, refiner: nn.Module, batches: int, seed: int
) -> Spectra:
    """Estimate Cov[r | z_t] at eight angles from fresh patches.

    At π/2 the spectrum is that of r itself, the covariance of samples that cost no evaluation.
    """
    generator = torch.Generator().manual_seed(seed)
    denoise = as_denoiser(refiner)
    errors: dict[float, list[torch.Tensor]] = {t: [] for t in ANGLES}
    for _ in range(batches):
        r, condition = residual(pairs.draw(), predictor)
        eps = torch.randn(r.shape, generator=generator)
        for t in ANGLES:
            error = r - denoise(diffuse(r, eps, t), t, condition)
            errors[t].append(error[:, 0])
    return Spectra(ANGLES, (tuple(measure(torch.cat(errors[t])) for t in ANGLES),))
