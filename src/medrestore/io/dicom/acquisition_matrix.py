"""The matrix that an MR plane was acquired with, where its header tells it.

Classic images have Acquisition Matrix (0018,1310), four numbers of which two are 0: steps of
frequency encoding, then of phase encoding. Enhanced ones have both by name in the MR FOV/Geometry
macro (PS3.3 C.8.13.5.2). In-plane Phase Encoding Direction (0018,1312) says which of the image's
axes is which. Phase encoding may cover a part of the field of view of frequency encoding, Percent
Phase Field of View (0018,0094), and the image more or less than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.io.dicom.dataset import DAMAGE
from medrestore.io.dicom.values import integer, number, text, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AcquisitionMatrix", "matrix_of"]

PHASE_AXIS = {"COL": 0, "COLUMN": 0, "ROW": 1}
"""Index among (rows, columns) of what phase encoding counts: columns run along y."""


class AcquisitionMatrix(NamedTuple):
    """Steps of frequency and of phase encoding.

    ``phase_axis`` is 0 where phase encoding counts rows, 1 where columns; ``phase_field`` is its
    field of view over that of frequency encoding, None where the header does not say.
    """

    frequency: int
    phase: int
    phase_axis: int
    phase_field: float | None = None

    def on(self, shape: Sequence[int], spacing: Sequence[float] | None) -> tuple[int, int]:
        """Rows and columns that were acquired of the field of view that an image covers.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of the image.
        spacing : (float, float), optional
            Between its rows and between its columns, mm.
        """
        phase = float(self.phase)
        if self.phase_field is not None and spacing is not None:
            rows, columns = (n * mm for n, mm in zip(shape, spacing, strict=True))
            shown = rows / columns if self.phase_axis == 0 else columns / rows
            phase *= shown / self.phase_field
        steps = round(phase)
        return (steps, self.frequency) if self.phase_axis == 0 else (self.frequency, steps)


def matrix_of(header: Any, geometry: Any = None) -> AcquisitionMatrix | None:
    """The acquisition matrix that a header states in full, None otherwise.

    Parameters
    ----------
    header : Dataset
        Of a classic image, or of an enhanced one.
    geometry : Dataset or mapping, optional
        Of an enhanced one: its MR FOV/Geometry macro.
    """
    if geometry is None:
        frequency, phase = _classic(header)
        geometry = header
    else:
        frequency = integer(geometry, "MRAcquisitionFrequencyEncodingSteps", 0)
        phase = integer(geometry, "MRAcquisitionPhaseEncodingStepsInPlane", 0)
    axis = PHASE_AXIS.get(text(geometry, "InPlanePhaseEncodingDirection").strip().upper())
    if axis is None or min(frequency, phase) < 1:
        return None
    percent = number(geometry, "PercentPhaseFieldOfView", 0.0)
    return AcquisitionMatrix(frequency, phase, axis, percent / 100 if percent > 0 else None)


def _classic(header: Any) -> tuple[int, int]:
    """Steps of frequency and of phase encoding; 0 where they are not stated."""
    try:
        values = [whole_number(one) for one in header.get("AcquisitionMatrix") or ()]
    except DAMAGE:
        return 0, 0
    if len(values) != 4:
        return 0, 0
    return max(values[:2]), max(values[2:])
