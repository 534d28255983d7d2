"""Frames of CT and MR images: classic ones (PS3.3 A.3, A.4), enhanced multi-frame ones (C.7.6.16).

A classic file holds one plane. An enhanced one states its frames' facts in functional groups,
shared and per frame.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError
from medrestore.io.dicom.acquisition_matrix import matrix_of
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
    whole_number,
)

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.volume import Component

__all__ = ["classic_frames", "enhanced_frames", "image_facts", "thickness"]


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
        matrix=None if modality == "CT" else matrix_of(header),
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


SPATIAL = {0x00209056, 0x00209057, 0x00200032, 0x00200037}
"""Stack ID, In-Stack Position Number, Image Position and Orientation (Patient)."""
FRAME_TYPES = {"MR": "MRImageFrameTypeSequence", "CT": "CTImageFrameTypeSequence"}


def enhanced_frames(header: Any, path: Path) -> list[Frame]:
    """Every plane of a file; a macro missing for a frame is looked up among the shared ones.

    Raises
    ------
    InputError
        If a frame has no position or orientation.
    """
    shared = (header.get("SharedFunctionalGroupsSequence") or [{}])[0]
    groups = header.PerFrameFunctionalGroupsSequence
    count = integer(header, "NumberOfFrames", 1)
    if len(groups) < count:
        raise InputError(
            f"{path} has {count} frames but functional groups for {len(groups)} of them; export "
            "it again"
        )
    dimensions = _dimensions(header)
    frames = [_frame(header, _Macros(groups[i], shared), path, i, dimensions) for i in range(count)]
    lost = next((f.index + 1 for f in frames if not f.placed and not f.fault), None)
    if lost is not None and count > 1:
        raise InputError(
            f"{path}: frame {lost} of {count} has no position, orientation or spacing; export it "
            "again"
        )
    return frames


class _Macros:
    """First items of a frame's functional groups; an empty mapping where there is none."""

    def __init__(self, per_frame: Any, shared: Any) -> None:
        self.per_frame, self.shared = per_frame, shared

    def __getitem__(self, keyword: str) -> Any:
        return (self.get(keyword) or [{}])[0]

    def get(self, keyword: str) -> Any:
        """All items of a macro; None where neither group has any."""
        return self.per_frame.get(keyword) or self.shared.get(keyword)


def _frame(header: Any, macros: _Macros, path: Path, index: int, dimensions: list[int]) -> Frame:
    modality = text(header, "Modality")
    measures = macros["PixelMeasuresSequence"]
    content = macros["FrameContentSequence"]
    faults: list[str] = []
    scale = scaling(macros["PixelValueTransformationSequence"] or header, macros, header, faults)
    spacing = stated_numbers(measures, "PixelSpacing", 2, faults)
    component = _component(header, macros) if modality != "CT" else None
    frame = Frame(
        path=path,
        index=index,
        spacing=None if spacing is None else (spacing[0], spacing[1]),
        position=stated_numbers(macros["PlanePositionSequence"], "ImagePositionPatient", 3, faults),
        orientation=stated_numbers(
            macros["PlaneOrientationSequence"], "ImageOrientationPatient", 6, faults
        ),
        thickness=thickness(measures),
        **scale._asdict(),
        number=(integer(header, "InstanceNumber", 0), index),
        contrast=(
            _kind(header, macros, modality),
            text(macros["MREchoSequence"], "EffectiveEchoTime"),
            text(content, "StackID"),
        ),
        component=component,
        matrix=None if modality == "CT" else matrix_of(header, macros["MRFOVGeometrySequence"]),
        reconstruction=_frame_reconstruction(header, macros) if modality == "CT" else (),
        moment=_moment(macros, content),
        order=_order(content, dimensions),
        acquisition=(
            integer(header, "AcquisitionNumber", 0),
            text(content, "FrameAcquisitionDateTime"),
        ),
        **image_facts(header, faults),
    )
    return replace(frame, fault="; ".join(faults))


def _dimensions(header: Any) -> list[int]:
    """Indices of the Dimension Index Values (0020,9157) not of space, the slowest first.

    Frames may be stored in any order; these state the order that was meant (PS3.3 C.7.6.17).
    Vendors write the slowest dimension last, behind the slice.
    """
    items = header.get("DimensionIndexSequence") or ()
    pointers = [whole_number(item.get("DimensionIndexPointer")) for item in items]
    return [i for i in reversed(range(len(pointers))) if pointers[i] not in SPATIAL]


def _order(content: Any, dimensions: list[int]) -> tuple[int, ...]:
    """Dimension indices of a frame, else its temporal position."""
    values = content.get("DimensionIndexValues")
    if dimensions and hasattr(values, "__len__") and len(values) > max(dimensions):
        return tuple(whole_number(values[i]) for i in dimensions)
    return (integer(content, "TemporalPositionIndex", 0),)


def _component(header: Any, macros: _Macros) -> Component | None:
    frame_type = macros["MRImageFrameTypeSequence"]
    stated = frame_type if text(frame_type, "ComplexImageComponent") else header
    return component_of(frame_type.get("FrameType") or header.get("ImageType"), stated)


def _frame_reconstruction(header: Any, macros: _Macros) -> tuple[str, ...]:
    frame_type = macros["CTImageFrameTypeSequence"]
    return (
        text(macros["CTReconstructionSequence"], "ConvolutionKernel"),
        text(macros["CTXRayDetailsSequence"], "KVP"),
        text(macros["PixelMeasuresSequence"], "SliceThickness"),
        str((frame_type.get("FrameType") or header.get("ImageType") or ("",))[0]).strip(),
    )


def _kind(header: Any, macros: _Macros, modality: str) -> tuple[str, ...]:
    frame_type = macros[FRAME_TYPES.get(modality, "")]
    kind = image_kind(frame_type.get("FrameType") or header.get("ImageType"), modality)
    return (*kind, text(frame_type, "ComplexImageComponent"))


def _moment(macros: _Macros, content: Any) -> tuple[object, ...]:
    diffusion = macros["MRDiffusionSequence"]
    direction = (diffusion.get("DiffusionGradientDirectionSequence") or [{}])[0]
    cardiac = macros["CardiacSynchronizationSequence"]
    return (
        integer(content, "TemporalPositionIndex", 0),
        number(cardiac, "NominalCardiacTriggerDelayTime", 0.0),
        number(diffusion, "DiffusionBValue", 0.0),
        stated_numbers(direction, "DiffusionGradientOrientation", 3, []),
    )
