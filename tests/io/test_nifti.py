"""NIfTI in and out: headers, units, time, and what is refused."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nifti_files import AFFINE, save

from medrestore import io
from medrestore.errors import OutputError, UnreadableError
from medrestore.volume import Geometry, Volume


@pytest.fixture
def data() -> np.ndarray:
    return np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)


def test_axes_run_z_y_x_here_and_x_y_z_on_disk(tmp_path: Path, data: np.ndarray) -> None:
    volume = io.read(save(tmp_path / "brain.nii.gz", data))
    assert volume.array.shape == (3, 4, 5)
    assert volume.array.dtype == np.float32
    assert volume.array[2, 1, 4] == data[4, 1, 2]
    assert volume.geometry.spacing_mm == (4.0, 3.0, 2.0)
    np.testing.assert_allclose(volume.geometry.world((2, 1, 4)), AFFINE[:3] @ [4, 1, 2, 1])
    assert (volume.source.format, volume.source.name) == ("nifti", "brain")


def test_time_is_the_fourth_axis_on_disk_and_the_first_here(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(5, 4, 3, 2)).astype(np.float32)
    path = save(tmp_path / "bold.nii", data)
    volume = io.read(path)
    assert volume.is_4d
    np.testing.assert_array_equal(volume.array, data.T)
    assert io.find(path)[0].time_points == 2
    again = nib.load(io.write(volume, tmp_path / "again.nii"))
    np.testing.assert_array_equal(again.get_fdata(), data)


@pytest.mark.parametrize(("unit", "mm"), [("micron", 1e-3), ("meter", 1e3), ("mm", 1.0)])
def test_spatial_units_become_mm_and_survive(
    tmp_path: Path, data: np.ndarray, unit: str, mm: float
) -> None:
    path = save(tmp_path / "scan.nii", data, units=(unit, "sec"))
    volume = io.read(path)
    np.testing.assert_allclose(volume.geometry.spacing_mm, np.array([4, 3, 2]) * mm)
    written = nib.load(io.write(volume, tmp_path / "out.nii"))
    assert written.header.get_xyzt_units() == (unit, "sec")
    np.testing.assert_array_equal(written.affine, nib.load(path).affine)


def test_slope_and_intercept_are_applied(tmp_path: Path, data: np.ndarray) -> None:
    path = tmp_path / "scan.nii"
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_slope_inter(0.25, -10)
    nib.save(image, path)
    proxy = nib.load(path).dataobj
    assert (proxy.slope, proxy.inter) == (0.25, -10)
    volume = io.read(path)
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.array.T, proxy.get_unscaled() * 0.25 - 10)


def test_header_of_the_source_is_kept(tmp_path: Path, data: np.ndarray) -> None:
    image = nib.Nifti1Image(data, AFFINE)
    image.set_sform(AFFINE, 4)
    image.set_qform(AFFINE, 1)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"how it was made"
    image.header["intent_code"] = 3
    image.header["cal_max"] = 40
    image.header["pixdim"][4] = 2.5
    nib.save(image, tmp_path / "scan.nii.gz")
    volume = io.read(tmp_path / "scan.nii.gz")
    out = nib.load(io.write(volume.with_array(volume.array + 0.5), tmp_path / "out.nii.gz"))
    source = nib.load(tmp_path / "scan.nii.gz").header
    for key in ("descrip", "intent_code", "cal_max", "sform_code", "qform_code", "xyzt_units"):
        assert out.header[key] == source[key], key
    np.testing.assert_array_equal(out.header["pixdim"], source["pixdim"])
    np.testing.assert_array_equal(out.get_sform(), nib.load(tmp_path / "scan.nii.gz").get_sform())
    assert out.get_data_dtype() == np.float32
    np.testing.assert_array_equal(out.get_fdata(), data + 0.5)


def test_affine_survives_bit_for_bit(tmp_path: Path, data: np.ndarray) -> None:
    turn = nib.eulerangles.euler2mat(0.1, -0.2, 0.3)
    affine = nib.affines.from_matvec(turn @ np.diag([1.1, 1.2, 3.3]), [1.23456, -7.1, 100.7])
    path = save(tmp_path / "scan.nii", data, affine)
    out = nib.load(io.write(io.read(path), tmp_path / "out.nii"))
    np.testing.assert_array_equal(out.affine, nib.load(path).affine)


def test_nifti_2_stays_nifti_2(tmp_path: Path, data: np.ndarray) -> None:
    nib.save(nib.Nifti2Image(data, AFFINE), tmp_path / "scan.nii")
    volume = io.read(tmp_path / "scan.nii")
    assert isinstance(nib.load(io.write(volume, tmp_path / "out.nii")), nib.Nifti2Image)


def test_sform_and_qform_that_disagree_are_reported(tmp_path: Path, data: np.ndarray) -> None:
    image = nib.Nifti1Image(data, AFFINE)
    image.set_sform(AFFINE, 1)
    image.set_qform(nib.affines.from_matvec(AFFINE[:3, :3], AFFINE[:3, 3] + [0, 0, 25]), 1)
    nib.save(image, tmp_path / "scan.nii")
    volume = io.read(tmp_path / "scan.nii")
    assert volume.warnings == ("sform and qform disagree by up to 25.0 mm; sform is used",)
    np.testing.assert_allclose(volume.geometry.world((0, 0, 0)), AFFINE[:3, 3])


def test_qform_is_used_where_there_is_no_sform(tmp_path: Path, data: np.ndarray) -> None:
    image = nib.Nifti1Image(data, AFFINE)
    image.set_sform(None, 0)
    image.set_qform(AFFINE, 1)
    nib.save(image, tmp_path / "scan.nii")
    volume = io.read(tmp_path / "scan.nii")
    assert volume.geometry.known
    np.testing.assert_allclose(volume.geometry.world((1, 1, 1)), AFFINE[:3] @ [1, 1, 1, 1])


def test_codes_of_zero_leave_the_geometry_unknown(tmp_path: Path, data: np.ndarray) -> None:
    image = nib.Nifti1Image(data, None)
    image.header.set_zooms((2, 3, 4))
    nib.save(image, tmp_path / "scan.nii")
    volume = io.read(tmp_path / "scan.nii")
    assert not volume.geometry.known
    assert "left and right" in volume.warnings[0]
    written = nib.load(io.write(volume, tmp_path / "out.nii"))
    assert (written.header["sform_code"], written.header["qform_code"]) == (0, 0)
    assert not io.read(tmp_path / "out.nii").geometry.known


def test_scans_from_elsewhere_get_scanner_coordinates(tmp_path: Path) -> None:
    geometry = Geometry((3, 4, 5), AFFINE[:, [2, 1, 0, 3]])
    image = nib.load(io.write(Volume(np.zeros((3, 4, 5)), geometry), tmp_path / "out.nii"))
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)
    np.testing.assert_allclose(image.get_qform(), AFFINE, atol=1e-6)


def test_shear_goes_to_the_sform_alone(tmp_path: Path) -> None:
    affine = AFFINE[:, [2, 1, 0, 3]].copy()
    affine[1, 0] = 1.3  # slices shifted back as they go up
    volume = Volume(np.zeros((3, 4, 5)), Geometry((3, 4, 5), affine))
    again = io.read(io.write(volume, tmp_path / "out.nii"))
    np.testing.assert_allclose(again.geometry.affine, affine, atol=1e-6)
    assert again.warnings == ()


def test_a_changed_grid_does_not_take_the_old_header(tmp_path: Path, data: np.ndarray) -> None:
    volume = io.read(save(tmp_path / "scan.nii", data))
    order, flip = volume.geometry.display_axes()
    geometry = volume.geometry.transposed(order, flip)
    array = np.flip(volume.array.transpose(order), [i for i, f in enumerate(flip) if f])
    turned = Volume(array, geometry, source=volume.source)
    again = io.read(io.write(turned, tmp_path / "out.nii"))
    assert again.geometry.same_grid(geometry)
    np.testing.assert_array_equal(again.array, array)


def test_one_time_point_keeps_the_grid(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(5, 4, 3, 2)).astype(np.float32)
    volume = io.read(save(tmp_path / "bold.nii", data))
    again = io.read(io.write(volume.time_point(1), tmp_path / "one.nii"))
    np.testing.assert_array_equal(again.array, data[..., 1].T)
    assert again.geometry.same_grid(volume.geometry, 0)


def test_trailing_axes_of_one_are_dropped_and_put_back(tmp_path: Path, data: np.ndarray) -> None:
    volume = io.read(save(tmp_path / "scan.nii", data[..., None]))
    assert volume.array.shape == (3, 4, 5)
    assert nib.load(io.write(volume, tmp_path / "out.nii")).shape == (5, 4, 3, 1)


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1)])
def test_one_slice(tmp_path: Path, shape: tuple[int, ...]) -> None:
    volume = io.read(save(tmp_path / "slice.nii", np.ones(shape, np.float32)))
    assert volume.array.shape == (1, 4, 5)
    assert volume.geometry.spacing_mm == (4.0, 3.0, 2.0)
    assert nib.load(io.write(volume, tmp_path / "out.nii")).shape == shape


def test_a_slice_without_thickness_is_1_mm_thick(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.ones((5, 4, 1), np.float32), None)
    flat = AFFINE.copy()
    flat[:3, 2] = 0
    image.header["sform_code"], image.header["pixdim"][1:3] = 1, (2, 3)
    for row, name in enumerate(("srow_x", "srow_y", "srow_z")):
        image.header[name] = flat[row]
    nib.save(image, tmp_path / "slice.nii")
    volume = io.read(tmp_path / "slice.nii")
    np.testing.assert_allclose(volume.geometry.spacing_mm, (1, 3, 2))
    assert "thickness" in volume.warnings[0]
    again = io.read(io.write(volume, tmp_path / "out.nii"))
    assert again.geometry.same_grid(volume.geometry)


def test_nan_voxels_stay_nan(tmp_path: Path) -> None:
    data = np.full((5, 4, 3), 100, np.float32)
    data[1, 2, 0] = np.nan
    volume = io.read(save(tmp_path / "scan.nii.gz", data))
    again = io.read(io.write(volume, tmp_path / "out.nii.gz"))
    assert np.isnan(again.array[0, 2, 1])
    assert np.isnan(again.array).sum() == 1


def test_modality_comes_from_the_caller_or_from_air(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(500, 50, (20, 20, 20))
    mr = save(tmp_path / "mr.nii", values.astype(np.float32))
    assert io.read(mr).modality is None
    assert io.read(mr, modality="mr").modality == "MR"
    assert io.read(mr, modality="CT").unit == "HU"
    values[:5] = -1000
    ct = io.read(save(tmp_path / "ct.nii", values.astype(np.float32)))
    assert (ct.modality, ct.unit) == ("CT", "HU")
    assert io.read(tmp_path / "ct.nii", modality="MR").unit == "a.u."


def test_existing_files_are_kept(tmp_path: Path, data: np.ndarray) -> None:
    path = save(tmp_path / "scan.nii", data)
    volume = io.read(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="overwrite"):
        io.write(volume, path)
    assert path.read_bytes() == before
    io.write(volume.with_array(volume.array * 2), path, overwrite=True)
    np.testing.assert_array_equal(io.read(path).array, data.T * 2)
    assert [p.name for p in tmp_path.iterdir()] == ["scan.nii"]


def test_a_pair_is_one_scan_of_two_files(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    nib.Nifti1Pair(values, np.diag([2.0, 3, 4, 1])).to_filename(tmp_path / "pair.img")
    scans = io.find(tmp_path)
    (found,) = scans
    assert (found.name, scans.skipped) == ("pair", [])
    assert [file.name for file in found.files] == ["pair.hdr", "pair.img"]
    for path in (found, tmp_path / "pair.hdr"):
        np.testing.assert_array_equal(io.read(path).array, values.T)
    again = nib.load(io.write(io.read(found), tmp_path / "out.nii.gz"))
    np.testing.assert_array_equal(again.affine, np.diag([2.0, 3, 4, 1]))
    (tmp_path / "pair.img").unlink()
    with pytest.raises(UnreadableError, match=r"put pair\.img, the file with its voxels"):
        io.read(tmp_path / "pair.hdr")


@pytest.mark.parametrize("qform", [0, 1])
def test_an_sform_of_another_scale_than_pixdim_is_reported(
    tmp_path: Path, data: np.ndarray, qform: int
) -> None:
    image = nib.Nifti1Image(data, None)
    image.header.set_zooms((1, 1, 1))
    image.set_sform(AFFINE, 1)
    image.header["pixdim"][1:4] = (2, 3, 2)
    image.header["qform_code"] = qform
    nib.save(image, tmp_path / "scan.nii")
    volume = io.read(tmp_path / "scan.nii")
    assert volume.warnings == (
        "the sform gives voxels of 2×3×4 mm, pixdim says 2×3×2 mm; the sform is used",
    )
    assert io.find(tmp_path)[0].warnings == volume.warnings
    np.testing.assert_allclose(volume.geometry.spacing_mm, (4, 3, 2))


def test_an_sform_that_pixdim_rounds_is_not_reported(tmp_path: Path, data: np.ndarray) -> None:
    path = save(tmp_path / "scan.nii", data, pixdim=[1, 2.01, 2.99, 4.0, 1, 1, 1, 1], qform_code=0)
    assert io.read(path).warnings == ()


def test_volumes_along_the_fifth_axis_are_time_points(tmp_path: Path) -> None:
    stored = np.arange(5 * 4 * 3 * 2, dtype=np.float32).reshape(5, 4, 3, 1, 2)
    volume = io.read(save(tmp_path / "scan.nii.gz", stored))
    np.testing.assert_array_equal(volume.array, stored[:, :, :, 0].T)
    assert "fifth axis" in volume.warnings[0]
    assert io.find(tmp_path)[0].time_points == 2
    written = nib.load(io.write(volume, tmp_path / "out.nii"))
    assert written.shape == stored.shape


def test_a_cine_of_one_slice_has_time_points(tmp_path: Path) -> None:
    stored = np.arange(5 * 4 * 6, dtype=np.float32).reshape(5, 4, 1, 6)
    volume = io.read(save(tmp_path / "scan.nii.gz", stored))
    assert volume.array.shape == (6, 1, 4, 5) and volume.warnings == ()
