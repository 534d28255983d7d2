"""Realisations of a scene's noise, each with a seed of its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.intensity import foreground_scale
from medrestore.errors import SettingsError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from medrestore.evaluation.ensemble.scene import Half, Scene
    from medrestore.volume import Volume

__all__ = ["Noise", "realisation", "seed_of"]


@dataclass(frozen=True)
class Noise:
    """How strong the noise is; one of the first three, as `medrestore.simulate` takes them.

    Parameters
    ----------
    dose : float, optional
        CT: fraction of the dose, 0 to 1.
    hu : float, optional
        CT: standard deviation in soft tissue.
    noise : float, optional
        MR: σ per channel as a fraction of the foreground scale.
    own_hu : float, optional
        CT: the noise that a scan has at full dose, from which its photons follow; only with
        ``dose``. 1.5e5 photons a ray if absent.
    """

    dose: float | None = None
    hu: float | None = None
    noise: float | None = None
    own_hu: float | None = None

    def __post_init__(self) -> None:
        given = [self.dose, self.hu, self.noise]
        if given.count(None) != 2 or (self.own_hu is not None and self.dose is None):
            raise SettingsError(
                f"noise is asked for by one of dose, hu (both CT) and noise (MR), got {self}"
            )

    def facts(self) -> dict[str, Any]:
        """For ``truth.json``."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def seed_of(seed: int, half: Half, number: int) -> int:
    """Seed of one realisation: other halves, numbers and ensembles have others."""
    state = np.random.SeedSequence([seed, half == "present", number]).generate_state(2)
    return int(state[0]) << 20 | int(state[1]) >> 12  # 52 bits: JSON keeps them exactly


def realisation(scene: Scene, noise: Noise, half: Half, seed: int) -> Volume:
    """The scene with fresh noise; σ of MR is a fraction of the scale without inserts, for both."""
    clean, fraction = scene.clean(half), noise.noise
    if fraction is not None:
        fraction *= foreground_scale(scene.background.array) / foreground_scale(clean.array)
    array, _ = modality_named(scene.modality).noisier(
        clean.array,
        scene.pixel_mm[0],
        dose=noise.dose,
        noise=fraction,
        hu=noise.hu,
        own_noise_hu=noise.own_hu,
        seed=seed,
    )
    return clean.with_array(array)
