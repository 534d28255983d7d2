"""Probabilities of exceedance by every door: Python, command line, files, reopened, DICOM."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.cli import main
from medrestore.errors import MedrestoreWarning, ModelError, SettingsError
from medrestore.models.model import find_card
from medrestore.results.record import reopen, reopen_results
from scans import ct_array, mr_array, write_ct, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")
SETTINGS = {"samples": 2, "noise": 0.05}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> mr.Volume:
    return mr.read(write_nifti(tmp_path_factory.mktemp("mr") / "head.nii.gz", mr_array()), "MR")


@pytest.fixture
def result(scan: mr.Volume) -> mr.Result:
    return mr.denoise(scan, **SETTINGS)


def do(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def inside_of(result: mr.Result) -> np.ndarray:
    found = np.zeros(result.plan.shape, bool)
    found[1, 18:24, 20:28] = True
    return found


def test_the_interval_s_bounds_have_the_probabilities_of_its_level(result: mr.Result) -> None:
    upper, std = result.upper.array, result.std.array
    z, y, x = np.unravel_index(np.argmax(np.where(std > 0, upper, -1)), upper.shape)
    found = result.exceedance(float(upper[z, y, x]))
    assert found.array[z, y, x] == pytest.approx(0.05, abs=1e-4)
    below = result.exceedance(float(upper[z, y, x]), below=True)
    np.testing.assert_allclose(found.array + below.array, 1, atol=1e-6)
    assert (found.unit, found.geometry) == ("1", result.restored.geometry)
    assert found.warnings == ()


@pytest.mark.parametrize("estimate", ["sample", "posterior-mean"])
def test_the_distribution_lies_about_the_expected_image(scan: mr.Volume, estimate: str) -> None:
    mean, other = (mr.denoise(scan, estimate=e, **SETTINGS) for e in ("mean", estimate))
    assert np.abs(mean.restored.array - other.restored.array).max() > 1
    first, second = (one.exceedance(300).array for one in (mean, other))
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_every_magnitude_exceeds_a_negative_value(result: mr.Result) -> None:
    assert (result.exceedance(-1).array == 1).all()
    assert (result.exceedance(-1, below=True).array == 0).all()


def test_a_value_that_is_no_number_and_a_time_that_is_not_there(result: mr.Result) -> None:
    with pytest.raises(SettingsError, match="finite number, got nan"):
        result.exceedance(float("nan"))
    with pytest.raises(SettingsError, match=r"time points 0…0, got t=2"):
        result.exceedance(1, t=2)


def test_a_difference_to_a_region_has_its_error_too(result: mr.Result) -> None:
    inside = inside_of(result)
    region = result.region(inside)
    found = result.exceedance(0, inside).array
    alone = result.exceedance(region.mean).array
    far = np.zeros_like(inside)
    far[1, 40:44, 40:44] = True
    sure, less_sure = abs(alone[far] - 0.5), abs(found[far] - 0.5)
    assert (less_sure <= sure + 1e-6).all()
    assert (np.sign(found[far] - 0.5) == np.sign(alone[far] - 0.5)).all()
    with pytest.raises(SettingsError, match="is not the scan's"):
        result.exceedance(0, inside[:, :5])


def test_a_series_has_a_map_for_each_time_point() -> None:
    series = np.stack([mr_array(), 1.5 * mr_array()]).astype(np.float32)
    volume = mr.Volume(series, mr.Geometry(series.shape[1:], np.eye(4)), "MR")
    result = mr.denoise(volume, samples=0, noise=0.05, exceeds=300)
    assert result.exceeds is not None
    for t in range(2):
        one = result.exceedance(300, t=t).array
        np.testing.assert_array_equal(result.exceeds.array[t], one)
    compared = result.exceedance(0, inside_of(result))
    assert compared.array.shape == series.shape


def test_a_run_that_asks_for_it_saves_and_reopens_it(scan: mr.Volume, tmp_path: Path) -> None:
    result = mr.denoise(scan, exceeds=300, **SETTINGS)
    assert result.exceeds is not None
    np.testing.assert_array_equal(result.exceeds.array, result.exceedance(300).array)
    written = [path.name for path in result.save(tmp_path)]
    assert "head_exceeds.nii.gz" in written
    facts = json.loads((tmp_path / "head_run.json").read_text())
    assert facts["plan"]["settings"]["exceeds"] == 300
    record = tmp_path / "head_run.json"
    again, alone = reopen(record, scan.source.paths[0]), reopen_results(record)
    for one in (again, alone):
        assert one.exceeds is not None
        np.testing.assert_array_equal(one.exceeds.array, result.exceeds.array)
        assert one.exceeds.unit == "1"
        np.testing.assert_allclose(one.exceedance(320).array, result.exceedance(320).array)
    inside = inside_of(result)
    np.testing.assert_allclose(
        again.exceedance(20, inside).array, result.exceedance(20, inside).array, atol=1e-5
    )
    rerun = mr.rerun(record, scan.source.paths[0])
    assert rerun.exceeds is not None
    np.testing.assert_array_equal(rerun.exceeds.array, result.exceeds.array)


def test_records_from_before_have_no_such_map(result: mr.Result, tmp_path: Path) -> None:
    result.save(tmp_path)
    record = tmp_path / "head_run.json"
    facts = json.loads(record.read_text())
    del facts["plan"]["settings"]["exceeds"]
    record.write_text(json.dumps(facts))
    again = reopen_results(record)
    assert again.exceeds is None
    assert "exceeds" not in again.layers()


def test_an_older_model_s_factors_are_not_those_of_another(
    result: mr.Result, tmp_path: Path
) -> None:
    result.save(tmp_path)
    record = tmp_path / "head_run.json"
    text = record.read_text()
    record.write_text(text.replace(result.plan.model_sha256, "0" * 64))
    with pytest.raises(ModelError, match="another version of model mr_tiny"):
        reopen_results(record).exceedance(300)


def test_what_is_not_calibrated_says_so(scan: mr.Volume, tmp_path: Path) -> None:
    folder = find_card("mr_tiny", "MR").folder
    shutil.copytree(folder, tmp_path / "mr_unfinished")
    card = tmp_path / "mr_unfinished" / "configs" / "card.json"
    facts = json.loads(card.read_text())
    facts["intervals"]["factors"] = {}
    card.write_text(json.dumps(facts | {"name": "mr_unfinished"}))
    with pytest.warns(MedrestoreWarning, match="not calibrated"):
        asked = {**SETTINGS, "model": str(tmp_path / "mr_unfinished")}
        result = mr.denoise(scan, exceeds=300, **asked)
    assert result.exceeds is not None
    assert result.exceeds.warnings[0].startswith("not calibrated")


def test_dicom_holds_it_as_a_parametric_map(tmp_path: Path) -> None:
    folder = write_ct(tmp_path / "torso", ct_array())
    result = mr.denoise(mr.read(folder), samples=0, noise=20, exceeds=-50)
    written = {path.name for path in result.save(tmp_path / "out")}
    assert {"torso_std_map", "torso_exceeds"} <= written
    found = mr.io.read_map(tmp_path / "out" / "torso_exceeds")
    assert found.unit == "1"
    assert result.exceeds is not None
    np.testing.assert_array_equal(found.array, result.exceeds.array)
    again = reopen(tmp_path / "out" / "torso_run.json", folder)
    assert again.exceeds is not None
    np.testing.assert_array_equal(again.exceeds.array, result.exceeds.array)
    assert again.exceeds.unit == "1"


def test_the_command_line_asks_for_it(scan: mr.Volume, tmp_path: Path) -> None:
    path = scan.source.paths[0]
    asked = ("denoise", path, "-o", tmp_path, "--modality", "MR", "--samples", "0")
    assert do(*asked, "--exceeds", "300") == 0
    found = mr.read(tmp_path / "head_exceeds.nii.gz", "MR").array
    assert 0 <= found.min() < 0.2 < 0.8 < found.max() <= 1
    assert do(*asked, "--exceeds", "nan", "--overwrite") == 2


def test_a_saved_result_is_asked_again(
    result: mr.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result.save(tmp_path)
    record, path = tmp_path / "head_run.json", result.restored.source.paths[0]
    assert do("exceed", record, "300") == 0
    found = mr.read(tmp_path / "head_exceeds_300.nii.gz", "MR").array
    np.testing.assert_allclose(found, result.exceedance(300).array, atol=1e-6)
    assert do("exceed", record, "300", "--below", "--input", path) == 0
    assert "head_below_300.nii.gz" in capsys.readouterr().out
    assert do("exceed", record, "--", "-5") == 0
    assert do("exceed", record, "300") == 2  # it is there


def test_a_saved_result_is_compared_with_a_region(
    result: mr.Result, scan: mr.Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result.save(tmp_path)
    record, path = tmp_path / "head_run.json", scan.source.paths[0]
    inside = inside_of(result)
    mask = mr.write(scan.with_array(inside.astype(np.float32)), tmp_path / "mask.nii.gz")
    out = tmp_path / "above.nii.gz"
    asked = ("exceed", record, "20", "--reference", mask)
    assert do(*asked, "--input", path, "-o", out) == 0
    expected = result.exceedance(20, inside).array
    np.testing.assert_allclose(mr.read(out, "MR").array, expected, atol=1e-5)
    assert do(*asked) == 2
    assert "say where it is" in capsys.readouterr().err
    assert do("exceed", record, "20", "--reference", tmp_path / "no.nii.gz", "--input", path) == 2
    moved = mr.Volume(inside.astype(np.float32), mr.Geometry(inside.shape, 2 * np.eye(4)), "MR")
    other = mr.write(moved, tmp_path / "other.nii.gz")
    assert do("exceed", record, "20", "--reference", other, "--input", path) == 2
    assert "another grid" in capsys.readouterr().err
