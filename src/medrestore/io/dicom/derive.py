"""Header of a derived image: what it takes over from its source's header, and what is added.

Type 2 attributes (PS3.3 A.3, A.4) that a source lacks may be empty where their value is not
known; Type 1 ones may not. A source's own statements are never touched.
"""

from __future__ import annotations

import copy
import uuid
from typing import TYPE_CHECKING, Any

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import DSfloat

from medrestore.io.dicom.values import decimal, number, text, written_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrestore.io.dicom.frame import Frame

__all__ = ["decimals", "derived_header"]

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
"""Attributes of group 0028 that stay true; the rest describes stored values, now replaced."""
DROPPED = {
    "AcquisitionContextSequence",
    "CodeMeaning",
    "CodeValue",
    "CodingSchemeDesignator",
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
    "LUTExplanation",
    "LUTLabel",
    "OriginalAttributesSequence",
    "PerFrameFunctionalGroupsSequence",
    "PixelPresentation",
    "RealWorldValueMappingSequence",
    "ReferencedImageEvidenceSequence",
    "SharedFunctionalGroupsSequence",
    "SourceImageEvidenceSequence",
    "SourceImageSequence",
}
"""Attributes that no longer hold, and those that belong into sequences only (Philips)."""
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
SCANNING = (
    ("EchoPulseSequence", ("SPIN", "BOTH"), "SE"),
    ("InversionRecovery", ("YES",), "IR"),
    ("EchoPulseSequence", ("GRADIENT", "BOTH"), "GR"),
    ("EchoPlanarPulseSequence", ("YES",), "EP"),
)
"""Attribute of enhanced MR, its values, and the classic Scanning Sequence they stand for."""
PLANE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
GATED = ("CG", "PPG", "RG")
"""Scan Options (0018,0022) under which Trigger Time is a delay after a heart beat or breath."""


def derived_header(source: Any, frame: Frame, modality: str, first: Frame) -> Dataset:
    """A classic image's header for one plane: patient, study, acquisition, position.

    Private attributes, overlays, and everything that describes stored values are left out;
    attributes that CT and MR images must have are added.

    Parameters
    ----------
    source : Dataset
        Header of the source file.
    frame : Frame
        The plane.
    modality : "CT" or "MR"
        Decides which image module applies.
    first : Frame
        The source's first plane: where it names no study or frame of reference, all results made
        from it share one, made from its UIDs.
    """
    header = Dataset()
    for tag in sorted(source.keys()):
        element = _readable(source, tag) if _is_kept(tag, keyword_for_tag(tag)) else None
        if element is not None:
            header.add(copy.deepcopy(element))
    for _ in header.iterall():
        pass  # converts values that are still raw bytes, maybe of the other byte order
    header.remove_private_tags()  # those inside sequences
    _drop_empty_sequences(header)
    if not any(header.get("VelocityEncodingDirection") or ()):  # Philips' direction 0, 0, 0
        header.pop("VelocityEncodingDirection", None)
    enhanced = "PerFrameFunctionalGroupsSequence" in source  # its top level places no frame
    if enhanced:
        _flatten(header, source, frame)
    if enhanced or frame.tile is not None or not all(keyword in header for keyword in PLANE):
        _state_position(header, frame)
    if modality == "MR":
        header.ScanningSequence = header.get("ScanningSequence") or "RM"
        header.SequenceVariant = header.get("SequenceVariant") or "NONE"
    _drop_unmet_conditions(header)
    _fill_required(header, modality, first)
    return header


def _readable(source: Any, tag: BaseTag) -> DataElement | None:
    """An element of a header, with points for decimal commas; None for one that cannot be read."""
    written = [text for text in written_values(source, tag) or () if text.strip(" \0")]
    found = [value for value in map(decimal, written) if value is not None]
    if len(found) < len(written):
        return None
    if any("," in text for text in written):
        return DataElement(tag, "DS", decimals(found)) if dictionary_VR(tag) == "DS" else None
    return source[tag]  # type: ignore[no-any-return]


def _is_kept(tag: Any, keyword: str) -> bool:
    if tag.is_private or tag.group in DROPPED_GROUPS or keyword in DROPPED:
        return False
    if 0x5000 <= tag.group <= 0x50FF or 0x6000 <= tag.group <= 0x60FF:
        return False
    return tag.group != 0x0028 or keyword in KEPT_OF_0028


