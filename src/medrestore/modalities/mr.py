"""MR: magnitudes in arbitrary units, Rician noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.ct_values import lies_in_air
from medrestore.core.mr_values import debiased, signs
from medrestore.core.noise_level_mr import RICIAN as ESTIMATOR
from medrestore.core.residual_score import RICIAN
from medrestore.errors import UnsuitableError
from medrestore.modalities.modality import Evaluation, Modality
from medrestore.modalities.noise import NoiseLimits, NoiseModel, Simulation
from medrestore.modalities.training import Anatomy, Training
from medrestore.volume import UNITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["MR"]

UNUSUAL = 1e-4
"""Share of deep voxels that is worth a word."""


def _check_values(volume: Volume, planes: NDArray[Any], values: NDArray[Any]) -> tuple[str, ...]:
    """Refuse what is no magnitude."""
    name = volume.source.name
    found = signs(planes)
    if found.signed:
        share = f"{np.mean(values < 0):.0%} of the voxels are negative, down to {values.min():.4g}"
        if lies_in_air(values):
            share += ", as air is in a CT (--modality CT)"
        raise UnsuitableError(
            f"{name} is no magnitude image of MR: {share}; give the magnitudes themselves, not a "
            "real part, a phase-sensitive reconstruction or what is left when a mean is subtracted"
        )
    if found.deep > UNUSUAL:
        return (
            f"{found.deep:.2%} of the voxels lie below zero by more than a tenth of the signal: no "
            "magnitude does, and they become 0",
        )
    return ()


def _noisier(array: NDArray[np.float32], pixel_mm: float, **settings: Any) -> Any:
    from medrestore.physics.simulate import noisier_mr  # torch, without which files are read

    return noisier_mr(array, pixel_mm, **settings)


def _made_up(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    return rng.beta(1.3, 1.3, count).astype(np.float32)


MR = Modality(
    name="MR",
    unit=UNITS["MR"],
    lowest=0.0,
    form="magnitude",
    in_k_space=True,
    check_values=_check_values,
    noise=NoiseModel(
        estimator=ESTIMATOR,
        residual=RICIAN,
        limits=NoiseLimits(
            weaker=0.87, left_surely=0.4, left_at_least=0.25, collapsed=1.15, correlated=0.15
        ),
        relative=True,
        refused={
            "hu": (
                'noise={noise!r}: an MR has no HU; say "{value:g} a.u.", or a fraction of its '
                "foreground (0.05 is 5 %)"
            )
        },
        debiased=debiased,
        references=("gudbjartsson1995",),
        scored_by=("sankaran1963",),
    ),
    simulation=Simulation(_noisier, "noise"),
    evaluation=Evaluation(phantom=(0.0, 800.0, 500.0)),
    training=Training(
        noise="magnitude",
        levels=(0.01, 0.03, 0.06, 0.12),
        anatomy=Anatomy(values=_made_up, shading=0.15, texture=0.05, bounds=(0.0, 1.3)),
        arbitrary=True,
        white=True,
    ),
)
