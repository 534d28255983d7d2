"""Enhanced multi-frame CT and MR (PS3.3 C.7.6.16): functional groups, shared and per frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError
from medrestore.io.dicom.classic import slope, thickness
from medrestore.io.dicom.frame import Frame
from medrestore.io.dicom.values import (
    image_kind,
    integer,
    is_inverted,
    no_data_value,
    number,
    numbers,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["enhanced_frames"]

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
    frames = [_frame(header, _Macros(groups[i], shared), path, i) for i in range(count)]
    lost = next((frame.index + 1 for frame in frames if not frame.placed), None)
    if lost is not None and count > 1:
        raise InputError(
            f"{path}: frame {lost} of {count} has no position, orientation or spacing; export it "
            "again"
        )
    return frames


class _Macros:
    """First items of a frame's functional groups; an empty mapping where there is none."""

    def __init__(self, own: Any, shared: Any) -> None:
        self.own, self.shared = own, shared

    def __getitem__(self, keyword: str) -> Any:
        for items in (self.own, self.shared):
            found = items.get(keyword)
            if found:
                return found[0]
        return {}


def _frame(header: Any, macros: _Macros, path: Path, index: int) -> Frame:
    modality = text(header, "Modality")
    measures = macros["PixelMeasuresSequence"]
    content = macros["FrameContentSequence"]
    values = macros["PixelValueTransformationSequence"]
    spacing = numbers(measures, "PixelSpacing", 2)
    return Frame(
        path=path,
        index=index,
        shape=(int(header.Rows), int(header.Columns)),
        modality=modality,
        spacing=None if spacing is None else (spacing[0], spacing[1]),
        position=numbers(macros["PlanePositionSequence"], "ImagePositionPatient", 3),
        orientation=numbers(macros["PlaneOrientationSequence"], "ImageOrientationPatient", 6),
        thickness=thickness(measures),
        slope=slope(values),
        intercept=number(values, "RescaleIntercept", 0.0),
        inverted=is_inverted(header),
        padding=no_data_value(header),
        number=(integer(header, "InstanceNumber", 0), index),
        contrast=(
            _kind(header, macros, modality),
            text(macros["MREchoSequence"], "EffectiveEchoTime"),
            text(content, "StackID"),
        ),
        moment=_moment(macros, content),
        acquisition=(
            integer(header, "AcquisitionNumber", 0),
            text(content, "FrameAcquisitionDateTime"),
        ),
        series=text(header, "SeriesInstanceUID"),
        instance=text(header, "SOPInstanceUID"),
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
        numbers(direction, "DiffusionGradientOrientation", 3),
    )
