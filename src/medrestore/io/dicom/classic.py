"""Classic single-frame CT and MR images (PS3.3 A.3, A.4): one file, one plane."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError
from medrestore.io.dicom.diffusion import diffusion_of
from medrestore.io.dicom.frame import Frame
from medrestore.io.dicom.mr_signal import component_of, ge_raw_data_type, is_reversed
from medrestore.io.dicom.scaling import lookup_unit, scaling
from medrestore.io.dicom.values import (
    image_kind,
    integer,
    is_inverted,
    no_data_value,
    number,
    stated_number,
    stated_numbers,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["classic_frames", "image_facts", "thickness"]


def classic_frames(header: Any, path: Path) -> list[Frame]:
    """The one plane of a file; what of it cannot be read is its ``fault``.

    Raises
    ------
    InputError
        If the file has several frames but no functional groups that place them.
    """
    count = integer(header, "NumberOfFrames", 1)
    if count > 1:
        raise InputError(
            f"{path} has {count} frames without positions (no functional groups); export it as "
            "enhanced multi-frame or single-frame DICOM"
        )
    faults: list[str] = []
    spacing = stated_numbers(header, "PixelSpacing", 2, faults)
    scale = scaling(header, header, header, faults)
    modality, raw = text(header, "Modality"), ge_raw_data_type(header)
    component = component_of(header.get("ImageType"), header, raw) if modality != "CT" else None
    reversed_rows = is_reversed(header, faults)
    kind = image_kind(header.get("ImageType"), modality)
    frame = Frame(
        path=path,
        index=0,
        spacing=None if spacing is None else (spacing[0], spacing[1]),
        position=stated_numbers(header, "ImagePositionPatient", 3, faults),
        orientation=stated_numbers(header, "ImageOrientationPatient", 6, faults),
        thickness=thickness(header),
        **scale._asdict(),
        upside_down=reversed_rows,
        number=(integer(header, "InstanceNumber", 0), 0),
        contrast=(
            (*kind, raw, component),
            text(header, "EchoNumbers"),
            text(header, "EchoTime"),
            reversed_rows,
        ),
        component=component,
        reconstruction=_reconstruction(header) if modality == "CT" else (),
        moment=(
            integer(header, "TemporalPositionIdentifier", 0),
            number(header, "TriggerTime", 0.0),
            *diffusion_of(header),
        ),
        order=(integer(header, "TemporalPositionIdentifier", 0),),
        acquisition=(
            integer(header, "AcquisitionNumber", 0),
            text(header, "AcquisitionTime"),
        ),
        **image_facts(header, faults),
    )
    return [replace(frame, fault="; ".join(faults))]


def image_facts(header: Any, faults: list[str]) -> Any:
    """Matrix, kind of values, and UIDs of a file: keyword arguments of a `Frame`."""
    return {
        "shape": (int(header.Rows), int(header.Columns)),
        "modality": text(header, "Modality"),
        "lookup": lookup_unit(header, faults),
        "inverted": is_inverted(header),
        "padding": no_data_value(header),
        "series": text(header, "SeriesInstanceUID"),
        "instance": text(header, "SOPInstanceUID"),
        "study": text(header, "StudyInstanceUID"),
        "space": text(header, "FrameOfReferenceUID"),
        "label": (text(header, "SeriesNumber"), text(header, "SeriesDescription")),
    }


def _reconstruction(header: Any) -> tuple[str, ...]:
    image_type = header.get("ImageType") or ("",)
    return (
        text(header, "ConvolutionKernel"),
        text(header, "KVP"),
        text(header, "SliceThickness"),
        str(image_type if isinstance(image_type, str) else image_type[0]).strip(),
    )


def thickness(header: Any) -> float | None:
    """Spacing Between Slices, else Slice Thickness, mm; None where neither is positive."""
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = stated_number(header, keyword, [])
        if value:
            return abs(value)
    return None
