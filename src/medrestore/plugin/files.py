"""Scans as layers and layers as scans: files, DICOM folders, samples. Imports are light."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.errors import InputError, MedrestoreError, UnreadableError
from medrestore.io.formats import format_of, store_of, suffix_of
from medrestore.plugin.layers import KEY, to_layer, to_volume
from medrestore.resources import sample_data_folder
from medrestore.results.naming import RECORD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from medrestore.plugin.layers import LayerTuple
    from medrestore.volume import Volume

    Paths = str | Sequence[str]

__all__ = [
    "ct_torso",
    "get_reader",
    "mr_head",
    "read_layers",
    "when_added",
    "write_layer",
    "write_layers",
]

LOOKED_AT = 200
"""Files of a folder whose first bytes are looked at before it is left to other readers."""

PER_FOLDER = 10


def get_reader(path: Paths) -> Callable[[Paths], list[LayerTuple]] | None:
    """The reader for these paths, or None: no suffix of ours, a folder without scans of ours."""
    return read_layers if all(_is_ours(Path(p)) for p in _listed(path)) else None


def read_layers(path: Paths) -> list[LayerTuple]:
    """One layer per volume found; a volume that cannot be read is left out with a warning.

    Results of runs, by the records beside them, look as they did after the run.

    Raises
    ------
    InputError
        If none can be read.
    """
    layers: list[LayerTuple] = []
    problems: list[MedrestoreError] = []
    for one in map(Path, _listed(path)):
        try:
            layers += _layers_at(one, problems)
        except MedrestoreError as error:
            problems.append(error)
    if problems and not layers:
        raise problems[0]
    for problem in problems:
        warnings.warn(f"left out: {problem}", stacklevel=2)
    when_added(layers)
    return layers


def _layers_at(path: Path, problems: list[MedrestoreError]) -> list[LayerTuple]:
    """Scans, then results of runs; what cannot be read is added to the problems."""
    from medrestore.plugin.saved_runs import results_at

    results, others = results_at(path)
    scans: list[LayerTuple] = []
    for open_it in _openers(path) if others is None else others:
        try:
            volume = open_it()
        except InputError as error:
            problems.append(error)
            continue
        scans.append(to_layer(volume))
        for warning in volume.warnings:
            warnings.warn(f"{volume.source.name}: {warning}", stacklevel=3)
    return [*scans, *results]


def _openers(path: Path) -> list[Callable[[], Volume]]:
    """Functions that read each volume at a path."""
    if path.is_dir() or format_of(path) == "dicom":
        scans = io.find(path)
        if not scans:
            file, reason = (*scans.skipped, (path, "it holds no files"))[0]
            raise UnreadableError(
                f"{path.name} holds no scan that can be read: {file.name}: {reason}"
            )
        _say_what_is_left_out([skip for skip in scans.skipped if skip[1] != "not a scan"])
        return [lambda scan=scan: io.read(scan) for scan in scans]  # type: ignore[misc]
    return [lambda: io.read(path)]


def _say_what_is_left_out(skipped: Sequence[tuple[Path, str]]) -> None:
    if skipped:
        file, reason = skipped[0]
        more = f"; and {len(skipped) - 1} more files" if len(skipped) > 1 else ""
        warnings.warn(f"left out: {file.name}: {reason}{more}", stacklevel=4)


def _listed(path: Paths) -> list[str]:
    return [os.fspath(path)] if isinstance(path, (str, os.PathLike)) else list(path)


def _is_ours(path: Path) -> bool:
    store = store_of(path)
    if store is not None:
        return store.readable(path)
    if path.is_dir():
        return _holds_scans(path)
    return bool(suffix_of(path)) or path.name.endswith(RECORD)


def _holds_scans(folder: Path) -> bool:
    """Return True if one of the first files below a folder is a scan, or the record of a run."""
    looked = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(n for n in names if not n.startswith("."))[:PER_FOLDER]:
            looked += 1
            if name.endswith(RECORD):
                return True
            try:
                if format_of(Path(parent, name)) is not None:
                    return True
            except InputError:
                continue  # unreadable: another file may say what the folder is
        if looked >= LOOKED_AT:
            return False
    return False


def when_added(layers: Sequence[LayerTuple]) -> None:
    """Have the open viewer settle these layers when it has got them all (`adding.settle`).

    Layers of a reader are added to the viewer that is open, if any. napari is not loaded here.
    """
    napari = sys.modules.get("napari")
    viewer: Any = None if napari is None else napari.current_viewer()
    if viewer is None or not layers:
        return
    records = [meta["metadata"][KEY] for _, meta, _ in layers]
    added: list[Any] = []

    def take(event: Any) -> None:
        from medrestore.plugin.adding import settle

        if not any(event.value.metadata.get(KEY) is record for record in records):
            return
        added.append(event.value)
        if len(added) == len(records):
            viewer.layers.events.inserted.disconnect(take)
            settle(viewer, added)

    viewer.layers.events.inserted.connect(take, position="last")  # the viewer has its axes by then


def mr_head() -> list[LayerTuple]:
    """MR-like head phantom with simulated noise; a NIfTI file, which does not say that it is MR."""
    return _opened(io.read(sample_data_folder() / "mr_head.nii.gz", "MR"))


def ct_torso() -> list[LayerTuple]:
    """CT-like torso phantom with simulated low-dose noise; a DICOM series."""
    return _opened(io.read(sample_data_folder() / "ct_torso_dicom"))


def _opened(volume: Volume) -> list[LayerTuple]:
    layers = [to_layer(volume)]
    when_added(layers)
    return layers


def write_layer(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write one layer; the save dialogue has already asked whether to replace a file.

    Raises
    ------
    InputError, OutputError
        If the layer is no scan, or the file cannot be written.
    """
    return [str(io.write(to_volume(data, meta), path, overwrite=True))]


def write_layers(path: str, layers: Sequence[LayerTuple]) -> list[str]:
    """Write each layer to ``<stem>_<layer name><suffix>``.

    Nobody was asked about these names, so an existing file is an error.

    Raises
    ------
    InputError, OutputError
        If a layer is no scan, or a file exists or cannot be written.
    """
    target = Path(path)
    suffix = suffix_of(target)
    stem = target.name[: len(target.name) - len(suffix)]
    volumes = [to_volume(data, meta) for data, meta, _ in layers]
    names = _distinct([str(meta.get("name", "layer")) for _, meta, _ in layers])
    return [
        str(io.write(volume, target.with_name(f"{stem}_{name}{suffix}")))
        for volume, name in zip(volumes, names, strict=True)
    ]


def _distinct(names: Sequence[str]) -> list[str]:
    """Names fit for files, numbered where two are alike."""
    plain = [re.sub(r"[^\w.+-]+", "_", name).strip("_") or "layer" for name in names]
    return [
        f"{name}_{plain[:i].count(name) + 1}" if plain.count(name) > 1 else name
        for i, name in enumerate(plain)
    ]
