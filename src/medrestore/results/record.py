"""A run from its record: the plan, and the scan and noise map it was made for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.core.slices import sha256_of
from medrestore.disk_arrays import PageReleaser
from medrestore.engine.device_check import place_of
from medrestore.engine.plan import Plan
from medrestore.errors import InputError, MissingScanError, ModelError, SettingsError
from medrestore.results.exceedance import UNIT
from medrestore.results.naming import format_of, saved
from medrestore.results.result import LAYERS, Result
from medrestore.results.software import repetition_note
from medrestore.volume import Source

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

    from medrestore.io import Scan
    from medrestore.volume import Volume

    Place = str | os.PathLike[str] | Scan

__all__ = ["facts_of", "read_record", "reopen", "reopen_results"]

OPTIONAL = ("exceeds", "removed", "inconsistent")
"""Results that a run may lack."""


def read_record(
    record: str | os.PathLike[str],
    source: Place | None = None,
    device: str | None = None,
) -> tuple[Plan, Volume]:
    """The plan of a run and its scan, both checked against the hashes in the record.

    Parameters
    ----------
    record : path
        ``<stem>_run.json``; a noise map is read from beside it.
    source : path or Scan, optional
        The scan, or what `find` says of it. Without it, it is looked for by its file name beside
        the record, one folder up and in the working folder.
    device : str, optional
        Another device than the run's own.

    Returns
    -------
    plan : Plan
        With as many samples as the run drew, in its precision, and with a warning where this
        machine cannot give the very bits (`results.software`).
    volume : Volume
        The scan, or the time point of a 4-D scan, that was restored.

    Raises
    ------
    SettingsError
        If the record cannot be read.
    MissingScanError
        If the scan is not found or is another one.
    ModelError
        If the model is not there or another version of it is.
    ResourceError
        If the device is not there, or does not compute what the CPU computes.
    """
    plan, volume = _run_of(Path(record), source)
    place = place_of(device or plan.device, plan.precision, plan.card())
    here = replace(plan, device=place.device)
    warnings = (*place.warnings, *repetition_note(facts_of(Path(record)), here))
    return replace(here, warnings=warnings), volume


def _run_of(path: Path, source: Place | None) -> tuple[Plan, Volume]:
    """The same, on the device that the run had, be it here or not."""
    facts = facts_of(path)
    plan = _plan(facts, path)
    card = plan.card()
    if card.sha256 != plan.model_sha256:
        raise ModelError(
            f"{path.name} was made with another version of model {plan.model}: the SHA-256 of the "
            "weights differs; restore that version, or denoise the scan anew"
        )
    return plan, _scan(facts["input"], plan, path, source)


def reopen(
    record: str | os.PathLike[str], source: Place | None = None, samples: bool = False
) -> Result:
    """A finished run as it was saved: its maps, its scan, its plan; nothing is computed.

    Parameters
    ----------
    record, source
        As for `read_record`; the results lie beside the record.
    samples : bool
        Whether to read the samples too, where they were kept; they take the most memory.

    Returns
    -------
    Result
        Whose regions are computed again from the plan's seed when they are asked for; of samples
        that were read only the mean is.

    Raises
    ------
    MedrestoreError
        As `read_record`; also if results are missing or lie on another grid.
    """
    path = Path(record)
    plan, volume = _run_of(path, source)
    wanted = volume if plan.slices is None else volume.slices(plan.slices)
    volumes = {
        name: _on_grid(_read(name, place, plan), wanted, place)
        for name, place in _maps(path).items()
    }
    stem = path.name.removesuffix("_run.json")
    kept = _samples(path.parent, stem, plan, wanted) if samples else None
    return Result.reopened(plan, volume, volumes, kept)


def reopen_results(record: str | os.PathLike[str]) -> Result:
    """The maps of a finished run alone, as they lie beside its record: its scan is not needed.

    Returns
    -------
    Result
        Without a scan, so that regions cannot be measured.

    Raises
    ------
    MedrestoreError
        If the record cannot be read, or results are missing or do not fit it.
    """
    path = Path(record)
    facts = facts_of(path)
    plan = _plan(facts, path, known_noise=False)
    source = Source(name=str(facts["input"].get("name") or path.name.removesuffix("_run.json")))
    volumes: dict[str, Volume] = {}
    for name, place in _maps(path).items():
        found = _read(name, place, plan)
        grid = volumes.get("restored", found)
        kept = replace(found.source, name=source.name)
        volumes[name] = replace(_on_grid(found, grid, place), source=kept)
    return Result.reopened(plan, None, volumes)


def _maps(record: Path) -> dict[str, Path]:
    """Paths of the maps of a run, in the order of `LAYERS`; some may be missing (`OPTIONAL`)."""
    stem = record.name.removesuffix("_run.json")
    places = {name: saved(record.parent, f"{stem}_{name}") for name in LAYERS}
    for name, place in places.items():
        if place is None and name not in OPTIONAL:
            raise InputError(
                f"{stem}_{name} is missing beside {record.name}; it was moved or removed"
            )
    return {name: place for name, place in places.items() if place is not None}


def _read(name: str, place: Path, plan: Plan) -> Volume:
    """A map as it was written; a probability says so by its unit."""
    if name != "exceeds":
        return io.read(place, plan.modality, gaps="keep")
    parametric = format_of(place) == "dicom"
    found = io.read_map(place) if parametric else io.read(place, plan.modality, gaps="keep")
    return replace(found, modality=plan.modality, unit=UNIT)


def _samples(folder: Path, stem: str, plan: Plan, wanted: Volume) -> NDArray[np.float32] | None:
    """Samples (k, z, y, x) as they were kept; None if they were not."""
    place = saved(folder, f"{stem}_samples")
    if place is None or not plan.settings.samples:
        return None
    found = io.read(place, plan.modality, gaps="keep").array
    array = found if found.ndim == 4 else found[None]  # a single one
    if array.shape != (plan.settings.samples, *wanted.array.shape):
        raise InputError(
            f"{place.name} has shape {found.shape}, the run drew {plan.settings.samples} samples "
            f"of {wanted.array.shape}; it is not a result of this run"
        )
    return array


def _on_grid(saved: Volume, wanted: Volume, place: Path) -> Volume:
    if saved.array.shape != wanted.array.shape or not saved.geometry.fits(wanted.geometry):
        raise InputError(
            f"{place.name} has shape {saved.array.shape} and its own grid, the run's is "
            f"{wanted.array.shape}; it is not a result of this run"
        )
    return wanted.with_array(saved.array, unit=saved.unit)


def facts_of(path: Path) -> dict[str, Any]:
    """Content of a record; raises `SettingsError` if it cannot be read or is none."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        _ = (facts["plan"], facts["input"]["sha256"], facts["samples_drawn"])
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is not the record of a run (<scan>_run.json)") from error
    return dict(facts)


