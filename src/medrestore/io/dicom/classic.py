"""Classic single-frame CT and MR images (PS3.3 A.3, A.4): one file, one plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError
from medrestore.io.dicom.diffusion import diffusion_of
from medrestore.io.dicom.frame import Frame
from medrestore.io.dicom.scaling import scaling
from medrestore.io.dicom.values import (
    image_kind,
    integer,
    is_inverted,
    no_data_value,
    number,
    numbers,
    text,
    whole_number,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["classic_frames"]


def classic_frames(header: Any, path: Path) -> list[Frame]:
    """The one plane of a file.

    Raises
    ------
    InputError
        If the file has several frames but no functional groups that place them.
    """
    count = integer(header, "NumberOfFrames", 1)
    if count > 1:
        raise InputError(
            f"{path} has {count} frames without positions (no functional groups); export it as "
            "enhanced multi-frame or single-frame DICOM"
        )
    spacing = numbers(header, "PixelSpacing", 2)
    slope, intercept = scaling(header, header, header)
    return [
        Frame(
            path=path,
            index=0,
            shape=(int(header.Rows), int(header.Columns)),
            modality=text(header, "Modality"),
            spacing=None if spacing is None else (spacing[0], spacing[1]),
            position=numbers(header, "ImagePositionPatient", 3),
            orientation=numbers(header, "ImageOrientationPatient", 6),
            thickness=thickness(header),
            slope=slope,
            intercept=intercept,
            inverted=is_inverted(header),
            padding=no_data_value(header),
            number=(integer(header, "InstanceNumber", 0), 0),
            contrast=(
                (*image_kind(header.get("ImageType"), text(header, "Modality")), ge_kind(header)),
                text(header, "EchoNumbers"),
                text(header, "EchoTime"),
            ),
            moment=(
                integer(header, "TemporalPositionIdentifier", 0),
                number(header, "TriggerTime", 0.0),
                *diffusion_of(header),
            ),
            order=(integer(header, "TemporalPositionIdentifier", 0),),
            acquisition=(
                integer(header, "AcquisitionNumber", 0),
                text(header, "AcquisitionTime"),
            ),
            series=text(header, "SeriesInstanceUID"),
            instance=text(header, "SOPInstanceUID"),
        )
    ]


def ge_kind(header: Any) -> int:
    """GE's Raw Data Type (0043,xx2F): 0 magnitude, 1 phase, 2 real, 3 imaginary.

    GE's Image Type does not tell them apart; 0 for everybody else's images.
    """
    try:
        return whole_number(header.private_block(0x0043, "GEMS_PARM_01")[0x2F].value)
    except KeyError:
        return 0


def thickness(header: Any) -> float | None:
    """Spacing Between Slices, else Slice Thickness, mm; None where neither is positive."""
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = abs(number(header, keyword, 0.0))
        if value > 0:
            return value
    return None
