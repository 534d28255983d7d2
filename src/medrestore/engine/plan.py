"""A run as it was decided: `Settings` → `resolve` → a frozen `Plan`.

A plan is everything a run depends on, in absolute units; printed for a person, saved as JSON beside
the results, and run again from that JSON to the same voxels.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from medrestore.engine.noise import Level, Noise, map_of, typical
from medrestore.errors import SettingsError
from medrestore.models.model import MODELS, find_card
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medrestore.models.card import Card
    from medrestore.models.model import Model

__all__ = ["Level", "Noise", "Plan", "Settings"]


@dataclass(frozen=True, eq=False)
class Plan:
    """A run, decided: what the pipeline does, in absolute units.

    ``noise`` and ``scale`` are the scan's; of a 4-D scan each volume has its own, in ``levels``,
    and these are the middle ones of them: `at` gives the plan of one time point. Noise maps travel
    outside the JSON, which holds their SHA-256. ``slices`` picks slices of a preview; None means
    all. ``batch`` windows of the refiner and ``slab`` slices are evaluated at once. ``seconds`` and
    ``memory_bytes`` are forecasts, None where nothing was timed. ``calibrated``: whether the
    model's coverage was measured for intervals drawn like these. ``grid``: rows and columns that
    the run works on, where they are those that were acquired (`grid_choice`) and not those of
    ``shape``; ``grid_source`` says how that is known, or why it is not done. ``stride``: step
    between the refiner's windows in the plane; 0, as of older records: that of its training.
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
    levels: tuple[Level, ...] = ()
    calibrated: bool = True
    grid: tuple[int, int] | None = None
    grid_source: str = ""
    stride: int = 0

    def at(self, t: int) -> Plan:
        """The plan of one time point, with the noise and the scale of its volume."""
        if not self.levels:
            return self
        noise, scale = self.levels[t]
        return replace(self, noise=noise, scale=scale, levels=())

    @property
    def sized(self) -> Plan:
        """The same run of an ordinary scan of the size that it works on, for what that takes."""
        if self.grid is None:
            return self
        return replace(self, shape=(self.shape[0], *self.grid), grid=None)

    @property
    def each(self) -> tuple[Level, ...]:
        """Noise and scale of each volume: one for a 3-D scan."""
        return self.levels or (Level(self.noise, self.scale),)

    def with_levels(self, levels: tuple[Level, ...]) -> Plan:
        """The same run with the noise of each volume as measured anew."""
        noise, scale = typical(levels)
        return replace(self, noise=noise, scale=scale, levels=levels if self.levels else ())

    def as_run(self, done: Plan) -> Plan:
        """The same with what memory made of its run, whose plan came back as ``done``."""
        changed = {name: getattr(done, name) for name in ("device", "slab", "batch", "warnings")}
        return replace(self, **changed)

    def without_maps(self) -> Plan:
        """The same without noise maps, which are large: to be sent, and measured anew there."""
        light = tuple(Level(replace(noise, map=None), scale) for noise, scale in self.levels)
        return replace(self, noise=replace(self.noise, map=None), levels=light)

    @property
    def noise_map(self) -> NDArray[np.float32] | None:
        """Noise map, if there is one: (z, y, x), or (t, z, y, x) where each volume has its own."""
        return map_of(self.levels) if self.levels else self.noise.map

    def card(self) -> Card:
        """Card of the model; raises `ModelError` where there is none."""
        return find_card(self.settings.model, self.modality, self.mode)

    def load_model(self) -> Model:
        """The model on the plan's device, loaded once in a process; raises `ModelError`."""
        return MODELS.get(self.card(), self.device, self.precision)

    @property
    def chosen(self) -> tuple[int, ...]:
        """Indices of the slices that are restored."""
        return tuple(range(self.shape[0])) if self.slices is None else self.slices

    def to_json(self) -> str:
        """The plan as JSON text, without noise maps."""
        facts = {f.name: getattr(self, f.name) for f in fields(self)}
        # a model folder is named, never located: records hold no absolute paths
        model = self.settings.model.replace("\\", "/").rstrip("/").rpartition("/")[2]
        facts["settings"] = {**asdict(self.settings), "model": model}
        facts["noise"] = self.noise.facts()
        facts["levels"] = [{"noise": noise.facts(), "scale": scale} for noise, scale in self.levels]
        return json.dumps(facts, indent=1)

    @classmethod
    def from_json(cls, text: str, noise_map: NDArray[np.float32] | None = None) -> Plan:
        """A plan from its JSON and, if it had one, its noise map as in `noise_map`.

        Raises
        ------
        SettingsError
            If the text is no plan, or the map is not the one it was made with.
        """
        try:
            facts = json.loads(text)
            levels = facts.pop("levels", [])  # older records have none
            own = noise_map if noise_map is not None and noise_map.ndim == 4 else None
            maps = [noise_map] * len(levels) if own is None else own
            facts["levels"] = tuple(
                Level(Noise.from_facts(one["noise"], local), one["scale"])
                for one, local in zip(levels, maps, strict=True)
            )
            if facts["levels"]:
                facts["noise"], facts["scale"] = typical(facts["levels"])
            else:
                facts["noise"] = Noise.from_facts(facts["noise"], noise_map)
            older = {"mirroring": "off", "grid": "shown"}  # what runs did before they were asked
            facts["settings"] = Settings(**(older | facts["settings"]))
            facts.setdefault("grid", None)
            for name in ("shape", "slices", "warnings", "grid"):
                facts[name] = None if facts[name] is None else tuple(facts[name])
            return cls(**facts)
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"this is not the JSON of a plan: {error}") from error

    def preview(self) -> Plan:
        """The same slices, image and map, without samples or with as few as that takes."""
        settings = replace(self.settings, estimate="mean", keep_samples=False)
        settings = settings.drawing(self.card().family.fewest_samples)
        slices = len(self.chosen) * self.times
        return replace(self, settings=settings, evaluations=slices * settings.evaluations)

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
