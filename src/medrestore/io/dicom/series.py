"""DICOM volumes: found among files, read, with warnings of what their headers show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.errors import GapError, InputError, UnreadableError
from medrestore.io.dicom.grid import geometry_of
from medrestore.io.dicom.grouping import group
from medrestore.io.dicom.headers import frames_of
from medrestore.io.dicom.pixels import intensities
from medrestore.io.dicom.values import tag_name
from medrestore.io.limits import check_shape
from medrestore.io.modality import settle_modality, unit_of
from medrestore.io.scan import Scan
from medrestore.io.uids import cut_uids, without_uids
from medrestore.volume import Source, Volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medrestore.io.dicom.frame import Frame, Stack
    from medrestore.io.dicom.grid import Gaps
    from medrestore.volume import Component

__all__ = ["load", "open_stack", "stem", "volumes_of"]


def volumes_of(
    frames: Sequence[Frame],
) -> tuple[list[tuple[Scan, Stack]], list[tuple[Path, str]], set[Path]]:
    """Volumes among the planes of many files, files left out with the reason, and refused ones."""
    stacks, skipped, refused = group(frames)
    found: list[tuple[Scan, Stack]] = []
    for stack, name in zip(stacks, _names(stacks), strict=True):
        try:
            found.append((_scan(stack, name, _part(stack, stacks, frames)), stack))
        except InputError as error:
            skipped += [(path, _without_path(str(error), name)) for path in stack.files]
            refused.update(stack.files)
    return found, skipped, refused


def open_stack(files: Sequence[Path], part: int | None, modality: str | None) -> Stack:
    """The planes of volume ``part`` of a set of files; of the only one, where it is None.

    ``modality`` lets files of other modalities through. Raises `UnreadableError` if a file is
    damaged, `InputError` if there is no such volume, or more than one and ``part`` is None.
    """
    stacks, skipped, _ = group(frame for path in files for frame in frames_of(path, modality))
    folder = _common(files)
    if part is None and len(stacks) > 1:
        listed = "; ".join(
            f"[{i}] {stack.first.modality} {'×'.join(map(str, stack.shape))}"
            for i, stack in enumerate(stacks)
        )
        raise InputError(
            f"{folder} holds {len(stacks)} volumes: {listed}; read one of medrestore.find(path)"
        )
    if (part or 0) >= len(stacks):
        reason = skipped[0][1] if skipped else "it holds no such volume any more"
        raise InputError(f"{folder} cannot be read: {reason}")
    return stacks[part or 0]


def load(stack: Stack, name: str, modality: str | None = None, gaps: Gaps = "error") -> Volume:
    """Read a stack's voxels; ``modality`` overrides the tag, ``name`` is the stem for results.

    Raises
    ------
    GapError
        If slices are uneven and ``gaps="error"``.
    UnreadableError
        If a file is damaged or its codec missing.
    """
    geometry, warnings = geometry_of(stack, name, gaps)
    check_shape(name, stack.shape)
    array, first = intensities(stack), stack.first
    array = array[0] if stack.shape[0] == 1 else array
    settled = settle_modality(array, requested=modality, tag=first.modality)
    acquired = None if first.matrix is None else first.matrix.on(first.shape, first.spacing)
    source = Source("dicom", name, stack.files, stack, first.component, acquired=acquired)
    warnings = (*warnings, *_warnings(stack, settled))
    return Volume(array, geometry, settled, unit_of(settled), source, warnings)


def _scan(stack: Stack, name: str, part: int) -> Scan:
    try:
        geometry, warnings = geometry_of(stack, name)
    except GapError as error:
        geometry, (_, *others) = geometry_of(stack, name, "keep")
        warnings = (_without_path(str(error), name), *others)
    times, *shape = stack.shape
    tag = stack.first.modality
    return Scan(
        path=_common(stack.files),
        format="dicom",
        modality=tag if tag in ("CT", "MR") else None,
        shape=(shape[0], shape[1], shape[2]),
        spacing_mm=geometry.spacing_mm,
        orientation=geometry.axis_codes,
        time_points=times,
        files=stack.files,
        warnings=(*warnings, *_warnings(stack, tag)),
        copies=stack.copies,
        lost=stack.lost,
        name=name,
        part=part,
        component=stack.first.component,
    )


def _part(stack: Stack, stacks: Sequence[Stack], frames: Iterable[Frame]) -> int:
    """Index of a stack among those that its own files hold: `load` sees no other files."""
    files = set(stack.files)
    if not any(files & set(other.files) for other in stacks if other is not stack):
        return 0
    volumes, *_ = group(frame for frame in frames if frame.path in files)
    try:
        return volumes.index(stack)
    except ValueError as error:
        raise UnreadableError("its files hold several volumes that overlap") from error


def _names(stacks: Sequence[Stack]) -> list[str]:
    """A stem for each stack; numbered where several share a folder."""
    paths = [_common(stack.files) for stack in stacks]
    return [
        f"{stem(path)}_{paths[:i].count(path) + 1}" if paths.count(path) > 1 else stem(path)
        for i, path in enumerate(paths)
    ]


def stem(path: Path) -> str:
    """A folder's name, or a file's without suffix; without UIDs, by which archives name both."""
    file = path.name.removesuffix(".gz")
    suffix = Path(file).suffix
    if path.is_dir():
        name = path.resolve().name
    elif suffix[1:].isdigit() and cut_uids(file) != file:
        name = file  # the "suffix" is the end of a UID
    else:
        name = file.removesuffix(suffix)
    return cut_uids(name) or "scan"


def _common(files: Sequence[Path]) -> Path:
    """The file itself, or the folder that holds all of them."""
    if len(files) == 1:
        return files[0]
    return Path(os.path.commonpath([file.parent for file in files]))


def _without_path(message: str, path: Path | str) -> str:
    return message.removeprefix(str(path)).lstrip(": ")


NO_MAGNITUDES: dict[Component, str] = {
    "phase": "the header says phase images, not magnitudes: they can be looked at, not restored",
    "real": "the header says the real part of the signal, not magnitudes: it can be looked at, "
    "not restored",
    "imaginary": "the header says the imaginary part of the signal, not magnitudes: it can be "
    "looked at, not restored",
    "field map": "the header says a field map, not magnitudes: it can be looked at, not restored",
    "parameter map": "the header says a map computed from other images (as ADC, FA, T1): its "
    "noise is not what the models were trained for",
}
NO_HU = ", whose Modality LUT Type is not HU: they may be no Hounsfield units"
LISTED = 3
"""Files named before 'and n more'."""


def _warnings(stack: Stack, modality: str | None) -> Iterator[str]:
    """Warnings about a scan's values, series and files, read as a modality; not of geometry."""
    first = stack.first
    if first.component in NO_MAGNITUDES:
        yield NO_MAGNITUDES[first.component]
    if first.inverted:
        yield "MONOCHROME1: stored values run from white to black and were inverted"
    if first.lookup:
        doubt = "" if modality != "CT" or first.lookup == "HU" else NO_HU
        yield f"intensities follow from the {tag_name('ModalityLUTSequence')}{doubt}"
    elif modality == "CT" and first.unstated:
        missing = " and ".join(tag_name(keyword) for keyword in first.unstated)
        yield (
            f"{missing} {'are' if len(first.unstated) > 1 else 'is'} missing: the values may be no "
            "Hounsfield units"
        )
    if first.upside_down:
        yield (
            "GE's epi_pepolar stores images of the reversed phase-encoding polarity upside down: "
            "their rows were turned"
        )
    if stack.label:
        label = without_uids(stack.label)
        yield f"its series holds several volumes that are kept apart, this one of {label}"
    series = len({frame.series for frame in stack.planes})
    if series > 1:
        yield (
            f"{series} series of one image each were joined: study, frame of reference, series "
            "number and description agree, and the images lie on one grid"
        )
    if stack.copies:
        yield f"{_listed(stack.copies)} left out: the same image, place and voxels as another file"
    if stack.lost:
        yield (
            f"{_listed(stack.lost)} left out: of the same series, and damaged; slices are missing "
            "unless these are copies"
        )


def _listed(paths: tuple[Path, ...]) -> str:
    names = ", ".join(without_uids(path.name) for path in paths[:LISTED])
    return names + (f" and {len(paths) - LISTED} more" if len(paths) > LISTED else "")
