"""Series of small volumes, stored as this or that vendor stores them."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from dicom_files import AXIAL, Series, item, new_image, set_values
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, generate_uid

New = Callable[..., Series]

Z, Y, X = 4, 8, 6
BASE = np.arange(Z * Y * X, dtype=np.int16).reshape(Z, Y, X) * 3 + 11
ORIGIN = np.array([-20.0, -30.0, 40.0])
FLIPPED = ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
CORONAL = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
SAGITTAL = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
OBLIQUE = ((1.0, 0.0, 0.0), (0.0, 0.93969262, 0.34202014))
DOUBLE_OBLIQUE = ((0.83867057, 0.54463904, 0.0), (-0.51179319, 0.78809248, 0.34202014))
MR = {
    "ProtocolName": "epi", "StudyDate": "20200101", "StudyTime": "101112", "SeriesTime": "101112",
    "AcquisitionTime": "101113.500000", "RepetitionTime": 2000.0, "EchoTime": 30.0,
    "SliceThickness": 2.5, "SpacingBetweenSlices": 2.5, "MRAcquisitionType": "2D",
    "ScanningSequence": "EP", "AcquisitionNumber": 1,
}  # fmt: skip
SIEMENS = {**MR, "Manufacturer": "SIEMENS"}
GE = {**MR, "Manufacturer": "GE MEDICAL SYSTEMS"}
PHILIPS = {**MR, "Manufacturer": "Philips Medical Systems"}
UIH = {**MR, "Manufacturer": "UIH"}
TOSHIBA = {**MR, "Manufacturer": "TOSHIBA"}
CANON = {**MR, "Manufacturer": "Canon Medical Systems"}
HITACHI = {**MR, "Manufacturer": "Hitachi Medical Corporation"}
CT = {
    "Manufacturer": "GE MEDICAL SYSTEMS", "ProtocolName": "ct", "StudyDate": "20200101",
    "StudyTime": "101112", "SliceThickness": 2.5, "RescaleIntercept": -1024, "RescaleSlope": 1,
}  # fmt: skip
B = (0, 1000, 1000, 2000, 1000)
DIRECTIONS = ((0.0,) * 3, (1.0, 0.0, 0.0), (0.0, 0.6, 0.8), (0.8, 0.0, -0.6), (0.0,) * 3)


def values(t: int = 0) -> NDArray[np.int16]:
    return BASE + np.int16(1000 * t)


def at(k: float, orientation: Any = AXIAL) -> NDArray:
    return ORIGIN + 2.5 * k * np.cross(*np.array(orientation))


def by_volume(count: int) -> list[tuple[int, int]]:
    return [(t, k) for t in range(count) for k in range(Z)]


def by_slice(count: int) -> list[tuple[int, int]]:
    return [(t, k) for k in range(Z) for t in range(count)]


def classic(
    start: New,
    base: dict[str, Any],
    order: Iterable[tuple[int, int]],
    orientation: Any = AXIAL,
    shift: int = 0,
    **tags: Any,
) -> None:
    """Files in an order of (t, k); tags are values, or functions of t and k."""
    scan = start("CT" if "RescaleIntercept" in base else "MR", **base)
    for t, k in order:
        own = {key: value(t, k) if callable(value) else value for key, value in tags.items()}
        place = own.pop("position", at(k, orientation))
        scan.plane(values(t)[k] + np.int16(shift), place, orientation=orientation, **own)


def siemens(t: int, k: int) -> list[Any]:
    direction = [(0x0019, "SIEMENS MR HEADER", 0x0E, "FD", list(DIRECTIONS[t]))] if B[t] else []
    return [(0x0019, "SIEMENS MR HEADER", 0x0C, "IS", B[t]), *direction]


def ge(t: int, k: int, offset: int = 10**9) -> list[Any]:
    user = [(0x0019, "GEMS_ACQU_01", 0xBB + i, "DS", str(DIRECTIONS[t][i])) for i in range(3)]
    coded = [B[t] + offset * bool(B[t]), 8, 0, 0]
    return [*user, (0x0043, "GEMS_PARM_01", 0x39, "IS", coded)]


def philips(t: int, k: int) -> list[Any]:
    parts = [
        (0x2005, "Philips MR Imaging DD 001", 0xB0 + i, "FL", DIRECTIONS[t][i]) for i in range(3)
    ]
    return [
        (0x2001, "Philips Imaging DD 001", 0x03, "FL", float(B[t])),
        (0x2001, "Philips Imaging DD 001", 0x04, "CS", "O" if any(DIRECTIONS[t]) else "I"),
        *parts,
        (0x2005, "Philips MR Imaging DD 005", 0x12, "IS", 1 + bool(B[t])),
        (0x2005, "Philips MR Imaging DD 005", 0x13, "IS", t + 1),
    ]


def uih(t: int, k: int) -> list[Any]:
    return [
        (0x0065, "Image Private Header", 0x09, "FD", float(B[t])),
        (0x0065, "Image Private Header", 0x37, "FD", list(DIRECTIONS[t])),
    ]


STANDARD = {
    "DiffusionBValue": lambda t, k: float(B[t]),
    "DiffusionGradientOrientation": lambda t, k: list(DIRECTIONS[t]) if B[t] else None,
}
NUMBERED = {"AcquisitionNumber": lambda t, k: t + 1}
DYNAMIC = {"TemporalPositionIdentifier": lambda t, k: t + 1}


def real_world(slope: float, intercept: float = 0.0) -> list[Dataset]:
    """A Real World Value Mapping Sequence."""
    return [
        item(
            RealWorldValueFirstValueMapped=0,
            RealWorldValueLastValueMapped=4095,
            RealWorldValueSlope=float(slope),
            RealWorldValueIntercept=intercept,
            LUTLabel="x",
        )
    ]


CONTENT, DIFFUSION = 0x00209111, 0x00189117
STACK, PLACE, TIME = (0x00209056, CONTENT), (0x00209057, CONTENT), (0x00209128, CONTENT)
B_VALUE = (0x00189087, DIFFUSION)
TRIGGER = (0x00209153, 0x00189118)
SHUFFLED = [by_volume(3)[i] for i in (5, 2, 11, 0, 8, 3, 7, 1, 10, 4, 9, 6)]


def frame(t: int, k: int, indices: list[int], time: int = 0, **more: Any) -> Dataset:
    """Functional groups of one frame."""
    orientation = more.get("orientation", AXIAL)
    content = item(
        StackID=more.get("stack", "1"), InStackPositionNumber=k + 1, DimensionIndexValues=indices,
        FrameAcquisitionDateTime=f"20200101101{t:03d}",
    )  # fmt: skip
    groups = item(
        FrameContentSequence=[content],
        PlanePositionSequence=[
            item(ImagePositionPatient=list(more.get("position", at(k, orientation))))
        ],
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(np.ravel(orientation)))],
        PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.5], SliceThickness=2.5)],
        PixelValueTransformationSequence=[
            item(RescaleSlope=more.get("slope", 1), RescaleIntercept=0, RescaleType="US")
        ],
        MRImageFrameTypeSequence=[
            item(FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"], ComplexImageComponent="MAGNITUDE")
        ],
        MREchoSequence=[item(EffectiveEchoTime=more.get("echo", 30.0))],
    )
    if time:
        content.TemporalPositionIndex = time
    if "weight" in more:
        w = more["weight"]
        way = item(DiffusionGradientOrientation=list(DIRECTIONS[w]))
        groups.MRDiffusionSequence = [
            item(DiffusionBValue=float(B[w]), DiffusionDirectionality="DIRECTIONAL")
        ]
        groups.MRDiffusionSequence[0].DiffusionGradientDirectionSequence = [way]
    if "trigger" in more:
        delay = item(NominalCardiacTriggerDelayTime=float(more["trigger"]))
        groups.CardiacSynchronizationSequence = [delay]
    if "world" in more:
        groups.RealWorldValueMappingSequence = real_world(more["world"])
    return groups


def multiframe(
    start: New,
    order: list[tuple[int, int]],
    make: Callable[[int, int], Dataset],
    pointers: tuple[tuple[int, int], ...],
    base: dict[str, Any] = PHILIPS,
    **tags: Any,
) -> None:
    scan = start()
    image = new_image("MR", EnhancedMRImageStorage)
    image.SeriesInstanceUID, image.StudyInstanceUID = scan.uid, scan.study
    for keyword, value in {**base, "InstanceNumber": 1, **tags}.items():
        setattr(image, keyword, value)
    set_values(image, np.stack([values(t)[k] for t, k in order]))
    image.NumberOfFrames = len(order)
    image.FrameOfReferenceUID = scan.frame_of_reference
    image.DimensionIndexSequence = [
        item(DimensionIndexPointer=a, FunctionalGroupPointer=b) for a, b in pointers
    ]
    image.SharedFunctionalGroupsSequence = [item()]
    image.PerFrameFunctionalGroupsSequence = [make(t, k) for t, k in order]
    image.save_as(scan.folder / f"{generate_uid()}.dcm", enforce_file_format=True)
