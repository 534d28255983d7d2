"""A DICOM Parametric Map (PS3.3 A.75) as a volume: float32, exactly as it was written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.uid import ParametricMapStorage

from medrestore.errors import MedrestoreError, UnreadableError
from medrestore.io.dicom import dataset
from medrestore.io.dicom.dataset import DAMAGE, quiet
from medrestore.io.dicom.frame import Frame, Stack
from medrestore.io.dicom.grid import geometry_of
from medrestore.io.dicom.images import enhanced_frames
from medrestore.io.limits import check_shape
from medrestore.volume import Source, Volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["load_maps"]

TAGS = (
    "SOPClassUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "InstanceNumber",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "FloatPixelData",
)
UNITS = {"[hnsf'U]": "HU", "1": "1"}
"""Units of measurement (UCUM) that a volume has a word for; all others are arbitrary to it."""


def load_maps(path: Path) -> Volume:
    """Read a map: a file, or a folder with one file for each time point.

    Returns
    -------
    Volume
        Real-world values in their unit (HU, 1, else a.u.), slices sorted along their normal as in
        `series.load`; no modality. Instance Number (0020,0013) is that of time.

    Raises
    ------
    UnreadableError
        If a file is no Parametric Map of floating point numbers, or is damaged.
    InputError
        If its planes make no volume.
    """
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    if not files:
        raise UnreadableError(f"{path} holds no files; give the folder with the map")
    name = path.name.removesuffix(".dcm")
    found = sorted((_read(file) for file in files), key=lambda read: read[0])
    stack = Stack(tuple(frames for _, frames, _, _ in found))
    geometry, warnings = geometry_of(stack, name, "keep")
    arrays = [array for _, _, array, _ in found]
    if any(array.shape != geometry.shape for array in arrays):
        raise UnreadableError(f"the time points of {name} have different shapes; export it again")
    array = arrays[0] if len(arrays) == 1 else np.stack(arrays)
    source = Source("dicom", name, tuple(files))
    return Volume(array, geometry, unit=found[0][3], source=source, warnings=warnings)


def _read(path: Path) -> tuple[int, tuple[Frame, ...], NDArray[np.float32], str]:
    """Instance number, planes from the lowest to the highest, their values, unit."""
    try:
        with quiet():
            data: Any = dataset.read(path, TAGS)
            if data.get("SOPClassUID") != ParametricMapStorage or "FloatPixelData" not in data:
                raise UnreadableError(f"{path} is no Parametric Map of 32-bit floating point")
            shape = (int(data.NumberOfFrames), int(data.Rows), int(data.Columns))
            check_shape(str(path), shape)
            values = np.frombuffer(data.FloatPixelData, "<f4")
            if values.size < math.prod(shape):
                raise UnreadableError(f"{path} ends before its {shape[0]} planes; copy it again")
            planes = values[: math.prod(shape)].reshape(shape)
            slope, intercept, unit = _mapping(data)
            if len(data.PerFrameFunctionalGroupsSequence) != shape[0]:
                raise ValueError("as many functional groups as frames")
            frames = enhanced_frames(data, path)
            if any(frame.fault or not frame.placed for frame in frames):
                raise ValueError("a position for every frame")
    except MedrestoreError:
        raise
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} cannot be read as a Parametric Map ({type(error).__name__}); export it again"
        ) from error
    order = sorted(range(len(frames)), key=lambda i: frames[i].depth)
    array = planes[order] if (slope, intercept) == (1, 0) else planes[order] * slope + intercept
    number = int(data.get("InstanceNumber") or 0)
    return number, tuple(frames[i] for i in order), array.astype(np.float32), unit


def _mapping(data: Any) -> tuple[float, float, str]:
    """Slope, intercept and unit of the real-world values (PS3.3 C.7.6.16.2.11)."""
    for groups in (data.SharedFunctionalGroupsSequence, data.PerFrameFunctionalGroupsSequence[:1]):
        for item in groups[0].get("RealWorldValueMappingSequence") or []:
            code = item.MeasurementUnitsCodeSequence[0].CodeValue
            slope, intercept = item.RealWorldValueSlope, item.RealWorldValueIntercept
            return float(slope), float(intercept), UNITS.get(str(code), "a.u.")
    return 1.0, 0.0, "a.u."
