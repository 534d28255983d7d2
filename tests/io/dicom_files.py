"""Small DICOM files made for the tests: no patient was ever in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

PATIENT = "Doe^Jane"
PATIENT_ID = "SECRET-4711"
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


class Series:
    """A classic series: planes of an array, written one by one with whatever tags a test wants."""

    def __init__(self, folder: Path, modality: str = "MR", **tags: Any) -> None:
        self.folder = folder
        self.modality = modality
        self.tags = tags
        self.study, self.frame_of_reference = generate_uid(), generate_uid()
        self.uid = generate_uid()
        self.count = 0
        folder.mkdir(parents=True, exist_ok=True)

    def plane(
        self,
        stored: NDArray[Any],
        position: Any,
        *,
        orientation: Any = AXIAL,
        spacing: Any = (0.7, 0.5),
        name: str | None = None,
        private: Any = (),
        **tags: Any,
    ) -> Path:
        """Write one image with its stored values; ``position`` is LPS mm, or None.

        ``private`` holds (group, creator, element, VR, value) each.
        """
        self.count += 1
        image = new_image(self.modality, CTImageStorage if self.modality == "CT" else None)
        image.StudyInstanceUID = self.study
        image.SeriesInstanceUID = self.uid
        image.FrameOfReferenceUID = self.frame_of_reference
        image.InstanceNumber = self.count
        if position is not None:
            image.ImagePositionPatient = [f"{p:.6f}".rstrip("0") for p in position]
            image.ImageOrientationPatient = [float(v) for v in np.ravel(orientation)]
            image.PixelSpacing = list(spacing)
        set_values(image, stored)
        for keyword, value in {**self.tags, **tags}.items():
            if value is None and keyword in image:
                delattr(image, keyword)
            else:
                setattr(image, keyword, value)
        for group, creator, element, vr, value in private:
            image.private_block(group, creator, create=True).add_new(element, vr, value)
        path = self.folder / (name or f"IM{self.count:04d}.dcm")
        image.save_as(path, enforce_file_format=True)
        return path

    def planes(
        self, stored: NDArray[Any], step: Any, origin: Any = (-20.0, -30.0, 40.0), **tags: Any
    ) -> None:
        """Write an array (z, y, x), each slice ``step`` mm (LPS) from the one before."""
        for k, values in enumerate(stored):
            self.plane(values, np.array(origin) + k * np.array(step), **tags)


def new_image(modality: str, storage: Any = None) -> FileDataset:
    """A header with the patient and the modality, and no pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = storage or MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID = meta.MediaStorageSOPClassUID
    image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    image.PatientName, image.PatientID = PATIENT, PATIENT_ID
    image.Modality = modality
    image.SeriesNumber = 3
    image.SeriesDescription = "test scan"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "M"]
    return image


def set_values(image: Dataset, stored: NDArray[Any]) -> None:
    """Stored values of any 8 or 16 bit type."""
    image.Rows, image.Columns = stored.shape[-2:]
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8 * stored.dtype.itemsize
    image.HighBit = image.BitsStored - 1
    image.PixelRepresentation = int(stored.dtype.kind == "i")
    image.PixelData = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    image["PixelData"].VR = "OW"


def enhanced(path: Path, planes: list[dict[str, Any]], stored: NDArray[Any], **tags: Any) -> Path:
    """An enhanced MR file: each plane a dict of position, slope, intercept, kind, moment."""
    image = new_image("MR", EnhancedMRImageStorage)
    image.SeriesInstanceUID, image.StudyInstanceUID = generate_uid(), generate_uid()
    image.FrameOfReferenceUID = generate_uid()
    image.InstanceNumber = 1
    set_values(image, stored)
    image.NumberOfFrames = len(planes)
    image.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.5], SliceThickness=2.0)],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        )
    ]
    image.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=list(plane["position"]))],
            PixelValueTransformationSequence=[
                item(
                    RescaleSlope=plane.get("slope", 1),
                    RescaleIntercept=plane.get("intercept", 0),
                    RescaleType="US",
                )
            ],
            MRImageFrameTypeSequence=[
                item(FrameType=["ORIGINAL", "PRIMARY", "T1", plane.get("kind", "M")])
            ],
            FrameContentSequence=[item(StackID="1", TemporalPositionIndex=plane.get("time", 1))],
        )
        for plane in planes
    ]
    for keyword, value in tags.items():
        setattr(image, keyword, value)
    image.save_as(path, enforce_file_format=True)
    return path


def put(dataset: Dataset, **written: bytes | None) -> None:
    """Put bytes in place of attributes' values, as no library would; None takes one away."""
    for keyword, value in written.items():
        tag = Tag(tag_for_keyword(keyword))
        dataset.pop(tag, None)
        if value is not None:
            value += b" " * (len(value) % 2)
            dataset[tag] = RawDataElement(
                tag, dictionary_VR(tag), len(value), value, 0, False, True
            )


def rewrite(path: Path, **written: bytes | None) -> None:
    """`put` in a file."""
    image = pydicom.dcmread(path)
    put(image, **written)
    image.save_as(path)


def item(**values: Any) -> Dataset:
    """A sequence item."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def csa(values: dict[str, list[str]]) -> bytes:
    """A CSA image header (SV10) with these tags."""
    out = b"SV10\4\3\2\1" + np.array([len(values), 77], "<u4").tobytes()
    for name, items in values.items():
        out += name.encode().ljust(64, b"\0") + np.array([len(items)], "<i4").tobytes()
        out += b"FD\0\0" + np.array([4, len(items), 77], "<u4").tobytes()
        for text in items:
            out += np.array([len(text), len(text), 77, len(text)], "<u4").tobytes()
            out += text.encode().ljust((len(text) + 3) // 4 * 4, b"\0")
    return out
