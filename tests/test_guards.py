"""The guards of whole runs: on the scan's grid, in its unit, in files, words and numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan
from medrestore.engine.arrays import Arrays
from medrestore.engine.checks import Guards, check
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Source, Volume

SHAPE = (6, 90, 80)
FLOOR = 0.001
DISC = np.hypot(*np.ogrid[-40:50, -40:40]) <= 6
pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture
def scan() -> Volume:
    """MR of signal 100 and noise 5."""
    noise = np.random.default_rng(0).normal(0, 5, (2, *SHAPE))
    geometry = Geometry(SHAPE, np.diag([4.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]])
    y = np.hypot(100 + noise[0], noise[1]).astype(np.float32)
    return Volume(y, geometry, "MR", "a.u.", Source(name="x"))


def honest(scan: Volume) -> Arrays:
    """A restoration that is right and nearly sure."""
    mu = np.full(scan.array.shape, 100, np.float32)
    s = np.full(scan.array.shape, 0.2, np.float32)
    ratio = np.full(mu.shape[:-2], 0.04, np.float32)
    return Arrays(mu, s, mu - s, mu + s, None, mu, s, ratio, 0)


def plan_of(scan: Volume):
    """Told of the right noise."""
    return make_plan(scan, Settings(noise="5 a.u.", samples=0))


def test_an_honest_run_passes(scan: Volume) -> None:
    removed, inconsistent, guards = check(plan_of(scan), scan, honest(scan), FLOOR)
    assert not removed.any() and not inconsistent.any()
    assert guards.warnings() == ()
    assert guards.sentence() == "what was removed is noise"
    facts = json.loads(json.dumps(guards.facts()))
    assert (facts["verdict"], facts["noise"], facts["structure"]) == ("OK", "fits", "kept")
    assert facts["voxels"] == np.prod(SHAPE)
    assert facts["noise_left"] == pytest.approx(0, abs=0.01)
    assert facts["residual_ratio"] == pytest.approx(1, abs=0.05)
    assert facts["removed_voxels"] == facts["inconsistent_voxels"] == 0


def test_what_a_run_removed_lies_on_its_slices(scan: Volume) -> None:
    scan.array[3][DISC] += 15
    removed, _, guards = check(plan_of(scan), scan, honest(scan), FLOOR)
    assert 9 < removed[3, 40, 40] < 16  # 15, smoothed: in the scan's unit
    assert guards.sentence().startswith("structure may be lost: in 0.")
    assert guards.warnings() == (guards.sentence(),)
    whole = honest(scan)
    two = Arrays(
        **{k: v[2:4] if k != "drawn" and v is not None else v for k, v in vars(whole).items()}
    )
    preview, _, _ = check(plan_of(scan).for_slices((2, 3)), scan, two, FLOOR)
    assert preview.shape == (2, *SHAPE[1:])
    assert preview[1, 40, 40] == pytest.approx(removed[3, 40, 40], rel=0.05)


def test_time_points_are_checked_each_on_its_own(scan: Volume) -> None:
    frames = np.stack([scan.array, scan.array[::-1]])
    frames[1, 2][DISC] += 15
    series = scan.with_array(frames)
    removed, inconsistent, guards = check(plan_of(series), series, honest(series), FLOOR)
    assert removed.shape == inconsistent.shape == frames.shape
    assert removed[1, 2][DISC].any() and not removed[0].any()
    assert guards.facts()["voxels"] == frames.size


def test_no_measurement_no_check(scan: Volume) -> None:
    """NaN and masked voxels; a noise map that is 0, NaN, or below the model's floor."""
    scan.array[0, :10] = np.nan
    scan.array[1, :20] = 0
    sigma = np.full(SHAPE, 5, np.float32)
    sigma[2], sigma[3], sigma[4, 0, 0] = 0, 0.05, np.nan
    plan = plan_of(scan)
    plan = replace(plan, noise=replace(plan.noise, map=sigma))
    removed, inconsistent, guards = check(plan, scan, honest(scan), FLOOR)
    slices = SHAPE[1] * SHAPE[2]
    assert guards.facts()["voxels"] == 4 * slices - 10 * SHAPE[2] - 20 * SHAPE[2] - 1
    for found in (removed, inconsistent):
        assert np.array_equal(np.isnan(found), np.isnan(scan.array))
        assert not np.nan_to_num(found).any()