def _plan(facts: dict[str, Any], path: Path, known_noise: bool = True) -> Plan:
    """The plan in a record, with as many samples as were drawn; with its noise map, or without."""
    noise_map = None
    noises = [facts["plan"]["noise"], *(one["noise"] for one in facts["plan"].get("levels", []))]
    if not known_noise:
        for noise in noises:
            noise["map_sha256"] = None
    elif any(noise["map_sha256"] is not None for noise in noises):
        name = path.name.removesuffix("_run.json") + "_noise"
        beside = saved(path.parent, name)
        if beside is None:
            raise SettingsError(f"the run used a noise map; {name}.nii.gz is missing beside it")
        noise_map = io.read(beside).array
    plan = Plan.from_json(json.dumps(facts["plan"]), noise_map)
    drawn = int(facts["samples_drawn"])
    if drawn == plan.settings.samples:
        return plan
    return replace(plan, settings=plan.settings.drawing(drawn))


def _scan(wanted: dict[str, Any], plan: Plan, record: Path, source: Place | None) -> Volume:
    places: list[Place] = [*_places(wanted, record)] if source is None else [source]
    if not places:
        name = (wanted.get("files") or [wanted.get("name")])[0]
        raise MissingScanError(
            f"the scan of this run, {name}, is not beside its record; say where it is "
            "(--input, or source= in Python)"
        )
    offset = float(wanted.get("hu_offset", 0.0))  # older records have none
    volume = io.read(places[0], plan.modality, gaps="keep", hu_offset=offset)
    candidates = [volume]
    if volume.is_4d and plan.times == 1:
        candidates += [volume.time_point(t) for t in range(len(volume.array))]
    for one in candidates:
        if sha256_of(one.array, PageReleaser(one.array).tick) == wanted["sha256"]:
            return one
    raise MissingScanError(
        f"{_named(places[0])} is not the scan of {record.name}: its voxels differ; say where that "
        "scan is (--input, or source= in Python)"
    )


def _named(place: Place) -> str:
    return str(getattr(place, "path", place))


def _places(wanted: dict[str, Any], record: Path) -> list[Path]:
    """Paths where the scan may lie: its file, or for DICOM the folder of that name."""
    around = (record.parent, record.absolute().parent.parent, Path())
    names = [*wanted.get("files", [])[:1], wanted.get("name")]
    candidates = [folder / name for folder in around for name in names if name]
    return [place for place in candidates if place.exists()]
