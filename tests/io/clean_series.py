"""CT and MR series with every attribute of their IOD: nothing in them for dciodvfy to blame."""

from pathlib import Path
from typing import Any

import numpy as np
from dicom_files import Series
from numpy.typing import NDArray

COMMON = {
    "PatientBirthDate": "19700101",
    "PatientSex": "O",
    "StudyDate": "20200102",
    "StudyTime": "101112",
    "StudyID": "7",
    "SeriesDate": "20200102",
    "SeriesTime": "101113",
    "AcquisitionDate": "20200102",
    "AcquisitionTime": "101113",
    "AcquisitionNumber": 1,
    "ContentDate": "20200102",
    "ContentTime": "101114",
    "AccessionNumber": "",
    "ReferringPhysicianName": "",
    "Manufacturer": "Nobody",
    "BodyPartExamined": "HEAD",
    "PatientPosition": "HFS",
    "PositionReferenceIndicator": "",
    "SliceThickness": 2.0,
}
OF_MODALITY: dict[str, dict[str, Any]] = {
    "CT": {
        "KVP": 120,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "RescaleType": "HU",
        "ConvolutionKernel": "B30f",
        "WindowCenter": [40, 300],
        "WindowWidth": [400, 1500],
        "WindowCenterWidthExplanation": ["SOFT", "BONE"],
    },
    "MR": {
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        "ScanningSequence": "GR",
        "SequenceVariant": "SP",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "RepetitionTime": 500.0,
        "EchoTime": 8.0,
        "EchoTrainLength": 1,
        "FlipAngle": 30.0,
    },
}
TURNED = ((0.96, 0.28, 0.0), (-0.28, 0.96, 0.0))


def clean_series(folder: Path, modality: str, **tags: Any) -> Series:
    """An empty series in ``folder``; its planes are written by the caller."""
    return Series(folder, modality, **COMMON, **OF_MODALITY[modality], **tags)


def write_planes(
    series: Series,
    stored: NDArray[np.int16],
    *,
    step: tuple[float, float, float] = (0.0, 0.0, 2.0),
    **tags: Any,
) -> Path:
    """Write the slices of ``stored``, ``step`` mm (LPS) apart; returns the folder."""
    series.planes(stored, step, **tags)
    return series.folder
