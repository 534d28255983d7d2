"""Where training pairs come from: scans on disk, cut into patches, corrupted on the fly."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from medrestore.core.predictor import Condition
from medrestore.errors import InputError
from medrestore.training.corrupt import CtNoise, MrNoise, Pair, with_noise_bank
from medrestore.training.data import PatchSampler, Stack, stacks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medrestore.core.meter import Meter
    from medrestore.training.config import Config, Scan

__all__ = ["Pairs", "as_stacks", "stacks_by_person"]

KERNELS = (0.5, 0.8, 1.5)
"""Apodisation cutoffs of a CT noise bank: smooth, standard, sharp."""


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
    from medrestore.io import read  # scans need the readers' libraries, packed stacks do not

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


class _Patches(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Endless batches of clean patches; every worker process draws a stream of its own."""

    def __init__(self, config: Config, stacks: list[Stack], seed: int, patch: int) -> None:
        self.config, self.stacks, self.seed, self.patch = config, stacks, seed, patch

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        worker = get_worker_info()
        seed = self.seed + 1_000_003 * (worker.id if worker else 0)
        config = self.config
        slices = int(config.predictor.get("slices", config.depth))
        sampler = PatchSampler(self.stacks, slices, self.patch, config.modality, seed)
        while True:
            patches, scale = sampler.batch(config.batch)
            yield torch.from_numpy(patches), torch.from_numpy(scale)


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
    device : str or torch.device
        Where pairs are wanted.
    """

    def __init__(
        self,
        config: Config,
        stacks: list[Stack],
        seed: int,
        patch: int | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        patches = _Patches(config, stacks, seed, patch or config.patch)
        self.patches = iter(
            DataLoader(
                patches,
                batch_size=None,
                num_workers=config.workers,
                pin_memory=torch.device(device).type == "cuda",
            )
        )
        self.volumes, self.device = config.depth > 1, device
        own: dict[str, Any] = {**config.corruption, "device": str(device)}
        self.corrupt = (
            MrNoise(config.noise, seed + 1, volumes=self.volumes, **own)
            if config.modality == "MR"
            else CtNoise(config.noise, seed + 1, **own)
        )

    def draw(self) -> Pair:
        """The next batch; the slices of a stack follow each other in it."""
        patches, scale = next(self.patches)
        pair = self.corrupt(
            patches.to(self.device, non_blocking=True), scale.to(self.device, non_blocking=True)
        )
        return as_stacks(pair) if self.volumes else pair


def as_stacks(pair: Pair) -> Pair:
    """From (stacks, z, y, x) to the slices of all stacks one after the other, (n, 1, y, x)."""
    noisy, sigma, scale = pair.condition
    depth = noisy.shape[1]
    return Pair(
        Condition(
            noisy.flatten(0, 1)[:, None],
            sigma.expand_as(noisy).flatten(0, 1)[:, None],
            scale.repeat_interleave(depth, dim=0),
        ),
        pair.clean.flatten(0, 1)[:, None],
    )
