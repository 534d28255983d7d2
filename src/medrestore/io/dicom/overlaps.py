"""Scans that share a series and overlap: other kernels, other voltages, another pass of the table.

Joined they would be one volume with two kinds of noise, or slices at no even distance.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medrestore.io.dicom.stated import named
from medrestore.io.dicom.steps import SAME_PLACE_MM, is_regular, on_one_grid, places
from medrestore.io.dicom.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame

__all__ = ["Part", "depths_of", "parts"]

KERNEL, VOLTAGE, THICKNESS, ORIGIN = range(4)
"""Places in `Frame.reconstruction`."""


@dataclass(frozen=True)
class Part:
    """Planes that may make one volume.

    Parameters
    ----------
    frames : list of Frame
        Of one series, matrix and orientation.
    label : str
        What tells it from others of the series, for a message; empty where there are none.
    """

    frames: list[Frame]
    label: str = ""


def parts(cluster: Sequence[Frame]) -> list[Part]:
    """Planes of one orientation, by kernel, and by what else tells overlapping scans apart.

    Series number and, for CT, description, voltage, slice thickness and "derived" divide scans
    that lie over each other. The number of the acquisition, or a turn of the table where numbers
    rise, divides what overlaps without sharing its places: repeats at the same places are time
    points, and acquisitions side by side are one scan.
    """
    kernels = {_reconstruction(KERNEL)(frame) for frame in cluster} - {""}
    whole = Part(list(cluster))
    found = _divided(whole, "ConvolutionKernel", _reconstruction(KERNEL))
    return [
        part for group in (found if len(kernels) > 1 else [whole]) for part in _overlapping(group)
    ]


def depths_of(planes: Sequence[Frame]) -> NDArray[np.float64]:
    """Distances along the normal of the first plane, mm; zeros where planes have no place."""
    if not planes[0].placed:
        return np.zeros(len(planes))
    normal = planes[0].normal
    return np.array([np.dot(frame.position or (), normal) for frame in planes])


def _reconstruction(place: int) -> Callable[[Frame], str]:
    return lambda frame: frame.reconstruction[place] if frame.reconstruction else ""


_Tag = tuple[str, "Callable[[Frame], str]"]
TELLING: tuple[_Tag, ...] = (
    ("SeriesNumber", lambda frame: frame.label[0] if frame.label else ""),
    ("SeriesDescription", lambda frame: frame.label[1] if frame.reconstruction else ""),
    ("KVP", _reconstruction(VOLTAGE)),
    ("SliceThickness", _reconstruction(THICKNESS)),
    ("ImageType", _reconstruction(ORIGIN)),
)
ACQUISITION: _Tag = (
    "AcquisitionNumber",
    lambda frame: str(frame.acquisition[0]),
)


def _overlapping(whole: Part) -> list[Part]:
    depths = places(depths_of(whole.frames))
    regular = is_regular(depths)
    if len(depths) < 2 or (regular and len(depths) == len(whole.frames)):
        return [whole]
    ways = TELLING  # slices of one grid that are missing are a gap, not another pass
    if not regular and not on_one_grid(depths):
        ways = (*TELLING, ACQUISITION, _passes(whole.frames))
    for keyword, tag in ways:
        found = _divided(whole, keyword, tag)
        if len(found) > 1 and _are_scans(found):
            return [part for one in found for part in _overlapping(one)]
    return [whole]


def _passes(frames: Sequence[Frame]) -> _Tag:
    """Runs of instance numbers along which the table moves one way."""
    ordered = sorted(frames, key=lambda frame: frame.number)
    steps = np.diff(depths_of(ordered))
    turns = np.sign(steps) != np.sign(np.median(steps))
    runs = np.concatenate([[0], np.cumsum(turns)])
    run_of = {id(frame): str(run + 1) for frame, run in zip(ordered, runs, strict=True)}
    return "InstanceNumber", lambda frame: f"run {run_of[id(frame)]}"


def _are_scans(found: Sequence[Part]) -> bool:
    """Whether each part is a volume of its own, and some lie over each other."""
    depths = [places(depths_of(part.frames)) for part in found]
    ends = sorted((d[0], d[-1]) for d in depths)
    overlap = any(
        start < max(end for _, end in ends[:i]) - SAME_PLACE_MM
        for i, (start, _) in enumerate(ends)
        if i
    )
    return overlap and all(map(is_regular, depths))


def _divided(whole: Part, keyword: str, tag: Callable[[Frame], str]) -> list[Part]:
    found: dict[str, list[Frame]] = defaultdict(list)
    for frame in whole.frames:
        found[tag(frame)].append(frame)
    label = f"{whole.label}, " if whole.label else ""
    return [
        Part(frames, f"{label}{named(keyword)} {shown(value)}") for value, frames in found.items()
    ]
