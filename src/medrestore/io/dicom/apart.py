"""Scans that share a series and overlap: other kernels, other voltages, another pass of the table.

Joined they would be one volume with two kinds of noise, or slices at no even distance.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from medrestore.io.dicom.steps import SAME_PLACE_MM, is_regular, places

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame

__all__ = ["depths_of", "parts"]


def parts(cluster: Sequence[Frame]) -> list[list[Frame]]:
    """Planes of one orientation, by kernel, and by what else tells overlapping scans apart.

    Voltage, slice thickness and "derived" divide CT whose scans lie over each other. The number
    of the acquisition divides what else overlaps without sharing its places: repeats at the same
    places are time points, and acquisitions side by side one scan.
    """
    kernels = {_kernel(frame) for frame in cluster} - {""}
    groups = _by(cluster, _kernel) if len(kernels) > 1 else [list(cluster)]
    return [part for group in groups for part in _overlapping(group)]


def depths_of(planes: Iterable[Frame]) -> NDArray[np.float64]:
    """Distances along the normal of the first plane, mm; zeros where planes have no place."""
    planes = list(planes)
    if not planes[0].placed:
        return np.zeros(len(planes))
    normal = planes[0].normal
    return np.array([np.dot(frame.position or (), normal) for frame in planes])


def _overlapping(group: list[Frame]) -> list[list[Frame]]:
    depths = depths_of(group)
    repeated = len(places(depths)) < len(group)
    if not repeated and is_regular(places(depths)):
        return [group]
    tags: list[Callable[[Frame], Hashable]] = [
        lambda frame, i=i: frame.reconstruction[i]  # type: ignore[misc]
        for i in range(1, len(group[0].reconstruction))
    ]
    if not is_regular(places(depths)):
        tags.append(lambda frame: frame.acquisition[0])
    for tag in tags:
        divided = _by(group, tag)
        if len(divided) > 1 and _are_scans(divided):
            return [part for one in divided for part in _overlapping(one)]
    return [group]


def _are_scans(divided: Sequence[Sequence[Frame]]) -> bool:
    """Whether each part is a volume of its own, and some lie over each other."""
    depths = [places(depths_of(part)) for part in divided]
    ends = sorted((d[0], d[-1]) for d in depths)
    overlap = any(
        later[0] < max(end for _, end in ends[: i + 1]) - SAME_PLACE_MM
        for i, later in enumerate(ends[1:])
    )
    return overlap and all(map(is_regular, depths))


def _kernel(frame: Frame) -> str:
    return frame.reconstruction[0] if frame.reconstruction else ""


def _by(frames: Iterable[Frame], tag: Callable[[Frame], Hashable]) -> list[list[Frame]]:
    found: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        found[tag(frame)].append(frame)
    return list(found.values())
