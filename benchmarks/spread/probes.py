"""Scans with known noise, restored with samples: what every figure here is measured on.

The model is told all the noise there is, the scan's own too, which counts as no error
(`training.target_noise`). Kept under ignored ``runs/benchmark_cache``, since restoring takes the
time: the key names voxels, weights, spectra, noise and settings.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

import medrestore as mr
from benchmarks.quality.cache import FOLDER, digest
from benchmarks.quality.cases import DATA
from medrestore.core.intensity import foreground_scale
from medrestore.engine.arrays import Arrays
from medrestore.training.probe import Case, Probe, restored
from medrestore.training.target_noise import TargetNoise
from medrestore.training.targets import noise_std

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from medrestore.models.model import Model
    from medrestore.settings.settings import Settings

__all__ = ["probes"]

KEPT = ("mu", "s", "std", "ratio")


def probes(
    model: Model,
    files: Sequence[str],
    levels: Sequence[float],
    settings: Settings,
    slices: int,
    people: Sequence[str] | None = None,
) -> Iterator[tuple[float, Probe]]:
    """Noise level and probe of every file at every level, one after the other.

    Parameters
    ----------
    files : sequence of str
        Scans below the folder of data.
    slices : int
        Slices restored in the middle; a model of stacks restores its whole stack.
    people : sequence of str, optional
        Person of each scan; its name by default.
    """
    deep = max(slices + 6, model.card.depth[0])
    for file, person in zip(files, people or [None] * len(files), strict=True):
        case = middle(file, model.card.modality, deep, person)
        for level in levels:
            yield level, cached(model, case, level, settings, slices)


def middle(file: str, modality: str, slices: int, person: str | None = None) -> Case:
    """The middle of a scan; MR in units of its foreground scale."""
    volume = mr.read(DATA / file, modality)
    array = volume.array
    if modality == "MR":
        array = array / np.float32(foreground_scale(array))
    first = max((len(array) - slices) // 2, 0)
    name = file.rpartition("/")[2].partition(".")[0]
    pixel = float(volume.geometry.spacing_mm[1])
    part = np.ascontiguousarray(array[first : first + slices])
    return Case(person or name, part, pixel, noise_std(array, modality) or 0.0)


def place(model: Model, case: Case, level: float, settings: Settings, slices: int) -> Path:
    """The file that a probe is kept in."""
    spectra = hashlib.sha256(json.dumps(model.spectra.facts()).encode()).hexdigest()
    key = [digest(case.array), case.pixel_mm, case.own, model.card.sha256, spectra, level, slices]
    text = json.dumps([*key, asdict(settings)], sort_keys=True, default=str)
    return FOLDER / f"probe_{hashlib.sha256(text.encode()).hexdigest()[:20]}.npz"


def cached(model: Model, case: Case, level: float, settings: Settings, slices: int) -> Probe:
    """`training.probe.restored`, once."""
    path = place(model, case, level, settings, slices)
    if not path.is_file():
        probe = restored(model, case, level, settings, slices)
        kept = {name: getattr(probe.arrays, name) for name in KEPT}
        drawn = {"samples": probe.arrays.samples} if settings.samples else {}
        here = {"truth": probe.truth, "inside": probe.inside, "slices": probe.slices}
        if probe.left is not None:
            here |= {"left_std": probe.left.std, "left_field": probe.left.field}
        FOLDER.mkdir(parents=True, exist_ok=True)
        np.savez(path, **kept, **drawn, **here)
    found: dict[str, Any] = dict(np.load(path))
    mu, s, std, samples = (found.get(name) for name in ("mu", "s", "std", "samples"))
    arrays = Arrays(mu, std, mu, mu, samples, mu, s, found["ratio"], settings.samples)
    where = tuple(int(z) for z in found["slices"])
    unasked: Any = None  # noise and plan
    truth, inside, left = found["truth"], found["inside"], None
    if "left_std" in found:
        left = TargetNoise(found["left_std"], found["left_field"])
    return Probe(arrays, truth, inside, unasked, unasked, where, unasked, case.person, left)