def test_a_scan_left_alone_has_nothing_to_check(scan: Volume) -> None:
    with pytest.warns(mr.MedrestoreWarning, match="voxels with less are returned as they are"):
        result = mr.denoise(scan, noise=0.0, samples=0)
    assert not result.removed.array.any() and not result.inconsistent.array.any()
    assert result.guards.sentence() == "nothing was removed, so there is nothing to check"
    assert result.guards.facts()["residual_ratio"] is None
    assert result.guards.warnings() == ()


def test_ct_padding_is_left_out() -> None:
    array = np.random.default_rng(1).normal(40, 20, (3, 60, 60)).astype(np.float32)
    array[:, :5] = -2000
    ct = Volume(array, Geometry(array.shape, np.eye(4)), "CT", "HU")
    result = mr.denoise(ct, noise=20, samples=0)
    assert result.guards.facts()["voxels"] == 3 * 55 * 60
    assert not result.removed.array[:, :5].any()
    assert result.removed.unit == "HU"


def test_a_failed_check_is_in_the_result_and_its_record(scan: Volume, tmp_path) -> None:
    invented = honest(scan)
    invented.mu[2][DISC] += 30
    _, inconsistent, guards = check(plan_of(scan), scan, invented, FLOOR)
    assert inconsistent[2, 40, 40] == pytest.approx(-25, rel=0.3)  # 30, smoothed
    guards = Guards((replace(guards.tallies[0], removed=5_000),))
    result = mr.denoise(scan, noise=0.05, samples=0)
    result = replace(result, inconsistent=scan.with_array(inconsistent), guards=guards)
    assert result.warnings[-1].startswith("structure may be lost")
    result.save(tmp_path)
    record = json.loads((tmp_path / "x_run.json").read_text())
    assert record["guards"]["inconsistent_voxels"] == np.count_nonzero(inconsistent)
    assert record["guards"]["warnings"] == [record["warnings"][-1]]
    back = mr.read(tmp_path / "x_inconsistent.nii.gz", "MR")
    assert np.array_equal(back.array, inconsistent)


def test_the_scan_says_which_noise_to_give_instead(scan: Volume) -> None:
    """Told 10 where 5 is right: flat anatomy survives, but the noise is named; and 2.5."""
    plan = plan_of(scan)
    for told, direction in ((10, "weaker"), (2.5, "stronger"), (5, None)):
        arrays = honest(scan)
        if told == 2.5:  # what was not removed is in μ
            arrays.mu[:] += (scan.array - 100) * np.float32(0.6)
        noise = replace(plan.noise, sigma=told, measured=5.0)
        _, _, guards = check(replace(plan, noise=noise), scan, arrays, FLOOR)
        if direction is None:
            assert guards.warnings() == ()
            continue
        [warning] = guards.warnings()
        assert f"the noise is {direction} than assumed" in warning
        assert "restore again with 5 a.u." in warning
        assert guards.facts()["noise_measured"] == 5.0


def test_noise_given_too_strong_hides_no_lesion(scan: Volume) -> None:
    """Every slice has lost waves of anatomy, which fill their groups; a disc is found as before."""
    wave = 12 * np.sin(np.arange(SHAPE[2]) / 2.5)
    scan.array[3][DISC] += 30
    scan.array[:] += wave.astype(np.float32)
    plan = plan_of(scan)
    noise = replace(plan.noise, sigma=10.0, measured=5.0)
    removed, _, guards = check(replace(plan, noise=noise), scan, honest(scan), FLOOR)
    assert (removed[3][DISC] > 0).mean() > 0.5
    assert guards.verdict.headline == "Structure may be lost"
