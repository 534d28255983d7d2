"""Series that cannot be read as they are: a number that is none, or one that some slices lack."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from medrestore.errors import InputError
from medrestore.io.dicom.stated import named

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from medrestore.io.dicom.frame import Frame
    from medrestore.io.dicom.stacks import Stack

__all__ = ["check_scaling", "reason_against"]

PLACE = {
    "position": "ImagePositionPatient",
    "orientation": "ImageOrientationPatient",
    "spacing": "PixelSpacing",
}


def reason_against(series: Sequence[Frame]) -> str:
    """Why a series is refused as a whole; empty where nothing speaks against it.

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
            missing = ", ".join(named(PLACE[name]) for name in PLACE if not getattr(lost, name))
            return (
                f"{lost.path.name} lacks {missing}, which {placed} other images of its series "
                "have; export the series again, or take the image out"
            )
    return ""


def check_scaling(stack: Stack) -> None:
    """Refuse slices of which some state how their values are scaled and others do not.

    Raises
    ------
    InputError
        If that makes a difference: the message names a file and what it lacks.
    """
    planes = stack.planes
    if len({frame.lookup for frame in planes}) > 1:
        lone = next(frame for frame in planes if not frame.lookup)
        raise InputError(
            f"{lone.path.name} lacks the {named('ModalityLUTSequence')} that other slices have; "
            "export the series again"
        )
    differ = len({(frame.slope, frame.intercept) for frame in planes}) > 1
    full = min(len(frame.unstated) for frame in planes)
    lone_or_none = next((frame for frame in planes if len(frame.unstated) > full), None)
    if differ and lone_or_none is not None:
        missing = " and ".join(named(keyword) for keyword in lone_or_none.unstated)
        raise InputError(
            f"{lone_or_none.path.name} lacks {missing}, which other slices have: its values would "
            "be on another scale; export the series again"
        )
