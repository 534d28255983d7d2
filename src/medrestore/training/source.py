"""Where training pairs come from: scans on disk, cut into patches, corrupted on the fly."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.errors import InputError
from medrestore.io import read
from medrestore.training.corrupt import CtNoise, MrNoise
from medrestore.training.data import PatchSampler, Stack, stacks_of
from medrestore.training.noise_bank import Kernel, with_noise_bank

if TYPE_CHECKING:
    from medrestore.core.meter import Meter
    from medrestore.training.config import Config, Scan
    from medrestore.training.corrupt import Pair

__all__ = ["Pairs", "stacks_by_person"]

KERNELS = (Kernel(0.5), Kernel(0.8), Kernel(1.2, 2.0))
"""Kernels of a CT noise bank: smooth, standard, bone (edge-enhancing)."""


def stacks_by_person(config: Config, cache: Path, meter: Meter) -> dict[str, list[Stack]]:
    """Load every scan of a config; CT noise banks are made once and kept in ``cache``."""
    people: dict[str, list[Stack]] = {}
    for scan in config.scans:
        people.setdefault(scan.person, []).extend(_stacks(config, scan, cache, meter))
    return people


def _stacks(config: Config, scan: Scan, cache: Path, meter: Meter) -> list[Stack]:
    path = Path(config.data) / scan.file
    if not path.exists():
        raise InputError(
            f"training scan {scan.file} is not in {config.data}; run from the folder that the "
            "config's data path is relative to, or correct it"
        )
    volume = read(path, config.modality)
    stacks = stacks_of(
        volume.array, volume.geometry.spacing_mm, config.modality, scan.weight, config.patch
    )
    if scan.binned_only:
        stacks = [s for s in stacks if s.pixel_mm > 1.5 * volume.geometry.spacing_mm[2]]
    if config.modality == "MR":
        return stacks
    return [_with_bank(stack, f"{scan.file}-{i}", cache, meter) for i, stack in enumerate(stacks)]


def _with_bank(stack: Stack, name: str, cache: Path, meter: Meter) -> Stack:
    key = hashlib.sha256(f"{name}{stack.array.shape}{KERNELS}".encode()).hexdigest()[:16]
    path = cache / f"{key}.npz"
    if path.exists():
        with np.load(path) as bank:
            return replace(stack, noise=bank["noise"], gain=bank["gain"])
    made = with_noise_bank(stack, KERNELS, seed=int(key[:6], 16), views=320, meter=meter)
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    np.savez(partial, noise=made.noise, gain=made.gain)  # type: ignore[arg-type]
    partial.replace(path)
    return made


class Pairs:
    """Endless training pairs.

    Parameters
    ----------
    config : Config
        What to draw.
    stacks : list of Stack
        From whom.
    seed : int
        Start of the stream; give another one after a resume.
    patch : int, optional
        Instead of the config's.
    device : str
        Where pairs are wanted.
    """

    def __init__(
        self,
        config: Config,
        stacks: list[Stack],
        seed: int,
        patch: int | None = None,
        device: str = "cpu",
    ) -> None:
        slices = int(config.predictor["slices"])
        size = patch or config.patch
        self.sampler = PatchSampler(stacks, slices, size, config.modality, seed)
        make = MrNoise if config.modality == "MR" else CtNoise
        self.corrupt = make(config.noise, seed + 1, device=device)
        self.batch, self.device = config.batch, device

    def draw(self) -> Pair:
        """The next batch."""
        patches, scale = self.sampler.batch(self.batch)
        return self.corrupt(
            torch.from_numpy(patches).to(self.device), torch.from_numpy(scale).to(self.device)
        )
