"""Training data: scans on disk, read or packed, and synthetic anatomy, as stacks by person.

A scan of a config says its own licence (`Scan.licence`), or the data folder's ``index.json`` says
it: a list of rows with ``file`` (below that folder, or with its name before it), ``licence`` (or
``lic``) and, if known, ``person`` and ``origin`` (or ``src``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.devices import training_device
from medrestore.errors import InputError
from medrestore.modalities import modality_named
from medrestore.training.ct_noise import Kernel, with_noise_bank
from medrestore.training.ct_scene import AIR_HU, at_field_of_view, with_couch
from medrestore.training.data import Stack, stacks_of
from medrestore.training.noise_power import measured_texture
from medrestore.training.pack import cropped, pack_stacks, unpack_stacks
from medrestore.training.synthesis import synthetic_stacks
from medrestore.training.targets import scan_noise_std

if TYPE_CHECKING:
    from medrestore.core.meter import Meter
    from medrestore.models.card import Card
    from medrestore.training.config import Config, Scan

__all__ = [
    "INDEX",
    "SYNTHETIC",
    "held_out_stacks",
    "index_of",
    "licences",
    "pack",
    "stacks_by_person",
]

KERNELS = (
    Kernel(0.5),
    Kernel(0.8),
    Kernel(1.2),
    Kernel(1.7),
    Kernel(1.3, 3.0),
    Kernel(2.0, 1.0),
)
"""Kernels of a CT noise bank; patches mix two of them, or of them and the scan's own, which is
fitted to the power of its noise (`training.noise_power`)."""

USUAL = 2
"""The kernel that a scan without enough calm tissue counts as: a standard one."""

SYNTHETIC = "synthetic"
"""The person that all made-up anatomy counts as."""

FIELD_OF_VIEW = (0.8, 1.3)
COUCHES = 0.7
MODULATION = 0.5
"""CT: bounds of the pixel's rescaling, share of stacks that lie on a couch, and bound of the
modulation of the rays' variance where the scan does not tell it; most scans' is within."""


def stacks_by_person(config: Config, cache: Path, meter: Meter) -> dict[str, list[Stack]]:
    """Load every scan of a config and make the synthetic ones.

    CT noise banks are made once and kept in ``cache``. Synthetic anatomy is one person of its own.
    """
    people: dict[str, list[Stack]] = {}
    for scan in config.scans:
        people.setdefault(scan.person, []).extend(_stacks(config, scan))
    if config.synthetic:
        people[SYNTHETIC] = _synthetic(config, people)
    if modality_named(config.modality).trained.noise != "projections":
        return people
    rng = np.random.default_rng(config.seed)
    return {
        person: [
            _scene(stack, config.modality, f"{person}-{i}", rng, cache, meter)
            for i, stack in enumerate(group)
        ]
        for person, group in people.items()
    }


def held_out_stacks(config: Config) -> list[tuple[str, Stack]]:
    """Person and own resolution of each scan that stays out of the training."""
    return [(scan.person, _stacks(config, scan)[0]) for scan in config.held_out]


def pack(config: Config, folder: Path, max_bytes: int = 16 << 20) -> list[Path]:
    """Write every scan's stacks compactly, for a machine without readers or with little to carry.

    A config whose ``data`` is that folder trains on them; the names of the scans stay, and their
    licences in the data's index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = [{"file": file, **row} for file, row in index_of(config).items()]
    if index:
        (folder / INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
    paths = []
    for scan in (*config.scans, *config.held_out):
        paths.append(folder / _packed(scan))
        pack_stacks(_stacks(config, replace(scan, weight=1.0)), paths[-1], max_bytes)
    return paths


def _packed(scan: Scan) -> str:
    return f"{Path(scan.file).name.partition('.')[0]}.npz"


def _stacks(config: Config, scan: Scan) -> list[Stack]:
    path = Path(config.data) / scan.file
    packed = path.with_name(_packed(scan))
    if not path.exists() and packed.exists():
        return [replace(s, weight=s.weight * scan.weight) for s in unpack_stacks(packed)]
    kind = "held-out" if scan in config.held_out else "training"
    if not path.exists():
        raise InputError(
            f"{kind} scan {scan.file} is not in {config.data}; run from the folder that the "
            "config's data path is relative to, or correct it"
        )
    from medrestore.io import read  # scans need the readers' libraries, packed stacks do not

    try:
        volume = read(path, config.modality)
    except InputError as error:
        raise InputError(f"{kind} scan: {error}") from error
    array, spacing = volume.array, volume.geometry.spacing_mm
    lowest = modality_named(config.modality).tissue
    if lowest is not None:
        array = cropped(array, lowest)
    stacks = stacks_of(array, spacing, config.modality, scan.weight, config.patch)
    if scan.binned_only:
        stacks = [s for s in stacks if s.pixel_mm > 1.5 * spacing[2]]
    found = [replace(s, noise_std=scan_noise_std(s, config.modality)) for s in stacks]
    return [found[0], *(_no_noisier(s, found[0].noise_std) for s in found[1:])] if found else []


def _no_noisier(stack: Stack, bound: float | None) -> Stack:
    """Averaging and resizing only lower noise; a small stack's estimate may say otherwise."""
    if stack.noise_std is None or bound is None:
        return stack
    return replace(stack, noise_std=min(stack.noise_std, bound))


def _synthetic(config: Config, people: dict[str, list[Stack]]) -> list[Stack]:
    """Made-up stacks that take the config's shares of the whole draw."""
    scans = [stack for group in people.values() for stack in group]
    share = sum(config.synthetic.values())
    real = sum(stack.weight for stack in scans)
    made = synthetic_stacks(
        config.modality,
        config.synthetic_stacks,
        config.seed + 17,
        shares=config.synthetic,
        scans=scans,
    )
    return [replace(s, weight=s.weight * real * share / (1 - share)) for s in made]


def _scene(
    stack: Stack, modality: str, name: str, rng: np.random.Generator, cache: Path, meter: Meter
) -> Stack:
    """A CT stack at a field of view, on a couch perhaps, with its noise bank."""
    factor, couch = rng.uniform(*FIELD_OF_VIEW), rng.random() < COUCHES
    modulation = round(rng.uniform(-MODULATION, MODULATION), 2)
    if min(stack.array.shape[1:]) / factor >= 128:
        stack = at_field_of_view(stack, factor)
    if stack.noise_std:  # on the new pixels; made-up anatomy has none
        found = replace(stack, noise_std=scan_noise_std(stack, modality) or stack.noise_std)
        stack = replace(_no_noisier(found, stack.noise_std), measured=stack.array > AIR_HU + 1)
    stack = with_couch(stack, rng) if couch else stack
    own = measured_texture(stack) if stack.noise_std else None
    kernels = KERNELS if own is None else (*KERNELS, own.kernel)
    stack = replace(stack, kernel=USUAL if own is None else len(KERNELS))
    modulation = modulation if own is None else own.modulation
    content = hashlib.sha256(np.ascontiguousarray(stack.array).tobytes())
    content.update(f"{name}{stack.pixel_mm:.4f}{kernels}{modulation}".encode())
    path = cache / f"{content.hexdigest()[:16]}.npz"
    if path.exists():
        with np.load(path) as bank:
            return replace(stack, noise=bank["noise"], gain=bank["gain"])
    device = training_device()
    made = with_noise_bank(
        stack,
        kernels,
        seed=int(path.stem[:6], 16),
        views=320,
        meter=meter,
        device=device,
        at_once=1 if device == "cpu" else 8,
        modulation=modulation,
    )
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    np.savez(partial, noise=made.noise, gain=made.gain)  # type: ignore[arg-type]
    partial.replace(path)
    return made


INDEX = "index.json"


def licences(config: Config, start: Card | None = None) -> list[str]:
    """One line for each source, each once; scans that nobody states a licence of are named.

    Scans of people held out, whom the calibration is from, are counted too.

    ``start`` is the model whose weights were the start: its data are in the new model, too.
    """
    lines = [] if start is None else list(start.known.training.licences)
    rows = index_of(config)
    people: dict[tuple[str, str], dict[str, None]] = {}
    unknown = []
    for scan in (*config.scans, *config.held_out):
        row = rows.get(scan.file, {})
        if scan.licence:
            lines.append(scan.licence)
        elif row:
            of = people.setdefault((row["origin"], row["licence"]), {})
            of[row["person"] or scan.person] = None
        else:
            unknown.append(scan.file)
    lines += [
        f"{', '.join(of)}{', ' if origin else ''}{origin} ({licence})"
        for (origin, licence), of in people.items()
    ]
    if unknown:
        lines.append(f"no licence stated: {', '.join(unknown)}")
    return list(dict.fromkeys(lines))


def index_of(config: Config) -> dict[str, dict[str, str]]:
    """By file, licence, person and origin of the config's scans in the data's index.

    Raises
    ------
    InputError
        If there is an index that cannot be read.
    """
    folder = Path(config.data)
    try:
        listed = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        rows = {str(row["file"]): row for row in listed}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{INDEX} of the training data is no list of rows with a file and its licence: {error}"
        ) from error
    scans = (*config.scans, *config.held_out)
    found = {scan.file: _row(scan, rows, folder.resolve().name) for scan in scans}
    return {file: row for file, row in found.items() if row["licence"]}


def _row(scan: Scan, rows: dict[str, Any], name: str) -> dict[str, str]:
    row = rows.get(scan.file) or rows.get(f"{name}/{scan.file}") or {}
    return {
        "licence": str(row.get("licence") or row.get("lic") or ""),
        "person": str(row.get("person") or ""),
        "origin": str(row.get("origin") or row.get("src") or ""),
    }
