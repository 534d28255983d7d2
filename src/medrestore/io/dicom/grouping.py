"""From loose planes to volumes: which planes belong together, and series that cannot be read."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medrestore.errors import InputError
from medrestore.io.dicom.copies import without_copies
from medrestore.io.dicom.grid import distinct_depths, on_one_grid
from medrestore.io.dicom.overlaps import depths_of, parts, volumes_among
from medrestore.io.dicom.values import tag_name

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame, Stack
    from medrestore.io.dicom.overlaps import Part

__all__ = ["Grouped", "group"]


class Grouped(NamedTuple):
    """Volumes that planes make.

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
    unique, copies = without_copies(frame for frame in found if not frame.lost)
    skipped = [(frame.path, frame.lost) for frame in lost]
    skipped += [(path, f"the same image as {copies[path].name}") for path in copies]
    stacks: list[Stack] = []
    refused: list[tuple[Path, str]] = []
    for series in _series(unique):
        reason = _reason_against(series)
        if reason:
            refused += [(frame.path, reason) for frame in series]
            continue
        for cluster in _clusters(series):
            for part in parts(cluster):
                try:
                    volumes = volumes_among(part.frames)
                    stacks += [_annotated(stack, part, copies, lost) for stack in volumes]
                except InputError as error:
                    refused += [(frame.path, str(error)) for frame in part.frames]
    stacks.sort(
        key=lambda stack: (
            str(stack.first.path.parent),
            min(frame.number for frame in stack.planes),
            str(stack.first.contrast),
        )
    )
    paths = {path for path, _ in refused}
    return Grouped(stacks, list(dict.fromkeys([*skipped, *refused])), paths)


def _series(frames: list[Frame]) -> list[list[Frame]]:
    """Planes by the series they belong to."""
    joined = _joined_series(frames)
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


def _annotated(
    stack: Stack, part: Part, copies: Mapping[Path, Path], lost: Iterable[Frame]
) -> Stack:
    """The stack with its label and the files left out; refused if its slices are scaled unlike."""
    _check_scaling(stack)
    files = set(stack.files)
    copied = tuple(path for path, original in copies.items() if original in files)
    uids = {frame.series for frame in stack.planes}
    missing = tuple(frame.path for frame in lost if frame.series in uids)
    return replace(stack, copies=copied, lost=missing, label=part.label)


SIDEWAYS = 0.02
"""Share of a step that a slice may lie beside the line through the others."""
FEWEST = 3
"""Slices at even distances are no chance from here on."""


def _joined_series(frames: Sequence[Frame]) -> dict[str, str]:
    """The series that each UID stands for: itself, or the first of those that make one.

    Series of one plane each are one where study, frame of reference, series number and
    description, modality, matrix, voxel size, orientation and contrast agree, and all lie on one
    regular grid of slices.
    """
    planes = Counter(frame.series for frame in frames)
    single: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        if planes[frame.series] == 1 and frame.series and (frame.study or frame.space):
            key = (frame.study, frame.space, frame.label, frame.modality, frame.shape)
            single[key, frame.contrast].append(frame)
    found = {series: series for series in planes}
    for alike in single.values():
        if _make_one_volume(alike):
            found |= {frame.series: alike[0].series for frame in alike}
    return found


def _make_one_volume(alike: Sequence[Frame]) -> bool:
    """True if planes make one volume; those that cannot be read or placed spoil it later."""
    placed = [frame for frame in alike if frame.placed and not frame.fault]
    if len(placed) < FEWEST or not all(placed[0].is_parallel(frame) for frame in placed):
        return False
    depths = depths_of(placed)
    apart = distinct_depths(depths)
    return len(apart) >= FEWEST and on_one_grid(apart) and _on_a_line(placed, depths)


def _on_a_line(planes: Sequence[Frame], depths: NDArray[np.float64]) -> bool:
    """True if planes are not shifted against each other within themselves."""
    positions = np.array([frame.position for frame in planes])
    low, high = depths.argmin(), depths.argmax()
    reach = depths[high] - depths[low]
    share = (depths - depths[low]) / reach
    line = positions[low] + np.outer(share, positions[high] - positions[low])
    return bool(np.abs(positions - line).max() <= SIDEWAYS * reach / (len(depths) - 1))


POSITION_TAGS = {
    "position": "ImagePositionPatient",
    "orientation": "ImageOrientationPatient",
    "spacing": "PixelSpacing",
}


def _reason_against(series: Sequence[Frame]) -> str:
    """Reason to refuse a series as a whole; empty where there is none.

    A plane left out alone would be a gap, or not be missed at all at an end of the stack.
    """
    spoilt = next((frame for frame in series if frame.fault), None)
    if spoilt is not None:
        return f"{spoilt.path.name}: {spoilt.fault}; correct it or export the series again"
    alike: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in series:
        alike[frame.modality, frame.shape, frame.contrast, frame.reconstruction[3:]].append(frame)
    for frames in alike.values():
        lost = next((frame for frame in frames if not frame.placed), None)
        placed = sum(frame.placed for frame in frames)
        if lost is not None and placed:
            missing = ", ".join(
                tag_name(tag) for name, tag in POSITION_TAGS.items() if not getattr(lost, name)
            )
            return (
                f"{lost.path.name} lacks {missing}, which {placed} other images of its series "
                "have; export the series again, or take the image out"
            )
    return ""


def _check_scaling(stack: Stack) -> None:
    """Refuse slices of which some state how their values are scaled and others do not.

    Raises `InputError` if that makes a difference: it names a file and the tags it lacks.
    """
    planes = stack.planes
    if len({frame.lookup for frame in planes}) > 1:
        plain = next(frame for frame in planes if not frame.lookup)
        raise InputError(
            f"{plain.path.name} lacks the {tag_name('ModalityLUTSequence')} that other slices "
            "have; export the series again"
        )
    differ = len({(frame.slope, frame.intercept) for frame in planes}) > 1
    full = min(len(frame.unstated) for frame in planes)
    incomplete = next((frame for frame in planes if len(frame.unstated) > full), None)
    if differ and incomplete is not None:
        missing = " and ".join(tag_name(keyword) for keyword in incomplete.unstated)
        raise InputError(
            f"{incomplete.path.name} lacks {missing}, which other slices have: its values would "
            "be on another scale; export the series again"
        )
