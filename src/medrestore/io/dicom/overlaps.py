"""Planes over each other: scans that share a series and overlap, and planes at one position again.

Other kernels, other voltages or another pass of the table, joined, would be one volume with two
kinds of noise, or slices at no even distance. Planes at one position again are time points,
directions of diffusion, or volumes of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medrestore.errors import InputError
from medrestore.io.dicom.frame import Stack
from medrestore.io.dicom.grid import SAME_POSITION_MM, distinct_depths, is_regular, on_one_grid
from medrestore.io.dicom.values import printable, tag_name

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame

__all__ = ["Part", "depths_of", "parts", "volumes_among"]

KERNEL, VOLTAGE, THICKNESS, ORIGIN = range(4)
"""Indices of `Frame.reconstruction`."""


@dataclass(frozen=True)
class Part:
    """Planes of one series, matrix and orientation that may make a volume.

    ``label`` names what distinguishes it in its series, for a message; empty if nothing has to.
    """

    frames: list[Frame]
    label: str = ""


def parts(cluster: Sequence[Frame]) -> list[Part]:
    """Planes of one orientation, by kernel, and by what else tells overlapping scans apart.

    Series number and, for CT, description, voltage, slice thickness and "derived" divide scans
    that lie over each other. The number of the acquisition, or a turn of the table where numbers
    rise, divides what overlaps without sharing its positions: repeats at the same ones are time
    points, and acquisitions side by side are one scan.
    """
    kernels = {_reconstruction(KERNEL)(frame) for frame in cluster} - {""}
    whole = Part(list(cluster))
    found = _divided(whole, "ConvolutionKernel", _reconstruction(KERNEL))
    return [
        part for group in (found if len(kernels) > 1 else [whole]) for part in _overlapping(group)
    ]


def depths_of(planes: Sequence[Frame]) -> NDArray[np.float64]:
    """Distances along the normal of the first plane, mm; zeros where planes have no position."""
    if not planes[0].placed:
        return np.zeros(len(planes))
    normal = planes[0].normal
    return np.array([np.dot(frame.position or (), normal) for frame in planes])


def _reconstruction(index: int) -> Callable[[Frame], str]:
    return lambda frame: frame.reconstruction[index] if frame.reconstruction else ""


_Tag = tuple[str, "Callable[[Frame], str]"]
SCAN_KEYS: tuple[_Tag, ...] = (
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
    depths = distinct_depths(depths_of(whole.frames))
    regular = is_regular(depths)
    if len(depths) < 2 or (regular and len(depths) == len(whole.frames)):
        return [whole]
    ways = SCAN_KEYS  # slices of one grid that are missing are a gap, not another pass
    if not regular and not on_one_grid(depths):
        ways = (*SCAN_KEYS, ACQUISITION, _passes(whole.frames))
    for keyword, tag in ways:
        found = _divided(whole, keyword, tag)
        if len(found) > 1 and _are_scans(found):
            return [part for divided in found for part in _overlapping(divided)]
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
    """True if each part makes a volume, and some lie over each other."""
    depths = [distinct_depths(depths_of(part.frames)) for part in found]
    ends = sorted((d[0], d[-1]) for d in depths)
    overlap = any(
        start < max(end for _, end in ends[:i]) - SAME_POSITION_MM
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
        Part(frames, f"{label}{tag_name(keyword)} {printable(value)}")
        for value, frames in found.items()
    ]


def volumes_among(cluster: list[Frame]) -> list[Stack]:
    """Volumes and time points of planes that agree in everything else.

    Tags that say how repeats differ are tried first, then with instance numbers where several
    volumes are alike; each must give as many volumes as there are planes at the fullest position.
    Volumes with the same positions become one 4-D stack, others (the last, interrupted time point)
    stand alone.
    """
    if not cluster[0].placed:
        if len(cluster) > 1:
            raise InputError(
                f"{len(cluster)} images of one series have no position, orientation or pixel "
                "spacing in the patient: their order cannot be known"
            )
        return [Stack((tuple(cluster),))]
    planes, levels = _by_depth(cluster)
    counts = Counter(levels)
    repeats = max(counts.values())
    if repeats == 1:
        return [Stack((tuple(planes),))]
    for ranked in (False, True):
        for key in REPEAT_KEYS:
            keys = [key(plane) for plane in planes]
            volumes = _volumes(planes, levels, _ranked(keys, levels) if ranked else keys)
            if len(volumes) == repeats and all(len(set(at)) == len(at) for _, at in volumes):
                return _joined(volumes)
    few = min(counts, key=lambda level: counts[level])
    depth = planes[levels.index(few)].depth
    raise InputError(
        f"the slice at {depth:.2f} mm is there {counts[few]} time(s), others {repeats} times, "
        "and no tag tells the volumes apart; export the series again or remove the extra files"
    )


REPEAT_KEYS: tuple[Callable[[Frame], Hashable], ...] = (
    lambda frame: frame.moment,
    lambda frame: frame.moment[0],
    lambda frame: frame.moment[2:],
    lambda frame: frame.order,
    lambda frame: frame.acquisition[0],
    lambda frame: frame.acquisition,
    lambda frame: None,
)
"""Keys that may distinguish repeats; trigger times that differ within a volume do not."""
_Volumes = list[tuple[list["Frame"], list[int]]]
"""Planes of each volume in order of depth, with the level of each."""


def _by_depth(cluster: list[Frame]) -> tuple[list[Frame], list[int]]:
    """Planes sorted along the normal, and their levels: the same integer at the same position.

    All by one normal, and by number within a level: positions and directions of repeats may
    differ by rounding.
    """
    depths = np.array([np.dot(frame.position or (), cluster[0].normal) for frame in cluster])
    order = np.argsort(depths, kind="stable")
    rises = np.cumsum(np.diff(depths[order], prepend=depths[order[0]]) > SAME_POSITION_MM)
    placed = [(int(level), cluster[i]) for level, i in zip(rises, order, strict=True)]
    placed.sort(key=lambda pair: (pair[0], _number(pair[1])))
    return [frame for _, frame in placed], [level for level, _ in placed]


def _ranked(keys: Sequence[Hashable], levels: Sequence[int]) -> list[Hashable]:
    """Keys with the rank, by number, of each plane among those of one key and level.

    Where planes of a key are not as many at each level, ranks would mix volumes: then each plane
    gets a key of its own, which makes no volumes.
    """
    counts: dict[Hashable, set[int]] = defaultdict(set)
    for (key, _), count in Counter(zip(keys, levels, strict=True)).items():
        counts[key].add(count)
    if any(len(different) > 1 for different in counts.values()):
        return list(range(len(keys)))
    seen: Counter[tuple[Hashable, int]] = Counter()
    ranked: list[Hashable] = []
    for pair in zip(keys, levels, strict=True):
        ranked.append((pair[0], seen[pair]))
        seen[pair] += 1
    return ranked


def _volumes(planes: Sequence[Frame], levels: Sequence[int], keys: Sequence[Hashable]) -> _Volumes:
    found: dict[Hashable, tuple[list[Frame], list[int]]] = {}
    for plane, level, key in zip(planes, levels, keys, strict=True):
        frames, at = found.setdefault(key, ([], []))
        frames.append(plane)
        at.append(level)
    return list(found.values())


def _joined(volumes: _Volumes) -> list[Stack]:
    """Volumes with the same levels as one stack, in order of time."""
    alike: dict[tuple[int, ...], list[list[Frame]]] = defaultdict(list)
    for frames, at in volumes:
        alike[tuple(at)].append(frames)
    return [
        Stack(tuple(tuple(frames) for frames in sorted(times, key=_time)))
        for times in alike.values()
    ]


def _time(frames: list[Frame]) -> tuple[object, object]:
    return frames[0].order, min(_number(frame) for frame in frames)


def _number(frame: Frame) -> tuple[tuple[int, int], tuple[object, ...]]:
    """Instance number; acquisition where numbers are all the same."""
    return frame.number, frame.acquisition
