"""Planes at one place again: time points, directions of diffusion, or volumes of their own."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from medrestore.errors import InputError
from medrestore.io.dicom.stacks import Stack
from medrestore.io.dicom.steps import SAME_PLACE_MM

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from medrestore.io.dicom.frame import Frame

__all__ = ["volumes_among"]


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
    planes, places = _by_depth(cluster)
    counts = Counter(places)
    repeats = max(counts.values())
    if repeats == 1:
        return [Stack((tuple(planes),))]
    for rank in (_no_rank, _rank_among_alike):
        for tell in TELLING:
            volumes = _volumes(planes, places, rank(planes, places, tell))
            if len(volumes) == repeats and all(len(set(at)) == len(at) for _, at in volumes):
                return _joined(volumes)
    few = min(counts, key=lambda place: counts[place])
    depth = planes[places.index(few)].depth
    raise InputError(
        f"the slice at {depth:.2f} mm is there {counts[few]} time(s), others {repeats} times, "
        "and no tag tells the volumes apart; export the series again or remove the extra files"
    )


TELLING: tuple[Callable[[Frame], Hashable], ...] = (
    lambda frame: frame.moment,
    lambda frame: frame.moment[0],
    lambda frame: frame.moment[2:],
    lambda frame: frame.order,
    lambda frame: frame.acquisition[0],
    lambda frame: frame.acquisition,
    lambda frame: None,
)
"""What may tell repeats apart; trigger times that differ within a volume do not."""
_Volumes = list[tuple[list["Frame"], list[int]]]
"""Planes of each volume in order of depth, with the index of each plane's place."""


def _by_depth(cluster: list[Frame]) -> tuple[list[Frame], list[int]]:
    """Planes sorted along the normal; the same integer for planes at the same place.

    All by one normal, and by number within a place: positions and directions of repeats may
    differ by rounding.
    """
    depths = np.array([np.dot(frame.position or (), cluster[0].normal) for frame in cluster])
    order = np.argsort(depths, kind="stable")
    rises = np.cumsum(np.diff(depths[order], prepend=depths[order[0]]) > SAME_PLACE_MM)
    placed = [(int(place), cluster[i]) for place, i in zip(rises, order, strict=True)]
    placed.sort(key=lambda pair: (pair[0], _when(pair[1])))
    return [frame for _, frame in placed], [place for place, _ in placed]


def _no_rank(
    planes: Sequence[Frame], places: Sequence[int], tell: Callable[[Frame], Hashable]
) -> list[Hashable]:
    return [tell(plane) for plane in planes]


def _rank_among_alike(
    planes: Sequence[Frame], places: Sequence[int], tell: Callable[[Frame], Hashable]
) -> list[Hashable]:
    """What a tag tells, and which of the planes alike at one place this is, by number.

    Where alike planes are not as many at each of their places, ranks would mix volumes: then each
    plane is told from all others, which makes no volumes.
    """
    alike = Counter((tell(plane), place) for plane, place in zip(planes, places, strict=True))
    counts: dict[Hashable, set[int]] = defaultdict(set)
    for (told, _), count in alike.items():
        counts[told].add(count)
    if any(len(different) > 1 for different in counts.values()):
        return list(range(len(planes)))
    seen: Counter[tuple[Hashable, int]] = Counter()
    ranked: list[Hashable] = []
    for plane, place in zip(planes, places, strict=True):
        told = tell(plane)
        ranked.append((told, seen[told, place]))
        seen[told, place] += 1
    return ranked


def _volumes(planes: Sequence[Frame], places: Sequence[int], keys: Sequence[Hashable]) -> _Volumes:
    found: dict[Hashable, tuple[list[Frame], list[int]]] = {}
    for plane, place, key in zip(planes, places, keys, strict=True):
        frames, at = found.setdefault(key, ([], []))
        frames.append(plane)
        at.append(place)
    return list(found.values())


def _joined(volumes: _Volumes) -> list[Stack]:
    """Volumes with the same places as one stack, in order of time."""
    alike: dict[tuple[int, ...], list[list[Frame]]] = defaultdict(list)
    for frames, at in volumes:
        alike[tuple(at)].append(frames)
    return [
        Stack(tuple(tuple(frames) for frames in sorted(times, key=_time)))
        for times in alike.values()
    ]


def _time(frames: list[Frame]) -> tuple[object, object]:
    return frames[0].order, min(_when(frame) for frame in frames)


def _when(frame: Frame) -> tuple[tuple[int, int], tuple[object, ...]]:
    """Instance number; acquisition where numbers are all the same."""
    return frame.number, frame.acquisition
