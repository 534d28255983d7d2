"""Ways from noise to a sampled residual; one method per file, all over one `Denoiser`."""

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
    from medrestore.core.samplers.chain import Step

__all__ = ["SAMPLERS"]

SAMPLERS: dict[str, Step] = {
    "moment-matched": moment_matched,
    "ddpm": ddpm,
    "ddim": ddim,
    "heun": heun,
    "predictor-corrector": predictor_corrector,
    "ve-sde": ve_sde,
    "langevin": langevin,
    "consistency": consistency,
}
"""Methods by the name a user gives; `core.evaluations` says what each costs."""
