"""What a user asks for, checked as soon as it is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medrestore.core.evaluations import PER_ANGLE
from medrestore.core.schedules import SCHEDULES
from medrestore.errors import SettingsError

__all__ = ["ESTIMATES", "PRECISIONS", "SAMPLERS", "Settings"]

ESTIMATES = ("mean", "sample", "posterior-mean")
SAMPLERS = tuple(PER_ANGLE)
PRECISIONS = ("auto", "float32", "bfloat16")


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
    noise : "auto" or float
        Standard deviation of the noise to remove: HU in soft tissue (CT) or a fraction of the
        foreground scale (MR). The API also takes a Volume as a map.
    seed : int
        Seed of all noise drawn.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    sampler : str
        ``"auto"`` (the model's usual one), ``"moment-matched"``, ``"ddpm"``, ``"ddim"``,
        ``"heun"``, ``"predictor-corrector"``, ``"ve-sde"``, ``"langevin"`` or, of distilled models
        only, ``"consistency"``.
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
        if not 0 < self.level < 1:
            raise SettingsError(f"level lies between 0 and 1, got {self.level}; 0.9 is usual")
        if self.memory_gb is not None and not self.memory_gb > 0:
            raise SettingsError(
                f"memory_gb is above 0, got {self.memory_gb}; leave it out for no limit"
            )
        if isinstance(self.noise, str):
            _choice("noise", self.noise, ("auto", "map"))
        elif not np.isfinite(self.noise) or self.noise < 0:
            raise SettingsError(f"noise is a standard deviation ≥ 0, got {self.noise}")
        if self.estimate != "mean" and self.samples == 0:
            raise SettingsError(
                f"estimate={self.estimate!r} needs samples, but samples=0; ask for at least 1"
            )

    @property
    def method(self) -> str:
        """How samples are drawn, as the card keys it: ``sampler:steps``, or with its schedule.

        Of a plan's settings: ``"auto"`` and 0 are no method before a model is known.
        """
        schedule = "" if self.schedule == "cosine" else f"@{self.schedule}"
        return f"{self.sampler}{schedule}:{self.steps}"


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(f"{name} is one of {', '.join(choices)}, got {value!r}")


def _between(name: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int) or not low <= value <= high:
        raise SettingsError(f"{name} is a whole number in {low}…{high}, got {value!r}")
