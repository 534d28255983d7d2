"""Files of a result: its maps, what goes beside them, and the record of the run last."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore import io
from medrestore.core.compute import SAME_VOXELS_WITHIN
from medrestore.core.slices import sha256_of
from medrestore.devices import device_name
from medrestore.errors import OutputError
from medrestore.io.uids import without_uids
from medrestore.report.files import write_file
from medrestore.results.naming import extras_format, format_of, suffixes, written_as
from medrestore.results.software import system_name, versions

if TYPE_CHECKING:
    import os

    from medrestore.results.protocol import Finished
    from medrestore.volume import Volume

__all__ = ["DESCRIPTIONS", "record_text", "save"]

DESCRIPTIONS = {
    "restored": "restored",
    "std": "standard deviation of the restoration",
    "lower": "lower bound",
    "upper": "upper bound",
    "exceeds": "probability above {value:g} {unit}",
    "removed": "removed structure",
    "inconsistent": "structure that the scan does not show",
}


def save(
    result: Finished, out: str | os.PathLike[str], format: str = "source", overwrite: bool = False
) -> list[Path]:
    """Write a result into a folder, as `Result.save` says; raises `OutputError`."""
    kind = written_as(result.restored.source.format, format)
    folder, stem = Path(out), result.restored.source.name
    record = folder / f"{stem}_run.json"
    if record.exists() and not overwrite:
        raise OutputError(f"{record.name} exists; choose another folder or allow overwriting")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {out}: {error.strerror}") from error
    if kind == "dicom":
        written = _series(result, folder, stem, overwrite)
    else:
        written = [
            io.write(volume, folder / f"{stem}_{name}{suffixes()[kind]}", overwrite=overwrite)
            for name, volume in result.layers().items()
        ]
    suffix = str(extras_format(kind).result)
    written += [
        io.write(volume, folder / f"{stem}_{name}{suffix}", overwrite=overwrite)
        for name, volume in _extras(result, kind).items()
    ]
    write_file(record, [record_text(result, written).encode()])
    return [*written, record]


def _series(result: Finished, folder: Path, stem: str, overwrite: bool) -> list[Path]:
    """Derived series; what is no image, as Parametric Maps, where the scan's place is known."""
    placed, written = result.std.geometry.known, []
    layers = result.layers()
    exceeds = layers.pop("exceeds", None)
    for name, volume in layers.items():
        place, text = folder / f"{stem}_{name}", _described(result, name)
        written.append(io.write_series(volume, place, description=text, overwrite=overwrite))
    maps = {"std_map": ("std", result.std)}
    if exceeds is not None:
        maps["exceeds"] = ("exceeds", exceeds)
    for ending, (name, volume) in maps.items() if placed else ():
        place, text = folder / f"{stem}_{ending}", _described(result, name)
        written.append(io.write_map(volume, place, description=text, overwrite=overwrite))
    return written


def _described(result: Finished, name: str) -> str:
    value, unit = result.plan.settings.exceeds, result.restored.unit
    return f"medrestore: {DESCRIPTIONS[name].format(value=value or 0.0, unit=unit)}"


def _extras(result: Finished, kind: str) -> dict[str, Volume]:
    """Noise map, samples, and probabilities that have no place for a Parametric Map, by name."""
    extras, noise_map = {}, result.plan.noise_map
    if noise_map is not None:
        whole = result.scan if result.scan is not None else result.restored
        extras["noise"] = (whole.time_point(0) if noise_map.ndim == 3 else whole).with_array(
            noise_map
        )
    if result.samples is not None and result.samples.ndim == 4:
        extras["samples"] = result.restored.time_point(0).with_array(result.samples)
    if kind == "dicom" and result.exceeds is not None and not result.std.geometry.known:
        extras["exceeds"] = result.exceeds
    return extras


def record_text(result: Finished, written: list[Path]) -> str:
    """The record of a run as JSON, with the names of what was written."""
    source = result.scan if result.scan is not None else result.restored
    facts = {
        "medrestore": version("medrestore"),
        "software": versions({source.source.format, *map(format_of, written)}),
        "system": system_name(),
        "device": device_name(result.plan.device),
        "same_voxels_within_sigma": SAME_VOXELS_WITHIN[result.plan.precision],
        "input": {
            "name": source.source.name,
            "files": [
                path.name
                for path in source.source.paths[:1]
                if path.name == without_uids(path.name)
            ],
            "sha256": sha256_of(source.array),
            "hu_offset": source.source.hu_offset,
        },
        "samples_drawn": result.drawn,
        "warnings": [*source.warnings, *result.warnings],
        "guards": result.guards.facts() if result.guards else None,
        "outputs": [path.name for path in written],
        "plan": json.loads(result.plan.to_json()),
    }
    return json.dumps(facts, indent=1) + "\n"
