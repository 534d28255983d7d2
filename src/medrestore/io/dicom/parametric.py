"""Standard deviations and probabilities as DICOM Parametric Maps (PS3.3 A.75): float32, with unit.

One instance holds the planes of one time point, each at the position of the source's plane: a
tilt, a turn or a gap stays. Written by highdicom; the patient and study are copied here, because
highdicom refuses, and quotes in its log, values that do not follow the standard.
"""

from __future__ import annotations

import copy
import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import highdicom as hd
import numpy as np
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid

from medrestore.errors import OutputError
from medrestore.io.dicom.dataset import quiet
from medrestore.io.dicom.derive import decimals, derived_header
from medrestore.io.dicom.origin import (
    MAKER,
    code,
    equipment,
    reference,
    series_description,
    series_number,
    source_header,
    stack_of,
)
from medrestore.io.dicom.window import display_range

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom.valuerep import DSfloat

    from medrestore.io.dicom.frame import Frame
    from medrestore.volume import Volume

__all__ = ["save_map"]

UNITS = {
    "HU": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "a.u.": Code("[arb'U]", "UCUM", "arbitrary unit"),
    "1": Code("1", "UCUM", "no units"),
}
"""Units of measurement, all of CID 7181 (PS3.16)."""


class _Quantity(NamedTuple):
    """Label and meaning of numbers, what they are of, and the range in which they are shown."""

    label: str
    meaning: str
    code: Code
    shown: tuple[float, float] | None = None


STD = _Quantity(
    "STD",
    "RMS error expected of the restored image",
    Code("386136009", "SCT", "Standard Deviation"),  # SNOMED CT, as in CID 7464
)
PROBABILITY = _Quantity(
    "PROBABILITY",
    "Probability that the true value exceeds a value",
    Code("122157", "DCM", "Probability"),
    (0.0, 1.0),
)
METHOD = ("112187", "Unspecified method of calculation")
"""Derivation: none of CID 7203 fits a restoration, and highdicom says the same."""
STUDY = (
    "SpecificCharacterSet",
    "TimezoneOffsetFromUTC",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
    "AdmittingDiagnosesDescription",
    "BodyPartExamined",
    "Laterality",
    "PatientPosition",
)
"""Attributes copied besides groups 0010 and 0012: patient and clinical trial."""
MODULES = (0x0010, 0x0012)
PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
EMPTY = (*PATIENT, "AccessionNumber", "StudyID", "StudyDate", "StudyTime")
"""Attributes that highdicom requires of a source and gets without a value."""


def save_map(volume: Volume, folder: Path, description: str) -> None:
    """Write one Parametric Map per time point into ``folder``, which the caller has staged.

    Parameters
    ----------
    volume : Volume
        Standard deviation in the unit of its scan, or a probability, of unit ``"1"``, on the grid
        of a DICOM source. NaN voxels stay NaN (PS3.5, 8.2: allowed in Float Pixel Data).
    folder : Path
        Gets ``00001.dcm``, and one more file for every further time point.
    description : str
        Added to the Series Description.

    Raises
    ------
    OutputError
        If the volume is not on the grid of a DICOM source that has a place in the patient, or its
        files are gone.
    """
    stack = stack_of(volume)
    if not stack.first.placed:
        raise OutputError(
            "a Parametric Map needs the position and orientation of its source, which are not "
            "given; write .nii.gz instead"
        )
    array = volume.array if volume.is_4d else volume.array[None]
    series, now = generate_uid(prefix=None), datetime.datetime.now()
    with quiet():
        for t, planes in enumerate(array):
            frames = stack.frames[t]
            try:
                source = source_header(frames[0].path)
                header = derived_header(source, frames[0], str(volume.modality), stack.first)
                image = _map(planes, frames, header, volume, series, t + 1, now)
                image.SeriesDescription = series_description(header, description)
                _copy_patient_and_study(image, header)
                _refer(image, frames)
                image.save_as(folder / f"{t + 1:05d}.dcm", enforce_file_format=True)
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                raise OutputError(
                    f"the header of {frames[0].path.name} cannot be made into a Parametric Map "
                    f"({type(error).__name__}); write .nii.gz instead"
                ) from error


class _Plane(NamedTuple):
    """A plane's position, LPS mm, as Decimal Strings."""

    position: list[DSfloat]
    orientation: list[DSfloat]
    spacing: list[DSfloat]


def _plane(frame: Frame) -> _Plane:
    assert frame.position and frame.orientation and frame.spacing  # the stack is placed
    return _Plane(*(decimals(v) for v in (frame.position, frame.orientation, frame.spacing)))


