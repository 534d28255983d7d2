"""Endless training pairs: patches of clean stacks, corrupted on the fly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from medrestore.core.predictor import Condition
from medrestore.modalities import modality_named
from medrestore.training.data import PatchSampler
from medrestore.training.noises import NOISES
from medrestore.training.targets import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from medrestore.training.config import Config
    from medrestore.training.data import Stack

__all__ = ["Pairs", "as_stacks"]


class _Stream(IterableDataset[tuple[torch.Tensor, ...]]):
    """Endless batches of clean patches; every worker process draws a stream of its own."""

    def __init__(self, config: Config, stacks: list[Stack], seed: int, patch: int) -> None:
        self.config, self.stacks, self.seed, self.patch = config, stacks, seed, patch

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        worker = get_worker_info()
        seed = self.seed + 1_000_003 * (worker.id if worker else 0)
        config = self.config
        beyond = int(config.predictor["slices"]) // 2
        slices = config.depth + 2 * beyond
        remapped = 0.0 if config.noise_aware else 0.5  # own noise is known of the scan as it is
        sampler = PatchSampler(
            self.stacks,
            slices,
            beyond,
            self.patch,
            config.modality,
            seed,
            remapped,
            config.neighbours_dropped,
        )
        while True:
            yield tuple(torch.from_numpy(part) for part in sampler.batch(config.batch))


class Pairs:
    """Endless training pairs.

    Parameters
    ----------
    config : Config
        Sizes, shares and noise of the draw.
    stacks : list of Stack
        Stacks to draw from.
    seed : int
        Start of the stream; give another one after a resume.
    patch : int, optional
        Instead of the config's.
    device : str or torch.device
        Device of the pairs.
    """

    def __init__(
        self,
        config: Config,
        stacks: list[Stack],
        seed: int,
        patch: int | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        patches = _Stream(config, stacks, seed, patch or config.patch)
        self.patches = iter(
            DataLoader(
                patches,
                batch_size=None,
                num_workers=config.workers,
                pin_memory=torch.device(device).type != "cpu",
            )
        )
        self.slices = int(config.predictor["slices"])
        self.volumes, self.device = config.depth > 1, device
        self.noise_aware = config.noise_aware
        more: dict[str, Any] = {**config.corruption, "device": str(device)}
        noise = NOISES[modality_named(config.modality).trained.noise]
        self.corrupt = noise(config.noise, seed + 1, volumes=self.volumes, **more)

    def draw(self) -> Pair:
        """The next batch; the slices of a stack follow each other in it."""
        drawn = next(self.patches)
        patches, scale, own, visible = (part.to(self.device, non_blocking=True) for part in drawn)
        pair = self.corrupt(patches, scale, own if self.noise_aware else None)
        pair = pair._replace(condition=_as_visible(pair.condition, visible))
        return as_stacks(pair, self.slices) if self.volumes else pair


def _as_visible(condition: Condition, visible: Tensor) -> Condition:
    """The condition with the noisy slices that ``visible`` (batch, z) names."""
    index = visible[..., None, None].expand_as(condition.y)
    return condition._replace(y=condition.y.gather(1, index))


def as_stacks(pair: Pair, slices: int) -> Pair:
    """From (stacks, z, y, x) to the slices of all stacks one after the other, (n, 1, y, x).

    Each comes with its neighbours, ``slices`` in all, as `core.slices` finds them in a scan;
    the outermost slices of a stack are neighbours only.
    """
    noisy, sigma, scale = pair.condition
    beyond = slices // 2
    depth = noisy.shape[1] - 2 * beyond

    def each(values: Tensor) -> Tensor:
        inner = values.expand_as(noisy)[:, beyond : beyond + depth]
        return inner.flatten(0, 1)[:, None]

    windows = noisy.unfold(1, slices, 1).movedim(-1, 2).flatten(0, 1)
    std = pair.target_std
    return Pair(
        Condition(windows, each(sigma), scale.repeat_interleave(depth, dim=0)),
        each(pair.clean),
        None if std is None else each(std),
    )
