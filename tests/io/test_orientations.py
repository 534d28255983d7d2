"""A marked voxel keeps its place in the patient through every orientation and format."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medrestore import io
from medrestore.volume import Geometry, Volume

ORIENTATIONS = [
    (permutation, signs)
    for permutation in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]
SHAPE = (3, 4, 5)
MARK = (2, 1, 3)

lengths = st.floats(0.2, 8.0)
offsets = st.floats(-500.0, 500.0)
angles = st.floats(-0.6, 0.6)


def affine_of(orientation: tuple, spacing: tuple, offset: tuple, tilt: tuple = ()) -> NDArray:
    permutation, signs = orientation
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(permutation)] * signs * spacing
    for axis, angle in enumerate(tilt):
        turn = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn[[i, i, j, j], [i, j, i, j]] = np.cos([angle, 0, 0, angle])
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = offset
    return affine


def marked(affine: NDArray) -> Volume:
    array = np.zeros(SHAPE, np.float32)
    array[MARK] = 7.25
    return Volume(array, Geometry(SHAPE, affine), "MR")


def place_of_mark(volume: Volume) -> NDArray:
    (index,) = np.argwhere(volume.array == 7.25)
    return volume.geometry.world(index)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spacing=st.tuples(*[lengths] * 3), offset=st.tuples(*[offsets] * 3))
def test_nifti_keeps_every_orientation(
    scratch: Path, suffix: str, orientation: tuple, spacing: tuple, offset: tuple
) -> None:
    volume = marked(affine_of(orientation, spacing, offset))
    again = io.read(io.write(volume, scratch / f"scan{suffix}", overwrite=True))
    assert again.geometry.axis_codes == volume.geometry.axis_codes
    assert again.geometry.known
    assert again.warnings == ()
    np.testing.assert_allclose(place_of_mark(again), volume.geometry.world(MARK), atol=1e-4)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orientation=st.sampled_from(ORIENTATIONS),
    spacing=st.tuples(*[lengths] * 3),
    offset=st.tuples(*[offsets] * 3),
    tilt=st.tuples(*[angles] * 3),
)
def test_oblique_scans_keep_their_place(
    scratch: Path, suffix: str, orientation: tuple, spacing: tuple, offset: tuple, tilt: tuple
) -> None:
    volume = marked(affine_of(orientation, spacing, offset, tilt))
    again = io.read(io.write(volume, scratch / f"scan{suffix}", overwrite=True))
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.geometry.affine, volume.geometry.affine, atol=1e-4)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_display_axes_bring_every_orientation_to_ipl(orientation: tuple) -> None:
    volume = marked(affine_of(orientation, (0.5, 1.5, 4.0), (12.0, -7.0, 90.0), (0.1, -0.2, 0.05)))
    order, flip = volume.geometry.display_axes()
    shown = np.flip(volume.array.transpose(order), [i for i, f in enumerate(flip) if f])
    geometry = volume.geometry.transposed(order, flip)
    assert geometry.axis_codes == "IPL"
    assert geometry.shape == shown.shape
    again = Volume(shown, geometry)
    np.testing.assert_allclose(place_of_mark(again), volume.geometry.world(MARK), atol=1e-9)


def test_axis_codes_name_where_array_axes_run() -> None:
    # (z, y, x) of a DICOM axial scan: to the head, to the back, to the patient's left
    assert Geometry(SHAPE, np.diag([1.0, -1, -1, 1])[[2, 1, 0, 3]]).axis_codes == "SPL"
