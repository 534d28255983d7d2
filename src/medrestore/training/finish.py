"""From trained networks to a finished model: spectra, calibration, card, weights."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.torch import save

from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import Spectrum
from medrestore.modalities import modality_named
from medrestore.models.bundle import write_card
from medrestore.models.card import Card
from medrestore.models.model import Model, load
from medrestore.report.files import write_file
from medrestore.settings.settings import Settings
from medrestore.training.probe import Case
from medrestore.training.source import SYNTHETIC, held_out_stacks, licences
from medrestore.training.spread import measure_sampled, measure_spread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from medrestore.core.meter import Meter
    from medrestore.training.config import Config
    from medrestore.training.data import Stack

__all__ = ["Trained", "finish", "people_of", "write_bundle", "write_card"]


@dataclass(frozen=True, eq=False)
class Trained:
    """Result of training.

    Both networks, person → predictor that has not seen them, folders of the stages, and the model
    that it started from.
    """

    predictor: nn.Module
    refiner: nn.Module
    held_out: Mapping[str, nn.Module]
    stages: tuple[str, ...]
    start: Card | None


def people_of(card: Card) -> tuple[str, ...]:
    """Everybody that a model was trained on, as far as its card tells."""
    return tuple(card.known.training.people)


UNKNOWN = Spectra((math.pi / 2,), ((Spectrum.white(),),))
"""Spectra of a card before they are measured."""


def calibration_levels(config: Config) -> tuple[float, ...]:
    """Noise levels of the calibration, as the modality's simulation takes them."""
    return modality_named(config.modality).trained.levels


def finish(
    config: Config,
    people: dict[str, list[Stack]],
    trained: Trained,
    folder: Path,
    work: Path,
    meter: Meter,
) -> None:
    """Spectra, calibration, card and weights.

    All is measured with a draft in ``work``: ``folder`` gets a model once it is finished, and keeps
    the one it had until then.
    """
    draft = work / "draft"
    facts = {**_facts(config, trained, work), "spectra": UNKNOWN.facts()}
    unknown = {"relative_sigma": [1.0], "people": 0, "factors": {}}
    write_bundle(draft, {**facts, "intervals": unknown}, trained.predictor, trained.refiner)
    settings = Settings(samples=8, steps=2, seed=config.seed)
    model, cases = load(Card.read(draft)), _cases(config, people)
    levels = calibration_levels(config)
    unseen = {
        person: Model(model.card, other.cpu(), model.refiner, "cpu")
        for person, other in trained.held_out.items()
    }
    if model.family.fewest_samples:
        facts |= measure_sampled(model, cases, levels, settings, meter, bool(config.held_out))
    else:
        of_others = bool(config.held_out)
        facts |= measure_spread(model, cases, levels, settings, unseen, meter, of_others)
    written = config.of_weights(model.card.sha256)
    facts["limits"], facts["training"]["notes"] = list(written.limits), list(written.notes)
    write_file(folder / "configs" / "train.json", [written.to_json().encode()])
    write_bundle(folder, facts, trained.predictor, trained.refiner)
    shutil.rmtree(draft)


def _facts(config: Config, trained: Trained, work: Path) -> dict[str, Any]:
    option, source, start = "", dict[str, Any](), trained.start
    before = () if start is None else people_of(start)
    if start is not None:
        if config.teacher or config.behind:
            source["teacher" if config.teacher else "behind"] = start.name
        else:
            option = f" --from {start.name}"
        source["start"] = {"model": start.name, "weights_sha256": start.sha256}
    stages = {}
    for stage in (work / name for name in trained.stages):
        state = json.loads((stage / "state.json").read_text())
        table = stage / "curve.csv"
        curve = table.read_text().splitlines() if table.exists() else []
        stages[stage.name] = {
            "steps": state["step"],
            "minutes": round(state["seconds"] / 60, 1),
            "curve": _thinned(curve),
            **({"sessions": state["sessions"]} if state.get("sessions") else {}),
        }
    return {
        "name": config.name,
        "modality": config.modality,
        "mode": "slice" if config.depth == 1 else "patch3d",
        **({} if config.family == "residual" else {"family": config.family}),
        **({"condition_dropped": config.condition_dropped} if config.family == "image" else {}),
        "depth": config.depth,
        "depth_stride": config.depth_stride,
        "summary": config.summary,
        "predictor": config.predictor,
        "refiner": config.refiner,
        "sigma_range": list(config.sigma_range),
        **({"samplers": ["consistency"], "steps": 1} if config.teacher else {}),
        "limits": [],
        "training": {
            "command": f"medrestore train models/{config.name}/configs/train.json{option}",
            "seed": config.seed,
            **source,
            "scans": [scan.file for scan in config.scans],
            "people": sorted({*before, *(scan.person for scan in config.scans)}),
            "held_out": sorted({scan.person for scan in config.held_out}),
            "licences": licences(config, start),
            "notes": [],
            "stages": stages,
        },
    }


def _thinned(curve: list[str]) -> list[list[float]]:
    """Step and loss of at most 40 rows of a loss table."""
    rows = [line.split(",") for line in curve[1:]]
    every = max(1, math.ceil(len(rows) / 40))
    return [[float(row[0]), float(row[2])] for row in rows[::every]]


def _cases(config: Config, people: dict[str, list[Stack]]) -> list[Case]:
    """The middle of each scan held out; without any, of the first stack of each person.

    The scan's own noise is known where the predictor learned to remove it; another model keeps it,
    as anatomy.
    """
    slices, cases = max(9, config.depth), []
    trained_on = [(person, group[0]) for person, group in people.items() if person != SYNTHETIC]
    for person, stack in held_out_stacks(config) or trained_on:
        middle = len(stack.array) // 2
        first = max(0, min(middle - slices // 2, len(stack.array) - slices))
        array = np.ascontiguousarray(stack.array[first : first + slices])
        own = (stack.noise_std or 0.0) if config.noise_aware else 0.0
        cases.append(Case(person, array, stack.pixel_mm, own))
    return cases


def write_bundle(
    folder: Path, facts: dict[str, Any], predictor: nn.Module, refiner: nn.Module
) -> None:
    """Write weights and card as a MONAI bundle.

    Weights are rounded to half precision (11 bits), which moves μ by far less than the noise and
    halves the file; they are read back into float32.

    Parameters
    ----------
    folder : Path
        ``models/<name>``; made if absent.
    facts : dict
        The card without ``version`` and ``weights_sha256``, which are added here.
    predictor, refiner : Module
        Usually the averaged weights.
    """
    nets = {"predictor": predictor, "refiner": refiner}
    data = save(
        {
            f"{name}.{key}": value.half().contiguous()
            for name, net in nets.items()
            for key, value in net.state_dict().items()
        }
    )
    write_file(folder / "models" / "model.safetensors", [data])
    write_card(folder, {**facts, "weights_sha256": hashlib.sha256(data).hexdigest()})
