"""References of a run: from its record to exactly the methods, models and programs that it used."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.citations.references import REFERENCES, Reference
from medrestore.core.samplers import SAMPLERS
from medrestore.core.schedules import SCHEDULES
from medrestore.errors import ModelError, SettingsError
from medrestore.io.formats import FORMATS, suffix_of
from medrestore.modalities import modality_named
from medrestore.models.model import find_card
from medrestore.results.record import facts_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from medrestore.models.card import Card

__all__ = ["Citation", "citations"]

Used = tuple[str, str]
"""Key of a reference, and what it was used for."""

KOAY = "Koay-corrected"
"""In the words of an estimate of MR noise that used that correction (`core.noise_level_mr`)."""
CONFORMAL = "conformal"
"""In the words of a card whose intervals are calibrated that way."""
PACKAGES = {"pytorch": "torch"}
"""Names of packages in records, in small letters, where they are not those of the references."""
PARAMETRIC = "_std_map"
"""Ends the name of a DICOM Parametric Map."""


class Citation(NamedTuple):
    """A reference, and what the run used it for, in words."""

    reference: Reference
    uses: tuple[str, ...]


def citations(record: str | os.PathLike[str]) -> list[Citation]:
    """The references of a run: medrestore first, then model, methods and programs.

    Parameters
    ----------
    record : path
        ``<stem>_run.json``; neither the scan nor the weights are looked at.

    Raises
    ------
    SettingsError
        If the file is not the record of a run.
    """
    path = Path(record)
    facts = facts_of(path)
    try:
        card = _card(facts["plan"])
        found = [*_program_and_model(facts, card), *_data(card)]
        used = [*_methods(facts, card), *_programs(facts)]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"{path} is not the record of a run (<scan>_run.json): {error!r} is missing or wrong; "
            "give one that medrestore wrote"
        ) from error
    uses: dict[str, list[str]] = {}
    for key, use in used:
        uses.setdefault(key, []).append(use)
    # records of 0.1.0 may hold no versions
    versions = {name.lower(): str(version) for name, version in facts.get("software", {}).items()}
    for key, why in uses.items():
        version = versions.get(PACKAGES.get(key, key), "")
        found.append(Citation(replace(REFERENCES[key], version=version), tuple(why)))
    return found


def _card(plan: dict[str, Any]) -> Card | None:
    """The card of the very weights that were used; None where they are not at hand."""
    for name in (plan["settings"]["model"], plan["model"]):
        try:
            card = find_card(name, plan["modality"], plan["mode"])
        except ModelError:
            continue
        if card.sha256 == plan["model_sha256"]:
            return card
    return None


def _program_and_model(facts: dict[str, Any], card: Card | None) -> Iterator[Citation]:
    plan = facts["plan"]
    version = str(facts["medrestore"])
    yield Citation(Reference("medrestore", "misc", "medrestore", version=version), ("the program",))
    note = f"SHA-256 of the weights {plan['model_sha256']}"
    if card is None:
        note += "; its card is not at hand, so its training data are not listed"
    name = str(plan["model"])
    yield Citation(Reference(_key("model", name), "misc", name, note=note), ("the model",))


def _data(card: Card | None) -> Iterator[Citation]:
    """Data the model was trained on, in its card's own words: source and licence."""
    sources = card.known.training.licences if card is not None else []
    for number, source in enumerate(sources, 1):
        assert card is not None
        key = _key("data", card.name, str(number))
        yield Citation(Reference(key, "misc", str(source)), (f"training data of {card.name}",))


def _key(*parts: str) -> str:
    """Of an entry; BibTeX takes no commas, braces or spaces in it."""
    return re.sub(r"[^\w-]", "_", "_".join(parts))


def _methods(facts: dict[str, Any], card: Card | None) -> Iterator[Used]:
    plan = facts["plan"]
    settings, modality = plan["settings"], plan["modality"]
    noise = modality_named(modality).noise
    for key in noise.references:
        yield key, f"physics of {modality} noise"
    if KOAY in plan["noise"]["source"]:
        yield "koay2006", "estimate of the noise level"
    if settings.get("mirroring") == "on":  # older records do not say
        yield "timofte2016", "mean of the predictions of mirror images"
    if facts["samples_drawn"] > 0:
        yield "salimans2022", "prediction of v"
        for key in SAMPLERS[settings["sampler"]].references:
            yield key, f"sampler {settings['sampler']}"
        yield SCHEDULES[settings["schedule"]].reference, f"schedule {settings['schedule']}"
        yield from _guidance(settings)
        yield "salmon2011", "random numbers of the samples"
    if card is not None:
        yield from ((key, card.family.summary) for key in card.family.references)
    if card is not None and CONFORMAL in card.known.intervals.how:
        yield "angelopoulos2022", "calibration of the intervals"
    if settings.get("exceeds") is not None:
        yield "bolin2015", "probability of exceedance"
    if facts["guards"] is not None:
        yield "benjamini1995", "false discovery rate of the guards"
        yield "benjamini2001", "false discovery rate of the guards, neighbouring voxels"
        for key in noise.scored_by:
            yield key, "scores of magnitudes in the guards"


def _guidance(settings: dict[str, Any]) -> Iterator[Used]:
    """Records from before there was any do not say."""
    if settings.get("guidance", 1.0) != 1:
        yield "ho2022", f"classifier-free guidance of weight {settings['guidance']:g}"
    if settings.get("measurement", 0.0):
        yield "song2023guided", f"guidance by the scan, weight {settings['measurement']:g}"
        yield "chung2023", f"guidance by the scan, weight {settings['measurement']:g}"


def _programs(facts: dict[str, Any]) -> Iterator[Used]:
    yield "pytorch", "networks"
    yield "monai", "network of the refiner, layout of the model"
    reader = _reader(facts)
    if reader is not None:
        yield reader, "reading the scan"
    outputs = [str(name) for name in facts["outputs"]]
    wrote = {_program(name) for name in outputs}
    for program in dict.fromkeys(one.program.lower() for one in FORMATS.values()):
        if program in wrote:
            yield program, "writing results"
    if any(name.endswith(PARAMETRIC) for name in outputs):
        yield "highdicom", "writing the Parametric Map"


def _reader(facts: dict[str, Any]) -> str | None:
    """By the file's suffix; None of a scan that was made in Python, or whose files have UIDs."""
    files = [str(name) for name in facts["input"].get("files", [])]
    if files:
        return _program(files[0])
    outputs = [str(name) for name in facts["outputs"]]
    return "pydicom" if any(not suffix_of(Path(name)) for name in outputs) else None


def _program(name: str) -> str:
    """Key of the program that reads and writes a file or folder of that name."""
    suffix = suffix_of(Path(name))
    found = (one.program for one in FORMATS.values() if suffix in one.suffixes)
    return next(found, FORMATS["dicom"].program).lower()
