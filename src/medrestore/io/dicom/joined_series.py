"""To which series a plane belongs, where converters gave every slice a SeriesInstanceUID."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from medrestore.io.dicom.overlaps import depths_of
from medrestore.io.dicom.steps import on_one_grid, places

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame

__all__ = ["joined_series"]

SIDEWAYS = 0.02
"""Share of a step that a slice may lie beside the line through the others."""
FEWEST = 3
"""Slices at even distances are no chance from here on."""


def joined_series(frames: Sequence[Frame]) -> dict[str, str]:
    """The series that each UID stands for: itself, or the first of those that make one.

    Series of one plane each are one where study, frame of reference, series number and
    description, modality, matrix, voxel size, orientation and contrast agree, and all lie on one
    regular grid of slices.
    """
    planes = Counter(frame.series for frame in frames)
    lone: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        if planes[frame.series] == 1 and frame.series and (frame.study or frame.space):
            key = (frame.study, frame.space, frame.label, frame.modality, frame.shape)
            lone[key, frame.contrast].append(frame)
    found = {series: series for series in planes}
    for alike in lone.values():
        if _is_one(alike):
            found |= {frame.series: alike[0].series for frame in alike}
    return found


def _is_one(alike: Sequence[Frame]) -> bool:
    """Whether planes make one volume; those that cannot be read or placed spoil it later."""
    placed = [frame for frame in alike if frame.placed and not frame.fault]
    if len(placed) < FEWEST or not all(placed[0].is_parallel(frame) for frame in placed):
        return False
    depths = depths_of(placed)
    apart = places(depths)
    return len(apart) >= FEWEST and on_one_grid(apart) and _on_a_line(placed, depths)


def _on_a_line(planes: Sequence[Frame], depths: NDArray[np.float64]) -> bool:
    """Whether planes are not shifted against each other within themselves."""
    positions = np.array([frame.position for frame in planes])
    low, high = depths.argmin(), depths.argmax()
    reach = depths[high] - depths[low]
    share = (depths - depths[low]) / reach
    line = positions[low] + np.outer(share, positions[high] - positions[low])
    return bool(np.abs(positions - line).max() <= SIDEWAYS * reach / (len(depths) - 1))
