"""The matrix that MR was acquired with, as headers state it: vendors' own values."""

from types import SimpleNamespace

import pytest
from pydicom.dataset import Dataset

from medrestore.io.dicom.acquisition_matrix import AcquisitionMatrix, matrix_of


def classic(matrix: list[int] | None, direction: str = "", **more: float) -> Dataset:
    header = Dataset()
    if matrix is not None:
        header.AcquisitionMatrix = matrix
    if direction:
        header.InPlanePhaseEncodingDirection = direction
    for name, value in more.items():
        setattr(header, name, value)
    return header


def test_columns_of_phase_encoding_count_rows() -> None:
    found = matrix_of(classic([256, 0, 0, 134], "COL"))
    assert found == AcquisitionMatrix(256, 134, 0)
    assert found.on((512, 512), (0.5, 0.5)) == (134, 256)
    found = matrix_of(classic([0, 72, 60, 0], "ROW"))
    assert found == AcquisitionMatrix(72, 60, 1)
    assert found.on((144, 144), None) == (72, 60)


def test_a_smaller_phase_field_that_is_shown_as_a_square_has_more_of_it() -> None:
    """134 lines over three quarters of the field are 179 of the square that is shown."""
    header = classic([256, 0, 0, 134], "COL", PercentPhaseFieldOfView=75)
    assert matrix_of(header).on((484, 484), (0.5, 0.5)) == (179, 256)
    assert matrix_of(header).on((363, 484), (0.5, 0.5)) == (134, 256)
    assert matrix_of(header).on((484, 363), None) == (134, 256)


@pytest.mark.parametrize(
    "header",
    [
        classic(None, "COL"),
        classic([256, 0, 0, 134]),  # which axis is which?
        classic([256, 0, 0, 134], "OTHER"),
        classic([0, 0, 0, 0], "ROW"),
        classic([256, 0], "ROW"),
        SimpleNamespace(get=lambda *_: {"AcquisitionMatrix": "garbled"}.get(_[0])),
    ],
)
def test_what_is_not_stated_in_full_is_not_known(header: object) -> None:
    assert matrix_of(header) is None


def test_enhanced_images_have_it_by_name() -> None:
    geometry = Dataset()
    geometry.MRAcquisitionFrequencyEncodingSteps = 64
    geometry.MRAcquisitionPhaseEncodingStepsInPlane = 48
    geometry.InPlanePhaseEncodingDirection = "COLUMN"
    geometry.PercentPhaseFieldOfView = 100
    assert matrix_of(Dataset(), geometry) == AcquisitionMatrix(64, 48, 0, 1.0)
    assert matrix_of(Dataset(), {}) is None
