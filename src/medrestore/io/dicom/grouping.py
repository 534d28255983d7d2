"""From loose planes to volumes: which planes belong together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import InputError
from medrestore.io.dicom.copies import without_copies
from medrestore.io.dicom.joined_series import joined_series
from medrestore.io.dicom.overlaps import parts
from medrestore.io.dicom.repeats import volumes_among
from medrestore.io.dicom.soundness import check_scaling, reason_against

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame
    from medrestore.io.dicom.overlaps import Part
    from medrestore.io.dicom.stacks import Stack

__all__ = ["Grouped", "group"]


class Grouped(NamedTuple):
    """What planes make.

    Parameters
    ----------
    stacks : list of Stack
        Volumes, in the order of folders, then instance numbers.
    skipped : list of (Path, str)
        Repeated and damaged files, and planes that make no volume, with the reason.
    refused : set of Path
        Of these, the planes that make no volume.
    """

    stacks: list[Stack]
    skipped: list[tuple[Path, str]]
    refused: set[Path]


def group(frames: Iterable[Frame]) -> Grouped:
    """Sort planes into volumes.

    Planes belong together when series, modality, matrix, voxel size, orientation, image type,
    echo, stack and kernel agree. Several planes at one position are time points.
    """
    found = list(frames)
    lost = [frame for frame in found if frame.lost]
    kept, copies = without_copies(frame for frame in found if not frame.lost)
    skipped = [(frame.path, frame.lost) for frame in lost]
    skipped += [(path, f"the same image as {copies[path].name}") for path in copies]
    stacks: list[Stack] = []
    refused: list[tuple[Path, str]] = []
    for series in _series(kept):
        reason = reason_against(series)
        if reason:
            refused += [(frame.path, reason) for frame in series]
            continue
        for cluster in _clusters(series):
            for part in parts(cluster):
                try:
                    volumes = volumes_among(part.frames)
                    stacks += [_noted(stack, part, copies, lost) for stack in volumes]
                except InputError as error:
                    refused += [(frame.path, str(error)) for frame in part.frames]
    stacks.sort(key=lambda stack: (str(stack.first.path.parent), _order(stack)))
    paths = {path for path, _ in refused}
    return Grouped(stacks, list(dict.fromkeys([*skipped, *refused])), paths)


def _series(frames: list[Frame]) -> list[list[Frame]]:
    """Planes by the series they belong to."""
    joined = joined_series(frames)
    found: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        found[joined[frame.series]].append(frame)
    return list(found.values())


def _clusters(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Planes of a series that agree in everything but position and time."""
    exact: dict[Hashable, list[list[Frame]]] = defaultdict(list)
    for frame in frames:
        clusters = exact[frame.modality, frame.shape, frame.contrast, frame.placed]
        for cluster in clusters:
            if cluster[0].is_parallel(frame):
                cluster.append(frame)
                break
        else:
            clusters.append([frame])
    return [cluster for clusters in exact.values() for cluster in clusters]


def _noted(stack: Stack, part: Part, copies: Mapping[Path, Path], lost: Iterable[Frame]) -> Stack:
    """The stack, with what grouping knows of it; refused if its slices are scaled unlike."""
    check_scaling(stack)
    files = set(stack.files)
    own = tuple(path for path, original in copies.items() if original in files)
    uids = {frame.series for frame in stack.planes}
    missing = tuple(frame.path for frame in lost if frame.series in uids)
    return replace(stack, copies=own, lost=missing, label=part.label)


def _order(stack: Stack) -> tuple[tuple[int, int], str]:
    return min(frame.number for frame in stack.planes), str(stack.first.contrast)
