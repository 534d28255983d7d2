"""What the headers of a scan show and its user should know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.io.dicom.stated import named
from medrestore.io.uids import without_uids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from medrestore.io.dicom.stacks import Stack
    from medrestore.volume import Component

__all__ = ["notes_on"]

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


def notes_on(stack: Stack, modality: str | None) -> tuple[str, ...]:
    """Warnings about a scan's values, series and files; geometry has its own.

    Parameters
    ----------
    stack : Stack
        The scan.
    modality : str or None
        What it is read as.
    """
    return tuple(_notes(stack, modality))


def _notes(stack: Stack, modality: str | None) -> Iterator[str]:
    first = stack.first
    if first.component in NO_MAGNITUDES:
        yield NO_MAGNITUDES[first.component]
    if first.inverted:
        yield "MONOCHROME1: stored values run from white to black and were inverted"
    if first.lookup:
        doubt = "" if modality != "CT" or first.lookup == "HU" else NO_HU
        yield f"intensities follow from the {named('ModalityLUTSequence')}{doubt}"
    elif modality == "CT" and first.unstated:
        missing = " and ".join(named(keyword) for keyword in first.unstated)
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
