"""Derived series (PS3.3 C.7.6.1.1.2): a result as classic CT or MR images beside its source.

The patient, study and acquisition are copied from the source's headers; series and instances are
new; values are 16-bit integers with one slope for the whole series.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from medrestore.errors import MedrestoreError, OutputError
from medrestore.io.dicom.dataset import DAMAGE, quiet
from medrestore.io.dicom.derive import derived_header
from medrestore.io.dicom.headers import open_header
from medrestore.io.dicom.origin import (
    MAKER,
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

    from medrestore.io.dicom.frame import Frame
    from medrestore.volume import Volume

__all__ = ["is_derived", "save_series"]

NO_DATA = -32768
"""Stored value of NaN voxels, named in Pixel Padding Value; no intensity is stored as it."""
HIGHEST = 32767


def save_series(volume: Volume, folder: Path, description: str) -> None:
    """Write one file per slice and time point into ``folder``, which the caller has staged.

    Raises
    ------
    OutputError
        If the volume is not on the grid of a DICOM source, or its files are gone.
    """
    stack = stack_of(volume)
    array = volume.array if volume.is_4d else volume.array[None]
    slope = _slope(array)
    series = _Series(volume, description, array, slope)
    sources: dict[Path, Any] = {}
    for number, (t, z) in enumerate(np.ndindex(array.shape[:2]), start=1):
        frame = stack.frames[t][z]
        if frame.path not in sources:
            sources = {frame.path: source_header(frame.path)}
        try:
            with quiet():
                image = series.image(sources[frame.path], frame, number, t)
                _set_voxels(image, array[t, z], slope)
                encoded = BytesIO()
                image.save_as(encoded, enforce_file_format=True)
        except DAMAGE as error:  # not yet on disk: an OSError is one of pydicom's own
            raise OutputError(
                f"the header of {frame.path.name} cannot be copied into a derived series "
                f"({type(error).__name__}); write .nii.gz instead"
            ) from error
        (folder / f"{number:05d}.dcm").write_bytes(encoded.getbuffer())


def is_derived(path: Path) -> bool:
    """True if a file is one of a series that `save_series` wrote."""
    if path.suffix != ".dcm" or not path.is_file():
        return False
    try:
        items = open_header(path).get("ContributingEquipmentSequence") or []
        return any(str(item.get("Manufacturer", "")) == MAKER for item in items)
    except (MedrestoreError, *DAMAGE):
        return False


@dataclass(frozen=True)
class _Slope:
    """Physical value = slope × stored: 0 stays 0, stored values lie in −32767 … 32767."""

    text: str
    """As a Decimal String, at most 16 characters: what readers will multiply by."""

    def stored(self, values: NDArray[np.float32]) -> NDArray[np.int16]:
        scaled = np.rint(values.astype(np.float64) / float(self.text))
        stored = np.clip(scaled, -HIGHEST, HIGHEST)
        return np.where(np.isnan(stored), NO_DATA, stored).astype("<i2")


def _slope(array: NDArray[np.float32]) -> _Slope:
    """The finest slope that holds every value; 1 where all values are whole numbers."""
    finite = array[np.isfinite(array)]
    reach = float(np.abs(finite).max()) if finite.size else 0.0
    if reach == 0 or (reach <= HIGHEST and bool(np.all(np.rint(finite) == finite))):
        return _Slope("1")
    return _Slope(format_number_as_ds(reach / HIGHEST * (1 + 1e-9)))


class _Series:
    """Attributes that the images of one derived series share."""

    def __init__(
        self, volume: Volume, description: str, array: NDArray[np.float32], slope: _Slope
    ) -> None:
        self.modality = str(volume.modality)
        self.first = volume.source.header.first
        self.description = description
        self.slope = slope
        self.times = len(array)
        self.has_gaps = bool(np.isnan(array).any())
        self.low, self.high = display_range(array)
        self.uid = generate_uid(prefix=None)
        self.now = datetime.datetime.now()  # DICOM times are local

    def image(self, source: Any, frame: Frame, number: int, t: int) -> FileDataset:
        """A new instance without voxels, made from the header of its source."""
        storage = CTImageStorage if self.modality == "CT" else MRImageStorage
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = storage
        meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header = derived_header(source, frame, self.modality, self.first)
        image = FileDataset("", header, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID = storage
        image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        image.Modality = self.modality
        image.SeriesInstanceUID = self.uid
        image.SeriesNumber = series_number(source)
        image.InstanceNumber = number
        if _lost_its_time(image, source, frame):
            image.TemporalPositionIdentifier = t + 1
            image.NumberOfTemporalPositions = self.times
        self._state_origin(image, source, frame)
        self._state_values(image)
        return image

    def _state_origin(self, image: Dataset, source: Any, frame: Frame) -> None:
        kind = [str(word) for word in source.get("ImageType") or () if word != "MOSAIC"]
        image.ImageType = ["DERIVED", "SECONDARY", *(kind[2:] or ["OTHER"])]
        image.DerivationDescription = self.description
        image.SeriesDescription = series_description(source, self.description)
        image.SourceImageSequence = [reference(source, frame)]
        image.ContributingEquipmentSequence = [
            *(image.get("ContributingEquipmentSequence") or []),
            equipment(),
        ]
        for keyword in ("InstanceCreation", "Series", "Content"):
            setattr(image, f"{keyword}Date", self.now.strftime("%Y%m%d"))
            setattr(image, f"{keyword}Time", self.now.strftime("%H%M%S"))

    def _state_values(self, image: Dataset) -> None:
        image.SamplesPerPixel = 1
        image.PhotometricInterpretation = "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit = 15
        image.PixelRepresentation = 1
        image.RescaleSlope = self.slope.text
        image.RescaleIntercept = "0"
        image.RescaleType = "HU" if self.modality == "CT" else "US"
        if self.has_gaps:
            image.PixelPaddingValue = NO_DATA
        if not _window_fits(image, self.low, self.high):
            image.pop("WindowCenterWidthExplanation", None)
            image.WindowCenter = format_number_as_ds((self.low + self.high) / 2)
            image.WindowWidth = format_number_as_ds(max(self.high - self.low, 1e-6))


def _lost_its_time(image: Dataset, source: Any, frame: Frame) -> bool:
    """True if what tells the source's time points apart is not in a derived image."""
    unpacked = frame.tile is not None or "PerFrameFunctionalGroupsSequence" in source
    return unpacked or ("TriggerTime" in source and "TriggerTime" not in image)


def _set_voxels(image: Dataset, plane: NDArray[np.float32], slope: _Slope) -> None:
    image.Rows, image.Columns = plane.shape
    image.PixelData = slope.stored(plane).tobytes()
    image["PixelData"].VR = "OW"


def _window_fits(image: Dataset, low: float, high: float) -> bool:
    """True if the source's display window suits these values (not, say, a map of deviations)."""
    try:
        center = float(np.atleast_1d(image.get("WindowCenter"))[0])
        width = float(np.atleast_1d(image.get("WindowWidth"))[0])
    except (TypeError, ValueError):
        return False
    return low <= center <= high and 0 < width <= 4 * (high - low)
