"""Samplers: ways from noise to a residual, one a file, all over one `Denoiser`.

One more is a file that decorates its step (`sampler.sampler`), and an entry in `SAMPLERS`:
settings, command line, form, costs and citations read them here. None loads torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.samplers.consistency import consistency
from medrestore.core.samplers.ddim import ddim
from medrestore.core.samplers.ddpm import ddpm
from medrestore.core.samplers.heun import heun
from medrestore.core.samplers.langevin import langevin
from medrestore.core.samplers.moment_matched import moment_matched
from medrestore.core.samplers.predictor_corrector import predictor_corrector
from medrestore.core.samplers.ve_sde import ve_sde

if TYPE_CHECKING:
    from medrestore.core.samplers.sampler import Sampler

__all__ = ["DEFAULT", "SAMPLERS", "makes_samples"]

SAMPLERS: dict[str, Sampler] = {
    one.name: one
    for one in (
        moment_matched,
        ddpm,
        ddim,
        heun,
        predictor_corrector,
        ve_sde,
        langevin,
        consistency,
    )
}
"""By the name that a user gives, in the order in which they are offered."""

DEFAULT = moment_matched.name
"""Sampler of a refiner that predicts means."""


def makes_samples(name: str) -> bool:
    """True if a sampler's network makes samples, not means; False for what is no sampler."""
    return name in SAMPLERS and SAMPLERS[name].makes_samples
