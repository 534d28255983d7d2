"""Schema of ``configs/card.json``: its sections and keys, with their types.

Version 1 is the only one so far. A new key with a default needs no new version; a key that changes
its meaning does, and an entry in `UPGRADES`, so that old model folders still open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self

from medrestore.errors import ModelError

__all__ = [
    "CARD_VERSION",
    "CardFacts",
    "IntervalFacts",
    "RegionFacts",
    "TrainingFacts",
    "TrustFacts",
]

CARD_VERSION = 1

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Functions that turn the JSON of a version into that of the next one."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a card.

    Parameters
    ----------
    other : mapping
        Keys that this medrestore does not know: kept as they are.
    """

    other: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, facts: Mapping[str, Any], where: str) -> Self:
        """The section of its JSON.

        Parameters
        ----------
        facts : mapping
            As `json` reads it.
        where : str
            Name of the section, for errors.

        Raises
        ------
        ModelError
            If it is no mapping, or lacks a key.
        """
        if not isinstance(facts, Mapping):
            raise ModelError(f"{where} is no table of keys: {facts!r}; restore the model folder")
        known = {one.name: one for one in fields(cls) if one.name != "other"}
        required = [n for n, one in known.items() if one.default is one.default_factory is MISSING]
        lacking = [name for name in required if name not in facts]
        if lacking:
            raise ModelError(f"{where} lacks {', '.join(lacking)}; restore the model folder")
        other = {key: value for key, value in facts.items() if key not in known}
        return cls(**{key: facts[key] for key in facts if key in known}, other=other)


@dataclass(frozen=True, kw_only=True)
class IntervalFacts(Section):
    """Calibrated factors of intervals.

    Parameters
    ----------
    relative_sigma : list of float
        Noise levels that were measured, relative to the intensity scale.
    factors : dict
        Method → rows of factors by noise level and nominal level; empty if never calibrated.
    people, samples : int
        People that the factors rest on; samples of the methods that rest on samples alone.
    how, who : str
        Kind of guarantee, and whose scans were measured.
    """

    factors: dict[str, Any]
    relative_sigma: list[float] = field(default_factory=list)
    people: int = 0
    samples: int = 0
    how: str = ""
    who: str = ""


@dataclass(frozen=True, kw_only=True)
class TrustFacts(Section):
    """Degrees of freedom that what is known of a voxel's variance is worth beside its samples.

    Parameters
    ----------
    relative_sigma : list of float
        Noise levels that were measured, relative to the intensity scale.
    dof : list of float or None
        As of `core.fusion.Trust`; None is infinite. Empty: never measured.
    people : int
        People that they rest on.
    who : str
        Description of them.
    """

    relative_sigma: list[float] = field(default_factory=list)
    dof: list[float | None] = field(default_factory=list)
    people: int = 0
    who: str = ""


@dataclass(frozen=True, kw_only=True)
class RegionFacts(Section):
    """Regions' intervals by number of ``voxels``.

    Factors of each method, and the degrees of freedom ``dof`` that the closed form of the variance
    is worth; none on cards from before it was measured. ``who``, ``how`` and ``date``: people,
    command and day, where they were measured apart from the training.
    """

    voxels: list[int] = field(default_factory=list)
    factors: dict[str, list[float]] = field(default_factory=dict)
    dof: list[float] = field(default_factory=list)
    who: str = ""
    how: str = ""
    date: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainingFacts(Section):
    """The training of a model: people and licences of the data, stages, notes, command.

    ``held_out`` are people who stayed out of it and whom the calibration is from. ``teacher`` is
    the model that a distilled one learned from, ``behind`` the one whose predictor it took over.
    """

    people: list[str] = field(default_factory=list)
    held_out: list[str] = field(default_factory=list)
    licences: list[str] = field(default_factory=list)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    command: str = ""
    teacher: str | None = None
    behind: str | None = None


@dataclass(frozen=True, kw_only=True)
class CardFacts(Section):
    """A whole card.

    Parameters
    ----------
    name, modality, mode, summary : str
        Name; modality and mode (``"slice"`` or ``"patch3d"``) that it is for; a sentence.
    predictor, refiner : dict
        Arguments of the networks; of the refiner also ``window`` and ``stride``.
    sigma_range : (float, float)
        Noise levels trained for, relative to the intensity scale.
    spectra, latent_spectra : dict
        As of `core.spectra.Spectra.from_facts`.
    intervals, trust, region_factors, training
        Sections; ``region_factor`` is the one factor of cards of the first kind.
    weights_sha256 : str
        Of ``models/model.safetensors``.
    depth, depth_stride : int
        Slices read together, and the step to the next such stack.
    family : str
        Name in `core.families`.
    samplers, steps
        Samplers that the weights serve and usual steps, where they are not the family's.
    evaluation : dict, optional
        Measured metrics, with command, date, machine and seed.
    by_anatomy : dict, optional
        Figures by anatomy: a table (``titles``, ``rows``), what it says, command, date and seed.
    limits : list of str
        Known limits, in sentences.
    """

    name: str
    modality: str
    mode: str
    summary: str
    predictor: dict[str, Any]
    refiner: dict[str, Any]
    sigma_range: tuple[float, float]
    spectra: dict[str, Any]
    intervals: IntervalFacts
    weights_sha256: str
    version: int = CARD_VERSION
    depth: int = 1
    depth_stride: int = 1
    family: str = "residual"
    samplers: list[str] | None = None
    steps: int | None = None
    latent_spectra: dict[str, Any] | None = None
    region_factor: float | None = None
    trust: TrustFacts = field(default_factory=TrustFacts)
    region_factors: RegionFacts = field(default_factory=RegionFacts)
    training: TrainingFacts = field(default_factory=TrainingFacts)
    evaluation: dict[str, Any] | None = None
    by_anatomy: dict[str, Any] | None = None
    limits: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, facts: Mapping[str, Any], folder: str) -> CardFacts:
        """The card of its JSON; older versions are brought up to this one.

        Parameters
        ----------
        facts : mapping
            As `json` reads it.
        folder : str
            Name of the model folder, for errors.

        Raises
        ------
        ModelError
            If the version is unknown, or something is missing.
        """
        where = f"the card of {folder}"
        newest = dict(facts)
        while (version := newest.get("version")) in UPGRADES:
            newest = UPGRADES[version](newest)
        if version != CARD_VERSION:
            raise ModelError(
                f"{where} has version {version}, this medrestore reads version {CARD_VERSION}; "
                "update medrestore or the model"
            )
        sections: dict[str, type[Section]] = {
            "intervals": IntervalFacts,
            "trust": TrustFacts,
            "region_factors": RegionFacts,
            "training": TrainingFacts,
        }
        for name, section in sections.items():
            if name in newest:
                newest[name] = section.read(newest[name], f"{where}, {name},")
        return cls.read(newest, where)
