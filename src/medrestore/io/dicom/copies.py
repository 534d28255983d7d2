"""Files that hold an image twice.

A SOP Instance UID alone does not make a copy: converters give every slice the same. A copy lies at
the same position and has the same voxels, which are read only where all the rest agrees.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from medrestore.errors import MedrestoreError
from medrestore.io.dicom.pixels import file_planes

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame

__all__ = ["without_copies"]


def without_copies(frames: Iterable[Frame]) -> tuple[list[Frame], dict[Path, Path]]:
    """Planes that are there once, and each file left out with the one it is a copy of.

    Files with one UID whose planes differ in position or time are different images. Those that
    agree in all of this, in their numbers too, and differ in their voxels are at fault: which is
    meant cannot be known. Files that agree but for their UIDs are copies where their voxels are
    alike, as after an export with new UIDs.
    """
    files: dict[Path, list[Frame]] = defaultdict(list)
    for frame in frames:
        files[frame.path].append(frame)
    copies: dict[Path, Path] = {}
    images = [
        image
        for rivals in _alike(files.values(), lambda f: (f.instance or f.path, _content(f)))
        for image in (_distinguished(_images(rivals, copies)) if len(rivals) > 1 else rivals)
    ]
    images = [
        image
        for rivals in _alike(images, lambda frame: (_content(frame), _numbers(frame)))
        for image in (_images(rivals, copies) if len(rivals) > 1 else rivals)
    ]
    return [frame for image in images for frame in image], copies


def _alike(
    files: Iterable[list[Frame]], key: Callable[[Frame], Hashable]
) -> list[list[list[Frame]]]:
    """Files whose planes all agree in something."""
    found: dict[Hashable, list[list[Frame]]] = defaultdict(list)
    for planes in files:
        found[tuple(key(frame) for frame in planes)].append(planes)
    return list(found.values())


def _images(rivals: Sequence[list[Frame]], copies: dict[Path, Path]) -> list[list[Frame]]:
    """Files with different voxels; the others are noted as copies."""
    found: dict[bytes, list[Frame]] = {}
    for planes in _by_bytes(rivals, copies):
        original = found.setdefault(_digest(planes), planes)
        if original is not planes:
            copies[planes[0].path] = original[0].path
    return list(found.values())


def _distinguished(images: Iterable[list[Frame]]) -> list[list[Frame]]:
    """Images of one UID and position, at fault where their numbers are the same too."""
    numbers: dict[Hashable, list[Frame]] = {}
    found = []
    for planes in images:
        twin = numbers.setdefault(tuple(map(_numbers, planes)), planes)
        fault = (
            ""
            if twin is planes
            else (
                f"{twin[0].path.name} and {planes[0].path.name} have the same SOP Instance UID "
                "(0008,0018), place and number, and other voxels"
            )
        )
        found.append([replace(frame, fault=fault or frame.fault) for frame in planes])
    return found


def _by_bytes(rivals: Sequence[list[Frame]], copies: dict[Path, Path]) -> list[list[Frame]]:
    """Files of different bytes: no need to decode the others."""
    found: dict[bytes, list[Frame]] = {}
    for planes in rivals:
        path = planes[0].path
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        except OSError:  # gone: its reader will say so
            digest = str(path).encode()
        original = found.setdefault(digest, planes)
        if original is not planes:
            copies[path] = original[0].path
    return list(found.values())


def _digest(planes: Sequence[Frame]) -> bytes:
    """The intensities of a file's planes; its name where they cannot be decoded."""
    try:
        return hashlib.sha256(file_planes(planes).tobytes()).digest()
    except MedrestoreError:
        return str(planes[0].path).encode()


def _content(frame: Frame) -> Hashable:
    """Attributes that copies share beside their UID and numbers."""
    return (
        frame.series,
        frame.index,
        frame.tile,
        frame.shape,
        frame.position,
        frame.orientation,
        frame.contrast,
        frame.moment,
    )


def _numbers(frame: Frame) -> Hashable:
    return frame.number, frame.order, frame.acquisition, frame.reconstruction