def _map(
    planes: NDArray[np.float32],
    frames: tuple[Frame, ...],
    header: Dataset,
    volume: Volume,
    series: str,
    number: int,
    now: datetime.datetime,
) -> Any:
    """The object without patient, study and references; Any: highdicom's is a pydicom data set."""
    quantity = PROBABILITY if volume.unit == "1" else STD
    low, high = quantity.shown or display_range(planes)
    finite = planes[np.isfinite(planes)]
    reach = float(finite.max()) if finite.size else 0.0
    release = version("medrestore")
    return ParametricMap(
        source_images=[_stand_in(frames[0], header, volume)],
        pixel_array=np.ascontiguousarray(planes, dtype=np.float32),
        series_instance_uid=series,
        series_number=max(1, series_number(header)),
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=number,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=release,
        device_serial_number=release,  # Type 1, and software has none
        contains_recognizable_visual_features=header.get("RecognizableVisualFeatures") != "NO",
        real_world_value_mappings=[
            RealWorldValueMapping(
                lut_label=quantity.label,
                lut_explanation=quantity.meaning,
                unit=UNITS[volume.unit],
                value_range=(min(0.0, float(finite.min(initial=0.0))), reach),
                slope=1.0,
                intercept=0.0,
                quantity_definition=quantity.code,
            )
        ],
        voi_lut_transformations=[
            hd.VOILUTTransformation(
                window_center=(low + high) / 2, window_width=max(high - low, 1e-6)
            )
        ],
        pixel_measures=_measures(frames, header),
        plane_orientation=hd.PlaneOrientationSequence(
            hd.CoordinateSystemNames.PATIENT, _plane(frames[0]).orientation
        ),
        plane_positions=[
            hd.PlanePositionSequence(hd.CoordinateSystemNames.PATIENT, _plane(frame).position)
            for frame in frames
        ],
        content_label=quantity.label,
        content_description=quantity.meaning,
        series_date=now.date(),
        series_time=now.time(),
        content_date=now.date(),
        content_time=now.time(),
    )


def _stand_in(frame: Frame, header: Dataset, volume: Volume) -> Dataset:
    """The least that highdicom asks of a source: its study and space, but nobody's name."""
    source = Dataset()
    source.SOPClassUID = CTImageStorage if volume.modality == "CT" else MRImageStorage
    source.SOPInstanceUID = generate_uid(prefix=None)
    source.StudyInstanceUID = header.StudyInstanceUID
    source.SeriesInstanceUID = frame.series or generate_uid(prefix=None)
    source.FrameOfReferenceUID = header.FrameOfReferenceUID
    source.PositionReferenceIndicator = header.get("PositionReferenceIndicator")
    source.Rows, source.Columns = frame.shape
    source.ImagePositionPatient = _plane(frame).position
    source.ImageOrientationPatient = _plane(frame).orientation
    source.PixelSpacing = _plane(frame).spacing
    source.SliceThickness = _thickness(frame, header)
    for keyword in EMPTY:
        setattr(source, keyword, None)
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio"):
        if keyword in header:
            setattr(source, keyword, header[keyword].value)
    return source


def _measures(frames: tuple[Frame, ...], header: Dataset) -> Any:
    """Pixel measures macro (PS3.3 C.7.6.16.2.1); the step only where it is the same everywhere."""
    steps = np.diff([frame.depth for frame in frames])
    even = steps.size > 0 and np.ptp(steps) < 1e-2 * np.median(steps)
    return hd.PixelMeasuresSequence(
        pixel_spacing=_plane(frames[0]).spacing,
        slice_thickness=_thickness(frames[0], header),
        spacing_between_slices=decimals([np.median(steps)])[0] if even else None,
    )


def _thickness(frame: Frame, header: Dataset) -> Any:
    """Slice Thickness, which is Type 1 here: as the source says, else the step."""
    stated = header.get("SliceThickness")
    return stated if stated else decimals([frame.thickness or 1.0])[0]


def _copy_patient_and_study(image: Any, header: Dataset) -> None:
    for element in header:
        if element.tag.group in MODULES or element.keyword in STUDY:
            image.add(copy.deepcopy(element))


def _refer(image: Any, frames: tuple[Frame, ...]) -> None:
    """Name the source: for the whole, by series, and for each frame the plane it was made from."""
    origins = [reference(source_header(frame.path), frame) for frame in frames]
    instances = {item.ReferencedSOPInstanceUID: _instance(item) for item in origins}
    series = Dataset()
    series.SeriesInstanceUID = frames[0].series
    series.ReferencedInstanceSequence = list(instances.values())
    image.ReferencedSeriesSequence = [series]
    if not frames[0].series:  # a source without one cannot be referred to as a series
        del image.ReferencedSeriesSequence
    image.SourceImageSequence = [copy.deepcopy(item) for item in instances.values()]
    image.ContributingEquipmentSequence = [equipment()]
    by_position = {
        tuple(_plane(frame).position): item for frame, item in zip(frames, origins, strict=True)
    }
    for group in image.PerFrameFunctionalGroupsSequence:  # highdicom sorts frames its own way
        item = by_position[tuple(group.PlanePositionSequence[0].ImagePositionPatient)]
        item.SpatialLocationsPreserved = "YES"
        derivation = Dataset()
        derivation.DerivationCodeSequence = [code(*METHOD)]
        derivation.SourceImageSequence = [item]
        group.DerivationImageSequence = [derivation]


def _instance(item: Dataset) -> Dataset:
    """A reference to a whole instance: no frame, no purpose."""
    instance = Dataset()
    instance.ReferencedSOPClassUID = item.ReferencedSOPClassUID
    instance.ReferencedSOPInstanceUID = item.ReferencedSOPInstanceUID
    return instance
