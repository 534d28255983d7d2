"""The training configuration: one JSON file says everything a training run depends on."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from medrestore.core.families import FAMILIES
from medrestore.errors import SettingsError
from medrestore.modalities import modality_named
from medrestore.training.fields import arguments_of, check_names, made
from medrestore.training.loop import Schedule
from medrestore.training.noises import NOISES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Config", "Scan"]

STAGES = ("predictor", "fold", "refiner", "consistency", "autoencoder")
"""Trainings that a config may have a schedule of."""

EXAMPLE = "see models/mr_slice/configs/train.json for one"


@dataclass(frozen=True)
class Scan:
    """A training scan: file (relative to ``data``), whose it is, and its weight in the draw.

    ``binned_only`` leaves out the scan's own resolution, for scans too noisy to be a target.
    ``licence`` says where it is from and under which licence, for the card; where it is empty, the
    data's index may say it (`training.source`).
    """

    file: str
    person: str
    weight: float = 1.0
    binned_only: bool = False
    licence: str = ""


@dataclass(frozen=True)
class Config:
    """A training run.

    Parameters
    ----------
    name : str
        Model name; the bundle becomes ``models/<name>``.
    modality : str
        Decides noise physics and augmentation.
    summary : str
        One sentence for lists of models.
    data : str
        Folder of the scans, relative to the working directory.
    scans : tuple of Scan
        Training scans.
    held_out : tuple of Scan
        Scans of people who stay out of the training, and of every training that goes on from it:
        spectra and intervals are measured on them. Without any, on the people trained on.
    noise : (low, high)
        Noise levels drawn: fraction of the scale (MR), HU in soft tissue (CT).
    sigma_range : (low, high)
        Levels the card promises, relative to the intensity scale.
    predictor, refiner : dict
        Arguments of the networks; the refiner's also hold ``window`` and ``stride``.
    patch, batch : int
        Size of training patches and number per step.
    depth, depth_stride : int
        Slices of a stack that a 3-D model reads, and the step between stacks; 1 for slices.
    corruption : dict
        Further arguments of `mr_noise.MrNoise` or `ct_noise.CtNoise`: shares of kinds of noise.
    noise_aware : bool
        Correct a predictor's targets for the noise that the scans carry (`training.targets`); what
        is diffused is learned from the scans as they are.
    neighbours_dropped : float
        Share of patches whose slice is taken as the end of a scan or without neighbours, so that
        single slices, ends and gaps lose little.
    synthetic : dict
        Shares of ``"dead_leaves"`` and ``"label_map"`` volumes in the draw, together below 1.
    synthetic_stacks : int
        Number of such volumes.
    workers : int
        Processes that cut patches; 0 cuts them in between.
    stages : dict
        `Schedule` of ``"predictor"`` and ``"refiner"``; with one of ``"fold"``, the refiner and
        the card rest on residuals of predictors that have not seen the person (`crossfit`). With a
        teacher, of ``"consistency"`` and ``"fold"``.
    teacher : str
        Name or folder of a model whose refiner is distilled (`training.consistency`) behind its
        own predictor, which stays as it is; empty for an ordinary training.
    behind : str
        Name or folder of a model whose predictor, as it is, the refiner is trained behind; for
        kinds whose recipe uses it.
    family : str
        Kind of model, one of `core.families.FAMILIES`; trained by its `training.recipes`.
    condition_dropped : float
        Share of examples whose condition is dropped, of kinds that can do without.
    seed : int
        Seed of weights, patches and noise.
    threads : int
        CPU threads; 0 leaves torch's choice.
    notes, limits : tuple of str
        Events of the training, and limits of the model: sentences for the card of one model, that
        with the weights ``written_of``.
    written_of : str
        SHA-256 of the weights that notes and limits were written of, as their card states it. Other
        weights get neither.
    """

    name: str
    modality: str
    summary: str
    data: str
    scans: tuple[Scan, ...]
    noise: tuple[float, float]
    sigma_range: tuple[float, float]
    predictor: dict[str, Any]
    refiner: dict[str, Any]
    stages: dict[str, Schedule]
    patch: int = 64
    batch: int = 8
    seed: int = 0
    threads: int = 0
    depth: int = 1
    depth_stride: int = 1
    held_out: tuple[Scan, ...] = field(default=())
    teacher: str = ""
    behind: str = ""
    family: str = "residual"
    condition_dropped: float = 0.0
    workers: int = 0
    corruption: dict[str, float] = field(default_factory=dict)
    noise_aware: bool = False
    neighbours_dropped: float = 0.0
    synthetic: dict[str, float] = field(default_factory=dict)
    synthetic_stacks: int = 12
    notes: tuple[str, ...] = field(default=())
    limits: tuple[str, ...] = field(default=())
    written_of: str = ""

    @classmethod
    def read(cls, path: Path, changes: Mapping[str, Any] | None = None) -> Config:
        """Read a configuration; ``changes`` replace fields of the file.

        Raises
        ------
        SettingsError
            If the file is missing, no JSON, or holds unknown or missing fields.
        """
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"cannot read the training config {path.name}") from error
        except ValueError as error:
            raise SettingsError(f"{path.name} is no training config: {error}; {EXAMPLE}") from error
        if not isinstance(given, dict):
            raise SettingsError(f"{path.name} is no training config, but a list; {EXAMPLE}")
        facts = given | dict(changes or {})
        facts.pop("licences", None)  # of older configs: a list that no scan was named in
        try:
            for name in {"scans", "held_out"} & facts.keys():
                each = facts[name]
                if not isinstance(each, list):
                    raise SettingsError(f"{name} is a list of scans, got {each!r}")
                facts[name] = tuple(made(Scan, one, f"{name}[{i}]") for i, one in enumerate(each))
            stages = facts.get("stages", {})
            if not isinstance(stages, dict):
                raise SettingsError(f"stages holds a schedule by name, got {stages!r}")
            check_names(stages, STAGES, "stages")
            facts["stages"] = {k: made(Schedule, v, f"stages.{k}") for k, v in stages.items()}
            for name in {"noise", "sigma_range", "notes", "limits"} & facts.keys():
                if not isinstance(facts[name], list | tuple):
                    raise SettingsError(f"{name} is a list, got {facts[name]!r}")
                facts[name] = tuple(facts[name])
            config = made(cls, facts, "")
        except SettingsError as error:
            raise SettingsError(f"{path.name}: {error}; {EXAMPLE}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise SettingsError(f"{path.name} is no training config: {error}; {EXAMPLE}") from error
        config._check(path.name)
        return config

    def _check(self, name: str) -> None:
        noise = NOISES[modality_named(self.modality).trained.noise]
        shares = arguments_of(noise, without=("relative", "hu", "seed", "device", "volumes"))
        try:
            check_names(self.corruption, shares, "corruption")
            check_names(self.synthetic, ("dead_leaves", "label_map"), "synthetic")
        except SettingsError as error:
            raise SettingsError(f"{name}: {error}") from error
        if not self.scans:
            raise SettingsError(f"{name}: scans is empty; name the scans to train on")
        if "slices" not in self.predictor:
            raise SettingsError(f"{name}: predictor.slices is missing; {EXAMPLE}")
        both = {scan.person for scan in self.scans} & {scan.person for scan in self.held_out}
        if both:
            raise SettingsError(
                f"{name}: {', '.join(sorted(both))} cannot be trained on and held out; keep each "
                "person on one side"
            )
        if self.family not in FAMILIES:
            raise SettingsError(
                f"{name}: family is one of {', '.join(FAMILIES)}, got {self.family!r}"
            )
        if self.depth > 1 and self.family != "residual":
            raise SettingsError(
                f"{name}: models of family {self.family} work slice by slice, got depth "
                f"{self.depth}; leave depth at 1"
            )

    def of_weights(self, sha256: str) -> Config:
        """The same with notes and limits only if they were written of these weights."""
        if sha256 == self.written_of:
            return self
        return replace(self, notes=(), limits=(), written_of=sha256)

    def to_json(self) -> str:
        """The configuration as a file's text."""
        facts = asdict(self)
        for schedule in facts["stages"].values():  # JSON knows no infinity
            if not math.isfinite(schedule["time_limit_min"]):
                del schedule["time_limit_min"]
        return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"

    @property
    def networks(self) -> dict[str, Any]:
        """Arguments of `core.families.networks`; the same keys as in a card."""
        facts = {"predictor": self.predictor, "refiner": self.refiner, "depth": self.depth}
        return {"family": self.family, **facts}
