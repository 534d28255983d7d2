"""NRRD and MetaImage."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medrestore import io
from medrestore.errors import InputError, OutputError, UnreadableError
from medrestore.volume import Geometry, Volume

SUFFIXES = [".nrrd", ".mha", ".mhd"]


def save(path: Path, array: np.ndarray, vector: bool = False) -> Path:
    image = sitk.GetImageFromArray(array, isVector=vector)
    if image.GetDimension() == 3:
        image.SetSpacing((0.5, 0.7, 2.5))
        image.SetOrigin((-20, -30, 40))
        image.SetDirection((0, 0, 1, 1, 0, 0, 0, -1, 0))
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_voxels_lie_where_itk_says(tmp_path: Path, suffix: str) -> None:
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    path = save(tmp_path / f"scan{suffix}", array)
    volume = io.read(path)
    np.testing.assert_array_equal(volume.array, array)
    lps = sitk.ReadImage(str(path)).TransformIndexToPhysicalPoint((4, 1, 2))
    np.testing.assert_allclose(volume.geometry.world((2, 1, 4)), np.array(lps) * [-1, -1, 1])
    assert volume.geometry.known
    (found,) = io.find(path)
    assert (found.shape, found.spacing_mm) == (volume.geometry.shape, volume.geometry.spacing_mm)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_time_and_nan_survive(tmp_path: Path, suffix: str) -> None:
    affine = np.array([[0, 0, -0.5, 7], [0, -0.7, 0, 8], [2.5, 0, 0, 9], [0, 0, 0, 1]])
    array = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    array[1, 2, 3, 4] = np.nan
    volume = Volume(array, Geometry((3, 4, 5), affine), "MR")
    again = io.read(io.write(volume, tmp_path / f"scan{suffix}"))
    np.testing.assert_array_equal(again.array, array)
    np.testing.assert_allclose(again.geometry.affine, affine)


def test_the_data_file_of_a_header_moves_with_it(tmp_path: Path) -> None:
    volume = Volume(np.ones((3, 4, 5)), Geometry((3, 4, 5), np.eye(4)), "MR")
    io.write(volume, tmp_path / "scan.mhd")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.mhd", "scan.raw"]
    assert len(io.find(tmp_path)) == 1


def test_shear_is_refused(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[0, 1] = 0.3
    with pytest.raises(OutputError, match="NIfTI"):
        io.write(Volume(np.ones((3, 4, 5)), Geometry((3, 4, 5), affine)), tmp_path / "scan.nrrd")
    assert list(tmp_path.iterdir()) == []


def test_nrrd_without_a_space_has_no_known_geometry(tmp_path: Path) -> None:
    header = "NRRD0004\ntype: short\ndimension: 3\nsizes: 5 4 3\nspacings: 1 1 2\n"
    path = tmp_path / "scan.nrrd"
    path.write_bytes((header + "endian: little\nencoding: raw\n\n").encode() + bytes(120))
    volume = io.read(path)
    assert not volume.geometry.known
    assert volume.geometry.spacing_mm == (2, 1, 1)


def test_colours_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.mha", np.zeros((4, 5, 6, 3), np.uint8), vector=True)
    with pytest.raises(InputError, match="3 values per voxel"):
        io.read(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("kept", [0.02, 0.7])
def test_truncated_files(tmp_path: Path, suffix: str, kept: float) -> None:
    array = np.random.default_rng(0).integers(0, 999, (20, 30, 30)).astype(np.int16)
    path = save(tmp_path / f"scan{suffix}", array)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(UnreadableError) as caught:
        io.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_under_an_itk_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scan{suffix}"
    path.write_text("these are not voxels")
    with pytest.raises(UnreadableError, match="not a readable NRRD or MetaImage"):
        io.read(path)
