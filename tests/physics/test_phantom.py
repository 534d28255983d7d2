"""Phantoms are reproducible anatomy in the right units; sample_data holds what they make."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np
import pydicom
import pytest

from medrestore.errors import SettingsError
from medrestore.physics.phantom import Phantom, head, head_mr, torso, torso_ct

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
SERIES = SAMPLE / "ct_torso_dicom"
needs_sample = pytest.mark.skipif(not SERIES.is_dir(), reason="sample_data was not generated")

HU_RANGES = {
    "fat": (-130, -75),
    "muscle": (35, 80),
    "lung": (-950, -760),
    "liver": (90, 122),
    "spleen": (105, 131),
    "aorta": (160, 180),
    "kidney cortex": (150, 185),
    "cortical bone": (300, 800),
    "trabecular bone": (60, 420),
    "gas": (-1000, -850),
}


@pytest.fixture(scope="module")
def chest() -> Phantom:
    return torso((12, 128, 128), (7.0, 2.8, 2.8), seed=3)


@pytest.fixture(scope="module")
def brain() -> Phantom:
    return head((8, 96, 80), (12.0, 2.4, 2.4), seed=3)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("make_sample_data", str(ROOT / "scripts" / "make-sample-data"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("make", [head_mr, torso_ct])
def test_same_seed_same_voxels_other_seed_other_anatomy(make) -> None:
    grid = (2, 40, 48), (5.0, 6.0, 6.0)
    one = make(*grid, seed=1)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, make(*grid, seed=1))
    assert np.abs(one - make(*grid, seed=2)).mean() > 1


@pytest.mark.parametrize("make", [head_mr, torso_ct])
@pytest.mark.parametrize("shape", [(1, 33, 20), (5, 16, 64), (3, 1, 7)])
def test_any_grid(make, shape) -> None:
    array = make(shape, (2.0, 5.0, 4.5), seed=0)
    assert array.shape == shape
    assert np.isfinite(array).all()


def test_a_finer_grid_shows_the_same_anatomy() -> None:
    coarse = torso_ct((1, 64, 64), (1.5, 5.0, 5.0), seed=1)[0]
    fine = torso_ct((1, 128, 128), (1.5, 2.5, 2.5), seed=1)[0]
    averaged = fine.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), averaged.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("make", [head, torso])
@pytest.mark.parametrize("grid", [((0, 4, 4), (1, 1, 1)), ((4, 4, 4), (1, -1, 1))])
def test_impossible_grids_are_refused(make, grid) -> None:
    with pytest.raises(SettingsError, match="positive"):
        make(*grid, seed=0)


def test_unknown_weighting_is_refused() -> None:
    with pytest.raises(SettingsError, match="PD"):
        head_mr((1, 8, 8), (5, 5, 5), 0, "PD")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HU_RANGES)
def test_hounsfield_units_of_each_tissue(chest: Phantom, name: str) -> None:
    values = chest.array[chest.labels == chest.names[name]]
    assert values.size > 20
    low, high = HU_RANGES[name]
    assert low < np.median(values) < high


def test_air_outside_is_exact(chest: Phantom, brain: Phantom) -> None:
    assert chest.array[0, 0, 0] == -1000
    assert chest.array.min() >= -1000.001
    assert brain.array[0, 0, 0] == 0
    assert brain.array.min() >= 0


def test_the_table_can_be_left_out() -> None:
    grid = (1, 128, 128), (3.0, 2.8, 2.8)
    assert "table" in torso(*grid, seed=3).names
    bare = torso(*grid, seed=3, table=False)
    assert "table" not in bare.names
    assert (bare.array[:, -4:] == -1000).all()


def test_lesions_are_there(chest: Phantom, brain: Phantom) -> None:
    for phantom in (chest, brain):
        assert (phantom.labels == phantom.names["lesion"]).sum() > 5


def test_contrast_of_brain_tissue(brain: Phantom) -> None:
    def level(phantom: Phantom, name: str) -> float:
        return float(np.median(phantom.array[phantom.labels == phantom.names[name]]))

    t2 = head((8, 96, 80), (12.0, 2.4, 2.4), seed=3, weighting="T2")
    assert 1.3 * level(brain, "csf") < level(brain, "grey") < 0.85 * level(brain, "white")
    assert level(t2, "csf") > 1.2 * level(t2, "grey") > 1.2 * level(t2, "white")


def test_edges_are_partial_volume(chest: Phantom) -> None:
    """Between air at −1000 and skin there are voxels of both, as in a scan."""
    rim = (chest.array > -900) & (chest.array < -250) & (chest.labels != chest.names["lung"])
    assert rim.sum() > 200


@needs_sample
def test_series_positions_and_names(script: ModuleType) -> None:
    slices = [pydicom.dcmread(path) for path in sorted(SERIES.iterdir())]
    z = np.array([float(ds.ImagePositionPatient[2]) for ds in slices])
    steps = np.diff(np.sort(z))
    np.testing.assert_allclose(steps, script.CT_SPACING_MM[0])
    assert len(slices) == script.CT_SHAPE[0]
    assert np.any(np.diff(z) < 0)  # file names do not follow the order
    assert len({ds.SOPInstanceUID for ds in slices}) == len(slices)
    assert len({ds.SeriesInstanceUID for ds in slices}) == 1
    for ds in slices:
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        assert str(ds.PatientName) == "PHANTOM^CT"
        assert ds.SOPClassUID.is_valid
        assert (float(ds.RescaleIntercept), ds.pixel_array.dtype) == (-1024.0, np.int16)


@needs_sample
def test_series_fits_its_clean_reference(script: ModuleType) -> None:
    clean = np.asarray(nib.load(SAMPLE / "ct_torso_clean.nii.gz").dataobj).T
    slices = sorted(
        (pydicom.dcmread(p) for p in SERIES.iterdir()), key=lambda d: d.ImagePositionPatient[2]
    )
    noisy = np.stack([ds.pixel_array.astype(np.float32) - 1024 for ds in slices])
    soft = (clean > -50) & (clean < 150)
    added = (noisy - clean)[soft]
    assert abs(added.mean()) < 3
    assert added.std() == pytest.approx(script.CT_NOISE_HU, rel=0.1)


@needs_sample
def test_sample_scans_are_what_the_code_makes(script: ModuleType) -> None:
    """One slice of each phantom, made on the grid of the file at hand."""
    for name, make, spacing in (
        ("ct_torso_clean", torso_ct, script.CT_SPACING_MM),
        ("mr_head_clean", head_mr, script.MR_SPACING_MM),
    ):
        stored = np.asarray(nib.load(SAMPLE / f"{name}.nii.gz").dataobj).T
        depth = len(stored)  # even: the grid of two slices is the middle of the whole grid
        again = make((2, *stored.shape[1:]), spacing, script.CT_SEED)
        again *= script.MR_GAIN if make is head_mr else 1
        np.testing.assert_allclose(
            again, stored[depth // 2 - 1 : depth // 2 + 1], atol=1.01 if make is torso_ct else 0.51
        )


@needs_sample
def test_mr_sample_geometry(script: ModuleType) -> None:
    image = nib.load(SAMPLE / "mr_head.nii.gz")
    assert (int(image.header["qform_code"]), int(image.header["sform_code"])) == (1, 1)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    assert script.tilt() >= 5
    assert image.get_data_dtype() == np.int16
    clean = nib.load(SAMPLE / "mr_head_clean.nii.gz")
    np.testing.assert_array_equal(clean.affine, image.affine)


@needs_sample
def test_sample_data_stay_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < 6e6
