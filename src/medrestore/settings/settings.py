"""What a user asks for, checked as soon as it is said."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medrestore.core.samplers import SAMPLERS
from medrestore.core.schedules import SCHEDULES
from medrestore.errors import SettingsError
from medrestore.settings.noise import told

__all__ = ["ESTIMATES", "LARGEST_WEIGHT", "PRECISIONS", "Settings"]

ESTIMATES = ("mean", "sample", "posterior-mean")
PRECISIONS = ("auto", "float32", "bfloat16")
LARGEST_WEIGHT = 100.0
"""Of guidance: beyond it nothing but the guide is left."""


@dataclass(frozen=True)
class Settings:
    """What a user asks for; `interface.md` names are the same everywhere.

    Parameters
    ----------
    model : str
        ``"auto"``, a shipped model's name, or a model folder.
    mode : str, optional
        ``"slice"`` or ``"patch3d"``; None means the model's own.
    estimate : str
        What ``restored`` is: ``"mean"`` (μ), ``"sample"`` (one posterior sample, natural texture)
        or ``"posterior-mean"`` (mean of the samples).
    samples : int
        Posterior samples; 0 gives image and map from one evaluation.
    steps : int
        Steps of a sample. Each is one refiner evaluation, of some samplers more
        (`core.evaluations`); 0 means the model's usual number, 2 for the shipped ``*_slice`` and
        ``*_patch3d``.
    level : float
        Nominal coverage of ``lower``…``upper``.
    noise : "auto", float or str
        Standard deviation of the noise to remove. A number is in HU of soft tissue (CT) or a
        fraction of the foreground scale (MR: 0.05 is 5 %), which is the 99.5th percentile of the
        noise-free foreground, of each volume of a 4-D scan by itself. With its unit it says so:
        ``"25 a.u."`` (or ``"25u"``, ``"25 HU"``) is σ in the scan's own unit, ``"5%"`` a fraction.
        The API also takes a Volume as a map.
    seed : int
        Seed of all noise drawn.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    sampler : str
        ``"auto"`` (the model's usual one), or one of `core.samplers.SAMPLERS` that its weights
        serve.
    keep_samples : bool
        Keep the samples themselves, (samples, z, y, x).
    schedule : str
        Where a sample's steps lie: ``"cosine"`` (equally spaced angles), ``"linear"``,
        ``"sigmoid"`` or ``"karras"``.
    precision : str
        ``"auto"``, ``"float32"`` or ``"bfloat16"``; auto takes bfloat16 where the device multiplies
        it in hardware. The outer layers run in float32 all the same.
    memory_gb : float, optional
        Memory to stay within, in units of 10⁹ bytes, by smaller batches; None means what is free.
    guidance : float
        Weight of what the refiner is told against what it would say untold (classifier-free, of
        models that know both); 1 is the model itself, above 1 costs twice the evaluations. Of
        guided samples no interval is calibrated.
    measurement : float
        Weight of the noise's likelihood, by which samples are drawn towards the scan; 0 is off.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    model: str = "auto"
    mode: str | None = None
    estimate: str = "mean"
    samples: int = 8
    steps: int = 0
    level: float = 0.9
    noise: str | float = "auto"
    seed: int = 0
    device: str = "auto"
    sampler: str = "auto"
    keep_samples: bool = False
    schedule: str = "cosine"
    precision: str = "auto"
    memory_gb: float | None = None
    guidance: float = 1.0
    measurement: float = 0.0

    def __post_init__(self) -> None:
        _choice("estimate", self.estimate, ESTIMATES)
        _choice("sampler", self.sampler, ("auto", *SAMPLERS))
        _choice("schedule", self.schedule, tuple(SCHEDULES))
        _choice("precision", self.precision, PRECISIONS)
        if self.mode is not None:
            _choice("mode", self.mode, ("slice", "patch3d"))
        _between("samples", self.samples, 0, 1000)
        _between("steps", self.steps, 0, 1000)
        _between("seed", self.seed, 0, 2**63 - 1)
        _weight("guidance", self.guidance)
        _weight("measurement", self.measurement)
        if self.guided and not self.samples:
            raise SettingsError(
                f"guidance={self.guidance:g} and measurement={self.measurement:g} guide samples, "
                "but samples=0; ask for samples, or leave guidance at 1 and measurement at 0"
            )
        if not 0 < self.level < 1:
            raise SettingsError(f"level lies between 0 and 1, got {self.level}; 0.9 is usual")
        if self.memory_gb is not None and not self.memory_gb > 0:
            raise SettingsError(
                f"memory_gb is above 0, got {self.memory_gb}; leave it out for no limit"
            )
        if not isinstance(self.noise, str) or self.noise not in ("auto", "map"):
            value = told(self.noise).value
            if not np.isfinite(value) or value < 0:
                raise SettingsError(f"noise is a standard deviation ≥ 0, got {self.noise}")
        if self.estimate != "mean" and self.samples == 0:
            raise SettingsError(
                f"estimate={self.estimate!r} needs samples, but samples=0; ask for at least 1"
            )

    def drawing(self, samples: int) -> Settings:
        """The same with so many samples; without any, nothing that takes some."""
        if samples:
            return replace(self, samples=samples)
        return replace(self, samples=0, estimate="mean", guidance=1.0, measurement=0.0)

    @property
    def method(self) -> str:
        """How samples are drawn, as the card keys it: ``sampler:steps``, or with its schedule.

        Of a plan's settings: ``"auto"`` and 0 are no method before a model is known. What a card
        says of a sampler it does not say of that sampler guided, ``sampler+guided:steps``.
        """
        schedule = "" if self.schedule == "cosine" else f"@{self.schedule}"
        return f"{self.sampler}{schedule}{'+guided' if self.guided else ''}:{self.steps}"

    @property
    def guided(self) -> bool:
        """Whether anything but the model's own prediction leads the samples."""
        return self.guidance != 1 or self.measurement != 0


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(f"{name} is one of {', '.join(choices)}, got {value!r}")


def _weight(name: str, value: float) -> None:
    if not 0 <= value <= LARGEST_WEIGHT:
        raise SettingsError(f"{name} is a weight in 0…{LARGEST_WEIGHT:g}, got {value!r}")


def _between(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or not low <= value <= high:
        raise SettingsError(f"{name} is a whole number in {low}…{high}, got {value!r}")