def _flatten(header: Dataset, source: Any, frame: Frame) -> None:
    """Write a frame's functional groups as attributes of a classic image."""
    shared = (source.get("SharedFunctionalGroupsSequence") or [{}])[0]
    groups = source.PerFrameFunctionalGroupsSequence[frame.index]
    for macro, keywords in FROM_MACROS.items():
        (item, *_) = groups.get(macro) or shared.get(macro) or [Dataset()]
        for tag in map(Tag, keywords):
            element = _readable(item, tag) if tag in item else None
            if element is not None and element.value is not None:
                header[tag] = copy.deepcopy(element)
    echo = (groups.get("MREchoSequence") or shared.get("MREchoSequence") or [{}])[0]
    if echo.get("EffectiveEchoTime") is not None:
        header.EchoTime = DSfloat(float(echo.EffectiveEchoTime), auto_format=True)
    kinds = [word for keyword, values, word in SCANNING if text(header, keyword) in values]
    if kinds and not header.get("ScanningSequence"):
        header.ScanningSequence = kinds
    direction = frame.moment[3] if len(frame.moment) > 3 else None
    if isinstance(direction, tuple):
        header.DiffusionGradientOrientation = list(direction)


def _drop_empty_sequences(dataset: Dataset) -> None:
    """Remove sequences without items, where at least one is required."""
    for element in [element for element in dataset if element.VR == "SQ"]:
        if not element.value:
            del dataset[element.tag]
            continue
        for item in element.value:
            _drop_empty_sequences(item)


def _drop_unmet_conditions(header: Dataset) -> None:
    """Remove attributes that PS3.3 C.8.3.1 requires, and allows, under a condition only.

    An inversion time of 0 ms is none. Philips states the start of each dynamic as Trigger Time,
    at which dcm2niix would split a series; its Temporal Position Identifier says the same.
    """
    if "IR" in _words(header, "ScanningSequence"):
        header.InversionTime = header.get("InversionTime") or None
    elif number(header, "InversionTime", 0.0) == 0:
        header.pop("InversionTime", None)
    gated = any(word.startswith(GATED) for word in _words(header, "ScanOptions"))
    philips = text(header, "Manufacturer").upper().startswith("PHILIPS")
    if philips and not gated and "TemporalPositionIdentifier" in header:
        header.pop("TriggerTime", None)


def _words(header: Dataset, keyword: str) -> list[str]:
    value = header.get(keyword)
    return [value] if isinstance(value, str) else [str(word) for word in value or ()]


def _state_position(header: Dataset, frame: Frame) -> None:
    """State a plane's position where the source does not, or means a whole mosaic."""
    if frame.position is None or frame.orientation is None or frame.spacing is None:
        return
    for keyword in PLANE:
        header.pop(keyword, None)  # with its type: a damaged one would turn numbers into zeros
    header.ImagePositionPatient = decimals(frame.position)
    header.ImageOrientationPatient = decimals(frame.orientation)
    header.PixelSpacing = decimals(frame.spacing)
    header.pop("SliceLocation", None)  # that of a whole mosaic


def decimals(values: Iterable[float]) -> list[DSfloat]:
    """Numbers as Decimal Strings of at most 16 characters."""
    return [DSfloat(float(value), auto_format=True) for value in values]


EMPTY_WHERE_ABSENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "Manufacturer",
    "PatientPosition",
    "PositionReferenceIndicator",
    "SliceThickness",
)
"""Patient, General Study, Series and Equipment, Frame of Reference, Image Plane modules."""
SIDE = ("BodyPartExamined", "Laterality", "ImageLaterality")
"""Laterality (0020,0060) is required where the body part may be one of a pair."""
EMPTY_OF_MODALITY = {
    "CT": ("KVP", "AcquisitionNumber"),
    "MR": ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"),
}
"""CT and MR image modules (PS3.3 C.8.2.1, C.8.3.1)."""


def _fill_required(header: Dataset, modality: str, first: Frame) -> None:
    """Add required attributes that are missing; UIDs follow from those of ``first`` (PS3.5 B.2)."""
    for keyword in (*EMPTY_WHERE_ABSENT, *EMPTY_OF_MODALITY[modality]):
        if keyword not in header:
            setattr(header, keyword, None)
    if not any(keyword in header for keyword in SIDE):
        header.Laterality = None
    origin = first.series or first.instance or first.path.name
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
        if not header.get(keyword):  # the same UID for the same series, not traced back to it
            uid = uuid.uuid5(uuid.NAMESPACE_OID, f"{keyword} {origin}")
            setattr(header, keyword, f"2.25.{uid.int}")
