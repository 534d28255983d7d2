"""From what was asked to what will run: `Settings` → `resolve` → a frozen `Plan`.

A plan is everything a run depends on, in absolute units; printed for a person, saved as JSON beside
the results, and run again from that JSON to the same voxels.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING

from medrestore.core.evaluations import passes
from medrestore.core.method import ESTIMATED
from medrestore.core.planes import sha256_of
from medrestore.core.windows import tiles
from medrestore.errors import SettingsError
from medrestore.scratch import Held
from medrestore.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medrestore.card import Card
    from medrestore.volume import Volume

__all__ = ["Noise", "Plan", "Settings", "resolve"]


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise to be removed, resolved to absolute units.

    Parameters
    ----------
    sigma : float
        Standard deviation in the scan's units (CT: soft tissue; MR: per channel).
    map : ndarray of float32, shape (z, y, x), optional
        Local standard deviation in the same units.
    source : str
        How it is known, in plain words.
    between : (float, float), optional
        Where the scan's own witnesses disagree on an estimate: the range they leave, scan's units.
    measured : float, optional
        What the scan itself says, in the same units, where the noise was told.
    """

    sigma: float
    map: NDArray[np.float32] | None = field(default=None, repr=False)
    source: str = "given"
    between: tuple[float, float] | None = None
    measured: float | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A run, decided: what the pipeline does, in absolute units.

    ``noise.map`` travels outside the JSON, which holds its SHA-256. ``slices`` picks slices of a
    preview; None means all. ``batch`` windows of the refiner and ``slab`` slices are evaluated at
    once. ``seconds`` and ``memory_bytes`` are forecasts, None where nothing was timed.
    ``calibrated``: whether the model's coverage was measured for intervals drawn like these.
    """

    settings: Settings
    model: str
    model_sha256: str
    modality: str
    mode: str
    shape: tuple[int, int, int]
    times: int
    scale: float
    noise: Noise
    device: str
    batch: int
    slices: tuple[int, ...] | None
    evaluations: int
    seconds: float | None = None
    memory_bytes: int | None = None
    warnings: tuple[str, ...] = ()
    slab: int = 1
    precision: str = "float32"
    calibrated: bool = True

    @property
    def chosen(self) -> tuple[int, ...]:
        """Indices of the slices that are restored."""
        return tuple(range(self.shape[0])) if self.slices is None else self.slices

    def to_json(self) -> str:
        """The plan as JSON text, without the noise map."""
        facts = {f.name: getattr(self, f.name) for f in fields(self)}
        # a model folder is named, never located: records hold no absolute paths
        model = self.settings.model.replace("\\", "/").rstrip("/").rpartition("/")[2]
        facts["settings"] = {**asdict(self.settings), "model": model}
        facts["noise"] = {
            "sigma": self.noise.sigma,
            "source": self.noise.source,
            "map_sha256": _hash(self.noise.map),
        }
        return json.dumps(facts, indent=1)

    @classmethod
    def from_json(cls, text: str, noise_map: NDArray[np.float32] | None = None) -> Plan:
        """A plan from its JSON and, if it had one, its noise map.

        Raises
        ------
        SettingsError
            If the text is no plan, or the map is not the one it was made with.
        """
        try:
            facts = json.loads(text)
            noise = facts["noise"]
            if noise["map_sha256"] != _hash(noise_map):
                raise SettingsError("the noise map is missing or not the one of this plan")
            facts["noise"] = Noise(noise["sigma"], noise_map, noise["source"])
            facts["settings"] = Settings(**facts["settings"])
            for name in ("shape", "slices", "warnings"):
                facts[name] = None if facts[name] is None else tuple(facts[name])
            return cls(**facts)
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"this is not the JSON of a plan: {error}") from error

    def for_slices(self, slices: tuple[int, ...]) -> Plan:
        """The same run for some slices only: the same voxels as the whole run has there."""
        bad = [z for z in slices if not 0 <= z < self.shape[0]]
        if bad or not slices:
            raise SettingsError(f"the scan has slices 0…{self.shape[0] - 1}, asked for {slices}")
        share = len(slices) / len(self.chosen)
        return replace(
            self,
            slices=tuple(slices),
            evaluations=max(1, round(self.evaluations * share)),
            seconds=None if self.seconds is None else self.seconds * share,
        )


def resolve(
    settings: Settings,
    volume: Volume,
    card: Card,
    noise: Noise,
    scale: float,
    device: str,
    precision: str = "float32",
) -> Plan:
    """Decide a run; `forecast.complete` says what it will take.

    Parameters
    ----------
    settings : Settings
        What was asked; sampler and steps left to the model become its usual ones.
    volume : Volume
        The scan; only its shape and modality are looked at.
    card : Card
        The model.
    noise : Noise
        The noise in absolute units.
    scale : float
        Intensity scale (`core.intensity`).
    device, precision : str
        ``"cpu"`` or ``"cuda"``, ``"float32"`` or ``"bfloat16"``, already picked.

    Raises
    ------
    ModelError
        If the model does not serve the sampler, or not with so few samples and steps, or cannot be
        guided as asked.
    """
    shape = volume.geometry.shape
    times = len(volume.array) if volume.is_4d else 1
    slices = shape[0] * times
    steps = card.steps(settings.steps, settings.samples)
    settings = replace(settings, sampler=card.sampler(settings.sampler), steps=steps)
    card.check_guidance(settings.sampler, steps, settings.guidance, settings.measurement)
    each = passes(settings.sampler, steps, settings.samples, settings.guidance)
    windows = tiles(card.family.plane(shape[1:]), *card.window)
    batch = max(1, (256 if device.startswith("cuda") else 16) // card.depth[0])
    return Plan(
        settings=settings,
        model=card.name,
        model_sha256=card.sha256,
        modality=card.modality,
        mode=card.mode,
        shape=shape,
        times=times,
        scale=scale,
        noise=noise,
        device=device,
        batch=batch,
        slab=max(1, batch // windows),
        slices=None,
        evaluations=slices * (1 + each),
        warnings=_warnings(card, noise, scale, settings),
        precision=precision,
        calibrated=_calibrated(card, settings),
    )


def _warnings(card: Card, noise: Noise, scale: float, settings: Settings) -> tuple[str, ...]:
    of_noise = _of_noise(card, noise, scale)
    return (*of_noise, *_of_guidance(settings), *_of_calibration(card, settings))


def _of_noise(card: Card, noise: Noise, scale: float) -> tuple[str, ...]:
    low, high = card.sigma_range
    relative = noise.sigma / scale
    if relative > high:
        return (
            f"the noise ({relative:.1%} of the intensity scale) is above what {card.name} was "
            f"trained for ({high:.1%}); expect residual noise and check the result",
        )
    if relative < low:
        return (
            f"the noise ({relative:.2%} of the intensity scale) is below what {card.name} "
            f"removes ({low:.2%}); voxels with less are returned as they are",
        )
    return ()


def _of_guidance(settings: Settings) -> tuple[str, ...]:
    if not settings.guided:
        return ()
    return (
        f"samples are guided (guidance {settings.guidance:g}, measurement "
        f"{settings.measurement:g}): they no longer spread as the posterior does, and their std "
        "and intervals are not calibrated",
    )


def _method(settings: Settings) -> str:
    return settings.method if settings.samples else "predictor"


def _calibrated(card: Card, settings: Settings) -> bool:
    return card.calibrated(_method(settings)) is not None


def _of_calibration(card: Card, settings: Settings) -> tuple[str, ...]:
    if settings.guided or _calibrated(card, settings):
        return ()
    method, known = _method(settings), ", ".join(sorted(card.facts["intervals"]["factors"]))
    if not known:
        return (f"{card.name} is not calibrated: {ESTIMATED}",)
    if not card.family.mean_from_samples:
        return (f"{card.name} is calibrated for {known}, not for {method}: {ESTIMATED}",)
    return (
        f"{card.name} knows how wrong it is from its samples alone, and its intervals were "
        f"calibrated for {known}, not for {method}: they may be far too narrow",
    )


def _hash(array: NDArray[np.float32] | None) -> str | None:
    return None if array is None else sha256_of(array, Held(array).tick)
