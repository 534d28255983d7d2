"""Synthetic anatomy without noise: shapes and contrasts that the training scans lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.errors import SettingsError
from medrestore.modalities import modality_named
from medrestore.training.data import Stack
from medrestore.training.synthesis.dead_leaves import dead_leaves
from medrestore.training.synthesis.label_maps import painted, random_labels, segmented

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["synthetic_stacks"]

EVEN = {"dead_leaves": 0.5, "label_map": 0.5}


def synthetic_stacks(
    modality: str,
    count: int,
    seed: int,
    *,
    shares: Mapping[str, float] = EVEN,
    scans: Sequence[Stack] = (),
    shape: tuple[int, int, int] = (64, 128, 128),
) -> list[Stack]:
    """Noise-free volumes of made-up anatomy.

    Parameters
    ----------
    modality : str
        Intensities in HU, or with a foreground scale near 1.
    count, seed : int
        Number of stacks; the same seed gives the same stacks.
    shares : mapping
        Relative numbers of ``"dead_leaves"`` and ``"label_map"``. The stacks' weights are these
        shares, and add up to 1: multiply them by the synthetic part of the draw.
    scans : sequence of Stack
        Scans that label maps take their shapes from; without any, shapes are random too.
    shape : (z, y, x)
        Voxels of a stack; pixels count as 1 mm.

    Raises
    ------
    SettingsError
        If a share is negative or unknown, or none is positive.
    """
    total = sum(shares.values())
    if set(shares) - set(EVEN) or min(shares.values(), default=-1) < 0 or total <= 0:
        raise SettingsError(
            "synthetic shares are non-negative numbers of dead_leaves and label_map, "
            f"got {dict(shares)}"
        )
    rng = np.random.default_rng(seed)
    stacks: list[Stack] = []
    for kind, share in shares.items():
        number = round(count * share / total)
        for _ in range(number):
            if kind == "dead_leaves":
                array = dead_leaves(rng, shape, modality)
            else:
                array = painted(rng, _labels(rng, scans, shape, modality), modality)
            weight = share / total / number
            scale = modality_named(modality).scale(array)
            stacks.append(Stack(array, scale, weight=weight, noise_std=0.0))
    return stacks


def _labels(
    rng: np.random.Generator,
    scans: Sequence[Stack],
    shape: tuple[int, int, int],
    modality: str,
) -> NDArray[np.int32]:
    """Labels of a random part of a random scan that is large enough, or random shapes."""
    usable = [s for s in scans if all(a >= b for a, b in zip(s.array.shape, shape, strict=True))]
    if usable:
        scan = usable[int(rng.integers(len(usable)))].array
        starts = [int(rng.integers(a - b + 1)) for a, b in zip(scan.shape, shape, strict=True)]
        window = tuple(slice(a, a + n) for a, n in zip(starts, shape, strict=True))
        labels = segmented(rng, scan[window], modality)
        if labels.max() > 1:
            return labels
    return random_labels(rng, shape)
