"""What the values of a scan must be, whatever the file or the caller says they are."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import medrestore as mr
from medrestore.cli import main
from medrestore.engine import value_check
from medrestore.engine.value_check import check_values
from medrestore.errors import InputError, ModalityError, UnsuitableError
from scans import body, ct_array, mr_array, write_ct

SHARED = Path(__file__).parents[2] / "shared" / "data"
REAL = sorted(SHARED.rglob("*.nii.gz")) if SHARED.is_dir() else []
SHAPE = (5, 48, 56)


def scan(array: np.ndarray, modality: str) -> mr.Volume:
    unit = "HU" if modality == "CT" else "a.u."
    return mr.Volume(array, mr.Geometry(array.shape[-3:], np.eye(4)), modality, unit)


def saved(path: Path, array: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(array.T, np.diag([2.0, 2, 3, 1])), path)
    return path


def stored() -> np.ndarray:
    """A CT as a scanner stores it: HU + 1024, not negative."""
    return np.clip(ct_array(SHAPE) + 1024, 0, 4095).astype(np.uint16)


def phase() -> np.ndarray:
    inside = np.cumsum(np.ones(SHAPE), axis=-1) * 400
    noise = np.random.default_rng(0).uniform(0, 8192, SHAPE)
    return np.round(np.where(body(SHAPE) > 0, inside, noise) % 8192 - 4096)


@pytest.mark.parametrize(
    ("array", "modality", "words"),
    [
        (stored(), "CT", r"no CT in HU: air lies at about \d+ .* --hu-offset -1024"),
        (
            np.clip((ct_array(SHAPE) + 160) / 400, 0, 1),
            "CT",
            "no CT in HU: values run from 0 to ",
        ),
        (mr_array(SHAPE) * (body(SHAPE) > 0), "CT", "no CT in HU"),
        (phase(), "MR", "is phase: its values run round a circle from -409"),
        (phase(), "CT", "is phase"),
        (mr_array(SHAPE) - 100, "MR", "no magnitude image of MR"),
        (ct_array(SHAPE), "MR", r"negative, down to .*--modality CT"),
    ],
    ids=["offset", "unit", "MR as CT", "phase", "phase as CT", "signed", "CT as MR"],
)
def test_every_way_in_refuses_it_in_one_line(
    array: np.ndarray, modality: str, words: str, tiny_models: Path, tmp_path: Path, capsys
) -> None:
    volume = scan(array, modality)
    for way in (mr.denoise, lambda v: mr.simulate(v, noise=0.1)):
        with pytest.raises(UnsuitableError, match=words) as caught:
            way(volume)
        assert "\n" not in str(caught.value)
    path = saved(tmp_path / "in" / "x.nii.gz", array) if (tmp_path / "in").mkdir() is None else None
    asked = ["denoise", str(path), "-o", str(tmp_path / "out"), "--modality", modality]
    assert main(asked) == 2
    assert "x is" in capsys.readouterr().err and not (tmp_path / "out").exists()
    summary = mr.denoise_folder(tmp_path / "in", tmp_path / "batch", modality=modality)
    assert list(summary.failed) == ["x.nii.gz"]


def test_scans_pass(tiny_models: Path) -> None:
    assert check_values(scan(ct_array(SHAPE), "CT")) == ()
    assert check_values(scan(mr_array(SHAPE), "MR")) == ()
    assert check_values(scan(np.stack([mr_array(SHAPE)] * 3), "MR")) == ()
    assert check_values(scan(np.full(SHAPE, np.nan), "MR")) == ()


def test_a_doubt_is_in_the_plan(tiny_models: Path) -> None:
    inside = np.abs(np.random.default_rng(0).normal(60, 15, SHAPE)) + 1
    result = mr.denoise(scan(inside, "CT"), noise=15, samples=0)
    assert "make sure that they are HU" in result.warnings[0]


def test_few_slices_of_a_long_scan_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_check, "MOST_VOXELS", 1)
    long = np.concatenate([mr_array(SHAPE)] * 8)
    assert len(value_check._some(scan(long, "MR"))) == value_check.FEWEST_PLANES


def test_the_offset_is_given_back(tmp_path: Path, tiny_models: Path) -> None:
    path = saved(tmp_path / "ct.nii.gz", stored())
    volume = mr.read(path, hu_offset=-1024)
    np.testing.assert_array_equal(volume.array, stored().astype(np.float32) - 1024)
    assert (volume.modality, volume.unit) == ("CT", "HU")
    assert volume.warnings == ("-1024 was added to every value (hu_offset)",)
    out = tmp_path / "out"
    assert (
        main(["denoise", str(path), "-o", str(out), "--hu-offset", "-1024", "--samples", "0"]) == 0
    )
    again = mr.rerun(out / "ct_run.json")
    restored = mr.read(out / "ct_restored.nii.gz", "CT")
    np.testing.assert_array_equal(again.restored.array, restored.array)
    assert restored.array.min() > -1400 and np.median(restored.array) < 100


def test_an_offset_is_for_ct(tmp_path: Path) -> None:
    path = saved(tmp_path / "mr.nii.gz", mr_array(SHAPE))
    with pytest.raises(InputError, match="hu_offset is a number of HU for a CT"):
        mr.read(path, "MR", hu_offset=-1024)
    with pytest.raises(InputError, match="hu_offset"):
        mr.read(path, hu_offset=float("nan"))
    series = write_ct(tmp_path / "ct", ct_array())
    np.testing.assert_array_equal(mr.read(series, hu_offset=5).array, ct_array() + 5)


@pytest.mark.parametrize(
    "array",
    [phase(), mr_array(SHAPE) - 300, 3 * (mr_array(SHAPE) - 200), stored(), mr_array(SHAPE)],
    ids=["phase", "mean subtracted", "wide", "no intercept", "magnitude"],
)
def test_negative_values_alone_do_not_make_a_ct(
    array: np.ndarray, tmp_path: Path, tiny_models: Path
) -> None:
    volume = mr.read(saved(tmp_path / "scan.nii", array.astype(np.float32)))
    assert volume.modality is None
    with pytest.raises(ModalityError, match="--modality"):
        mr.denoise(volume)


@pytest.mark.parametrize("padding", [None, -2000, -3024])
def test_air_or_padding_and_a_range_in_hu_make_a_ct(padding: int | None, tmp_path: Path) -> None:
    array = ct_array(SHAPE).astype(np.int16)
    if padding is not None:
        array[array < -500] = padding  # no air is left
        array[:, :2] = -2000  # and a second padding value, or more of the first
        array[0, 20, 5:9] = 30_000
    assert mr.read(saved(tmp_path / "scan.nii", array)).modality == "CT"


@pytest.mark.skipif(not REAL, reason="shared/data is not beside the repository")
@pytest.mark.parametrize("path", REAL, ids=lambda p: p.name.removesuffix(".nii.gz"))
def test_real_scans_are_neither_refused_nor_doubted(path: Path) -> None:
    modality = "MR" if "mr" in (path.parent.name, path.name[:2]) else "CT"
    volume = mr.read(path, modality)
    assert volume.warnings == ()
    assert check_values(volume) == ()
    assert mr.read(path).modality == ("CT" if modality == "CT" else None)
    assert len(mr.find(path)) == 1
