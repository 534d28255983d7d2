"""A model's card: sampler, steps, spectra and calibrated factors, from ``configs/card.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.core.families import FAMILIES
from medrestore.core.method import without_network
from medrestore.core.samplers import makes_samples
from medrestore.errors import ModelError
from medrestore.modalities import names
from medrestore.models.calibration import Calibration
from medrestore.models.schema import CardFacts

if TYPE_CHECKING:
    import os

    from medrestore.core.families import Family
    from medrestore.core.spectra import Spectra

__all__ = ["Card"]


@dataclass(frozen=True)
class Card(Calibration):
    """A model folder and what its ``configs/card.json`` says.

    Parameters
    ----------
    folder : Path
        The model folder.
    facts : dict
        The whole file, as `json` reads it; `known` holds the same by the schema.
    """

    folder: Path
    facts: dict[str, Any]

    @cached_property
    def known(self) -> CardFacts:
        """The facts by the schema; raises `ModelError` where they break it."""
        return CardFacts.of(self.facts, self.folder.name)

    @property
    def name(self) -> str:
        """The model's name, e.g. ``mr_slice``."""
        return self.known.name

    @property
    def modality(self) -> str:
        """Name of the modality it restores.

        Raises
        ------
        ModelError
            If this medrestore does not know the modality.
        """
        name = self.known.modality
        if name not in names():
            raise ModelError(
                f"model {self.name} is for modality {name!r}, this medrestore knows "
                f"{', '.join(names())}; update medrestore or take another model"
            )
        return name

    @property
    def mode(self) -> str:
        """``"slice"`` or ``"patch3d"``."""
        return self.known.mode

    @property
    def summary(self) -> str:
        """One sentence for a list of models."""
        return self.known.summary

    @property
    def slices(self) -> int:
        """Neighbouring slices that the predictor reads for each, in stacks too."""
        return int(self.known.predictor.get("slices", 1))

    @property
    def window(self) -> tuple[int, int]:
        """Size and stride of the refiner's windows in the plane."""
        return int(self.known.refiner["window"]), int(self.known.refiner["stride"])

    @property
    def run_stride(self) -> int:
        """Stride of the refiner's windows in a run: its training's, or a measured wider one."""
        return int(self.known.refiner.get("run_stride", self.window[1]))

    @property
    def depth(self) -> tuple[int, int]:
        """Slices that are read together, and the step to the next such stack; 1, 1 for slices."""
        return self.known.depth, self.known.depth_stride

    @property
    def family(self) -> Family:
        """Family of the model: networks, samplers and statistics.

        Raises
        ------
        ModelError
            If this medrestore does not know the kind.
        """
        name = self.known.family
        if name not in FAMILIES:
            raise ModelError(
                f"model {self.name} is of family {name!r}, this medrestore knows "
                f"{', '.join(FAMILIES)}; update medrestore or take another model"
            )
        return FAMILIES[name]

    @property
    def samplers(self) -> tuple[str, ...]:
        """Samplers that the refiner's weights serve, the usual one first."""
        return tuple(self.known.samplers or self.family.samplers)

    def sampler(self, requested: str) -> str:
        """The sampler that ``requested`` means: the model's usual one for ``"auto"``.

        Raises
        ------
        ModelError
            If the weights do not serve it.
        """
        if requested == "auto":
            return self.samplers[0]
        if requested not in self.samplers:
            raise ModelError(
                f"model {self.name} does not serve sampler {requested!r}, its refiner "
                f"{'makes samples' if makes_samples(self.samplers[0]) else 'predicts means'}; use "
                f"sampler {', '.join(self.samplers)}, or a model that serves {requested!r}"
            )
        return requested

    def steps(self, requested: int, samples: int) -> int:
        """The steps that ``requested`` means, the model's usual ones for 0; checked.

        Raises
        ------
        ModelError
            If the model has no image without samples, and these are too few for one.
        """
        steps = requested or self.known.steps or self.family.steps
        fewest = self.family.fewest_samples, self.family.fewest_steps
        if samples < fewest[0] or steps < fewest[1]:
            raise ModelError(
                f"model {self.name} has no image but the mean of its samples: ask for at least "
                f"{fewest[0]} samples of {fewest[1]} steps, got {samples} of {steps}; "
                f"{self.family.steps} steps are usual"
            )
        return steps

    def check_guidance(self, sampler: str, steps: int, guidance: float, measurement: float) -> None:
        """Refuse what cannot be guided; ``guidance`` 1 and ``measurement`` 0 guide nothing.

        Raises
        ------
        ModelError
            If the sampler makes samples or evaluates nothing, if the weights know no null
            condition, or if the diffused plane is not the image's voxels.
        """
        wrong = ""
        if guidance == 1 and measurement == 0:
            return
        if makes_samples(sampler):
            wrong = f"sampler {sampler!r} makes samples, and only predicted means can be guided"
        elif without_network(sampler, steps):
            wrong = f"one step of {sampler!r} evaluates nothing; ask for at least 2 steps"
        elif guidance != 1 and not self.family.knows_null_condition(self.facts):
            wrong = "its weights do not know what they would say untold of the scan, as those of "
            wrong += "mr_slice_ddpm do; leave guidance at 1"
        elif measurement and self.family.latent:
            wrong = "it walks on latents, which were not measured; leave measurement at 0"
        if wrong:
            raise ModelError(
                f"model {self.name} cannot be guided so (guidance {guidance:g}, measurement "
                f"{measurement:g}): {wrong}"
            )

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Noise levels the model was trained for, relative to the intensity scale."""
        low, high = self.known.sigma_range
        return float(low), float(high)

    @property
    def spectra(self) -> Spectra:
        """Spectra of r − r̂ by angle and by the slice's mean s²/σ²."""
        from medrestore.core.spectra import Spectra

        return Spectra.from_facts(self.known.spectra)

    @property
    def latent(self) -> Spectra | None:
        """Spectra of z − ẑ in the plane of a latent; None where r itself is diffused."""
        from medrestore.core.spectra import Spectra

        if not self.family.latent:
            return None
        return Spectra.from_facts(self.known.latent_spectra or self.known.spectra)

    @property
    def weights(self) -> Path:
        """The safetensors file."""
        return self.folder / "models" / "model.safetensors"

    @property
    def sha256(self) -> str:
        """Hash of the weights as the card states it."""
        return self.known.weights_sha256

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Card:
        """Read a model's card.

        Raises
        ------
        ModelError
            If the folder holds no card, or one of another version.
        """
        folder = Path(folder)
        path = folder / "configs" / "card.json"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{folder.name} is not a model folder: its configs/card.json cannot be read; "
                "name a folder that holds configs/ and models/"
            ) from error
        card = cls(folder, facts)
        _ = card.known
        return card
