"""DICOM → NIfTI → napari layer → NIfTI: a marked voxel stays where it was in the patient."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medrestore import io
from medrestore.plugin.files import write_layer
from medrestore.plugin.layers import to_layer

New = Callable[..., Any]
AXES = [sign * np.eye(3)[i] for i in range(3) for sign in (1, -1)]
FRAMES = [
    (row, column, order)
    for row, column in itertools.product(AXES, AXES)
    if not np.dot(row, column)
    for order in (1, -1)
]
"""24 patients' positions × slices acquired towards either side: 48."""
SPACING = (0.7, 0.5)  # between rows, between columns
ORIGIN = np.array([-31.5, 12.25, 80.0])  # LPS
MARK = (3, 4, 1)  # slice as acquired, row, column
LPS_TO_RAS = np.array([-1, -1, 1])


def name(frame: Any) -> str:
    row, column, order = frame
    letters = "LPS", "RAI"
    return "".join(letters[int(v.sum() < 0)][int(np.abs(v).argmax())] for v in (row, column)) + (
        "+" if order > 0 else "-"
    )


def place_of_mark(array: NDArray, geometry: Any) -> NDArray:
    (index,) = np.argwhere(array == 777)
    return np.asarray(geometry.world(index))


@pytest.mark.parametrize("frame", FRAMES, ids=name)
@pytest.mark.parametrize(("shear", "times"), [(0.0, 1), (0.35, 2)])
def test_a_marked_voxel_goes_all_the_way_round(
    series: New, stored: NDArray, tmp_path: Path, frame: Any, shear: float, times: int
) -> None:
    row, column, order = frame
    step = order * 2.5 * np.cross(row, column) + shear * column
    scan = series("CT" if shear else "MR")
    for t in range(times):
        values = (stored + t).astype(np.int16)
        if t == times - 1:
            values[MARK] = 777
        scan.planes(
            values, step, ORIGIN, orientation=(row, column), spacing=SPACING,
            TemporalPositionIdentifier=t + 1,
        )  # fmt: skip
    z, y, x = MARK
    lps = ORIGIN + z * step + y * SPACING[0] * column + x * SPACING[1] * row
    expected = lps * LPS_TO_RAS

    volume = io.read(scan.folder)
    assert volume.array.shape == ((times,) if times > 1 else ()) + stored.shape
    last = volume.array[-1] if times > 1 else volume.array
    np.testing.assert_allclose(place_of_mark(last, volume.geometry), expected, atol=1e-6)

    nifti = io.read(io.write(volume, tmp_path / "scan.nii.gz"))
    data, meta, _ = to_layer(nifti)
    (out,) = write_layer(str(tmp_path / "saved.nii.gz"), data, meta)
    again = io.read(out)
    last = again.array[-1] if times > 1 else again.array
    np.testing.assert_allclose(place_of_mark(last, again.geometry), expected, atol=1e-4)
    np.testing.assert_array_equal(again.array, volume.array)
