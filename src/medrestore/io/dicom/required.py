"""Attributes that CT and MR images must have and a source may lack (PS3.3 A.3, A.4).

Type 2 attributes may be empty where their value is not known; Type 1 ones may not. What a source
states is never touched.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medrestore.io.dicom.frame import Frame

__all__ = ["fill_required"]

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
"""Laterality (0020,0060) is asked for where the body part may be one of a pair."""
EMPTY_OF_MODALITY = {
    "CT": ("KVP", "AcquisitionNumber"),
    "MR": ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"),
}
"""CT and MR image modules (PS3.3 C.8.2.1, C.8.3.1)."""


def fill_required(header: Dataset, modality: str, first: Frame) -> None:
    """Add what is missing, in place.

    Parameters
    ----------
    header : Dataset
        Of one image.
    modality : "CT" or "MR"
        Which image module applies.
    first : Frame
        The source's first plane: where it names no study or frame of reference, all results made
        from it share one, made from its UIDs.
    """
    for keyword in (*EMPTY_WHERE_ABSENT, *EMPTY_OF_MODALITY[modality]):
        if keyword not in header:
            setattr(header, keyword, None)
    if not any(keyword in header for keyword in SIDE):
        header.Laterality = None
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
        if not header.get(keyword):
            setattr(
                header,
                keyword,
                _uid_for(keyword, first.series or first.instance or first.path.name),
            )


def _uid_for(keyword: str, series: str) -> str:
    """The same UID for the same series (PS3.5 B.2); not traced back to it."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{keyword} {series}').int}"
