"""What a derived image takes over from its source's header, and what it must not."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrestore.io.dicom.frame import Frame

__all__ = ["derived_header"]

DROPPED_GROUPS = {0x0002, 0x0014, 0x4FFE, 0x5400, 0x5600, 0x7FE0, 0xFFFA, 0xFFFC}
"""File meta, waveforms, pixels, signatures; private, curve and overlay groups go by number."""
KEPT_OF_0028 = {
    "BurnedInAnnotation",
    "LossyImageCompression",
    "LossyImageCompressionMethod",
    "LossyImageCompressionRatio",
    "PixelSpacing",
    "PixelSpacingCalibrationDescription",
    "PixelSpacingCalibrationType",
    "WindowCenter",
    "WindowCenterWidthExplanation",
    "WindowWidth",
}
"""What of group 0028 stays true; the rest describes stored values that are replaced."""
DROPPED = {
    "AcquisitionContextSequence",
    "ConcatenationUID",
    "DerivationCodeSequence",
    "DigitalSignaturesSequence",
    "DimensionIndexSequence",
    "DimensionOrganizationSequence",
    "DimensionOrganizationType",
    "EncryptedAttributesSequence",
    "IconImageSequence",
    "InConcatenationNumber",
    "InstanceCreatorUID",
    "OriginalAttributesSequence",
    "PerFrameFunctionalGroupsSequence",
    "PixelPresentation",
    "RealWorldValueMappingSequence",
    "ReferencedImageEvidenceSequence",
    "SharedFunctionalGroupsSequence",
    "SourceImageEvidenceSequence",
    "SourceImageSequence",
}
FROM_MACROS = {
    "MRTimingAndRelatedParametersSequence": ("RepetitionTime", "FlipAngle", "EchoTrainLength"),
    "MRModifierSequence": ("InversionRecovery",),
    "MRAveragesSequence": ("NumberOfAverages",),
    "PixelMeasuresSequence": ("SliceThickness", "SpacingBetweenSlices"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth"),
    "CTXRayDetailsSequence": ("KVP",),
    "MRDiffusionSequence": ("DiffusionBValue",),
}
"""Functional group macros whose attributes have the same name in classic images."""
EMPTY_WHERE_ABSENT = {
    "CT": ("KVP", "AcquisitionNumber"),
    "MR": ("ScanOptions", "MRAcquisitionType", "EchoTime", "EchoTrainLength"),
}
"""Type 2 attributes of the CT and MR image modules (PS3.3 C.8.2.1, C.8.3.1)."""


def derived_header(source: Any, frame: Frame, modality: str) -> Dataset:
    """A classic image's header for one plane: patient, study, acquisition, place.

    Private attributes, overlays, and everything that speaks of stored values are left out.
    """
    header = Dataset()
    for element in source:
        if _is_kept(element.tag, element.keyword):
            header.add(copy.deepcopy(element))
    for _ in header.iterall():
        pass  # converts values that are still raw bytes, maybe of the other byte order
    if "PerFrameFunctionalGroupsSequence" in source:
        _flatten(header, source, frame)
    if frame.tile is not None or "ImagePositionPatient" not in header:
        _place(header, frame)
    for keyword in EMPTY_WHERE_ABSENT[modality]:
        if keyword not in header:
            setattr(header, keyword, None)
    if modality == "MR":
        header.ScanningSequence = header.get("ScanningSequence") or "RM"
        header.SequenceVariant = header.get("SequenceVariant") or "NONE"
    return header


def _is_kept(tag: Any, keyword: str) -> bool:
    if tag.is_private or tag.group in DROPPED_GROUPS or keyword in DROPPED:
        return False
    if 0x5000 <= tag.group <= 0x50FF or 0x6000 <= tag.group <= 0x60FF:
        return False
    return tag.group != 0x0028 or keyword in KEPT_OF_0028


def _flatten(header: Dataset, source: Any, frame: Frame) -> None:
    """Write a frame's functional groups as attributes of a classic image."""
    shared = (source.get("SharedFunctionalGroupsSequence") or [{}])[0]
    own = source.PerFrameFunctionalGroupsSequence[frame.index]
    for macro, keywords in FROM_MACROS.items():
        items = own.get(macro) or shared.get(macro) or [{}]
        for keyword in keywords:
            value = items[0].get(keyword)
            if value is not None:
                setattr(header, keyword, value)
    echo = (own.get("MREchoSequence") or shared.get("MREchoSequence") or [{}])[0]
    if echo.get("EffectiveEchoTime") is not None:
        header.EchoTime = DSfloat(float(echo.EffectiveEchoTime), auto_format=True)
    direction = frame.moment[3] if len(frame.moment) > 3 else None
    if isinstance(direction, tuple):
        header.DiffusionGradientOrientation = list(direction)


def _place(header: Dataset, frame: Frame) -> None:
    """State a plane's place where the source's own attributes do not, or mean a whole mosaic."""
    if frame.position is None or frame.orientation is None or frame.spacing is None:
        return
    header.ImagePositionPatient = _decimals(frame.position)
    header.ImageOrientationPatient = _decimals(frame.orientation)
    header.PixelSpacing = _decimals(frame.spacing)


def _decimals(values: Iterable[float]) -> list[DSfloat]:
    """Numbers as Decimal Strings of at most 16 characters."""
    return [DSfloat(float(value), auto_format=True) for value in values]
