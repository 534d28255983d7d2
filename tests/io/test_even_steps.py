"""Steps that vary a little are read with a warning; a gap stays one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medrestore import io
from medrestore.errors import GapError
from medrestore.io.dicom.grid import (
    displacement,
    distinct_depths,
    is_regular,
    on_one_grid,
    uneven_steps,
)

New = Callable[..., Any]


def write(series: New, depths: NDArray | list[float], **tags: Any) -> Any:
    scan = series("CT", RescaleSlope=1, RescaleIntercept=0, **tags)
    for k, depth in enumerate(depths):
        scan.plane(np.full((6, 4), k, np.int16), (0, 0, float(depth)))
    return scan


def test_steps_of_6_97_and_7_06_mm(series: New) -> None:
    depths = np.cumsum([0, *[7.06, 6.97, 7.06] * 4])  # the median is 7.06, 6.97 is 1.3 % less
    scan = write(series, depths)
    volume = io.read(scan.folder)
    assert volume.geometry.slice_positions_mm is None
    assert volume.geometry.spacing_mm[0] == pytest.approx(7.03)
    placed = volume.geometry.world(np.array([(k, 0, 0) for k in range(13)]))[:, 2]
    np.testing.assert_allclose(placed, depths, atol=0.05)
    (warning,) = volume.warnings
    assert "vary from 6.97 to 7.06 mm" in warning
    assert "0.03 mm beside a regular grid of 7.03 mm" in warning
    assert io.find(scan.folder)[0].warnings == volume.warnings


@pytest.mark.parametrize(
    ("shift", "accepted"), [(0.19, True), (-0.19, True), (0.21, False), (-0.21, False)]
)
def test_a_slice_may_lie_a_tenth_of_a_step_beside_the_grid(
    series: New, shift: float, accepted: bool
) -> None:
    depths = 2.0 * np.arange(9)
    depths[4] += shift
    scan = write(series, depths)
    if accepted:
        assert "beside a regular grid of 2.00 mm" in io.read(scan.folder).warnings[0]
    else:
        with pytest.raises(GapError, match="slices 4 and 5"):
            io.read(scan.folder)


@pytest.mark.parametrize("count", [4, 12, 60, 400])
def test_a_missing_slice_is_a_gap_in_any_stack(count: int) -> None:
    for missing in (1, count // 2, count - 2):
        assert not is_regular(np.delete(np.arange(count) * 3.0, missing))


def test_small_differences_that_add_up_are_named(series: New) -> None:
    """Each step is even by itself; together they leave the grid."""
    scan = write(series, np.cumsum([0, *[2.0] * 40, *[2.018] * 40]))
    (warning,) = io.read(scan.folder).warnings
    assert "0.36 mm beside a regular grid of 2.01 mm" in warning


def test_rounded_positions_need_no_word(series: New) -> None:
    scan = write(series, np.round(0.625 * np.arange(9), 2) * 4)
    volume = io.read(scan.folder)
    assert volume.geometry.spacing_mm[0] == pytest.approx(2.5)


def test_numbers() -> None:
    assert displacement(np.array([0.0, 1.0, 2.0])) == 0
    assert displacement(np.array([0.0, 1.2, 2.0])) == pytest.approx(0.2)
    assert uneven_steps(np.array([2.0, 2.0, 2.03])).tolist() == [2]
    assert on_one_grid(np.array([0.0, 2.0, 6.0, 8.05]))
    assert not on_one_grid(np.array([0.0, 2.0, 5.0, 7.0]))
    assert not on_one_grid(np.array([1.0]))
    assert distinct_depths(np.array([4.0, 0.0, 4.0, 2.0, 2.0005])).tolist() == [0, 2, 4]
