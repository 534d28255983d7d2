"""Runs on the acquired grid, through the public doors: what comes back lies on the grid shown."""

import json
from dataclasses import replace

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.batch.cluster.split import join
from medrestore.cli.terminal import plan_in_words
from medrestore.core.zero_filling import resampled
from medrestore.engine.plan import Plan
from medrestore.restorer import RESTORER
from medrestore.results.record import reopen
from medrestore.settings.settings import Settings
from meters import Counter, Stop
from scans import ct_array
from zero_filled import COARSE, FINE, SIGMA, SLICES, zero_filled

pytestmark = pytest.mark.usefixtures("tiny_models")
SHAPE = (SLICES, *FINE)
SETTINGS = Settings(noise=f"{SIGMA} a.u.", samples=3, grid="acquired", precision="float32")


@pytest.fixture(scope="module")
def scan() -> mr.Volume:
    return zero_filled()


@pytest.fixture(scope="module")
def result(scan: mr.Volume, tiny_models: object) -> mr.Result:
    return run_plan(make_plan(scan, SETTINGS), scan)


@pytest.fixture(scope="module")
def kept(scan: mr.Volume, tiny_models: object) -> mr.Result:
    return run_plan(make_plan(scan, replace(SETTINGS, keep_samples=True)), scan)


def box(z: slice, y: int, x: int, size: int = 14) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[z, y : y + size, x : x + size] = True
    return mask


A, B = box(slice(1, 4), 40, 40), box(slice(2, 5), 50, 50)


def test_it_is_the_run_of_the_acquired_scan_zero_filled(scan: mr.Volume, result: mr.Result) -> None:
    assert result.plan.grid == COARSE
    small = np.stack([np.maximum(resampled(plane, COARSE), 0) for plane in scan.array])
    there = mr.Volume(small, mr.Geometry(small.shape, np.eye(4)), "MR")
    asked = replace(SETTINGS, grid="shown")
    own = run_plan(replace(make_plan(there, asked), scale=result.plan.scale), there)
    wanted = np.maximum(resampled(own.restored.array, FINE), 0)
    assert result.restored.array == pytest.approx(wanted, abs=1e-2)
    assert result.std.array[:, ::2, ::2] == pytest.approx(own.std.array, rel=1e-4)
    half = (own.upper.array - own.restored.array)[2, 20:30, 20:30]
    at = (2, slice(40, 60, 2), slice(40, 60, 2))
    assert (result.upper.array - result.restored.array)[at] == pytest.approx(half, rel=1e-3)


def test_everything_lies_on_the_grid_shown(scan: mr.Volume, kept: mr.Result) -> None:
    for volume in kept.layers().values():
        assert volume.array.shape == SHAPE
        assert volume.geometry.same_grid(scan.geometry)
    assert kept.samples is not None and kept.samples.shape == (3, *SHAPE)
    assert kept.guards is not None and kept.guards.share("removed") <= 1


def test_regions_are_those_of_the_samples(result: mr.Result, kept: mr.Result) -> None:
    """The mean of what is shown; its spread from bytes on the acquired grid, by the adjoint."""
    for found, same in (
        (result.region(A), kept.region(A)),
        (result.difference(A, B), kept.difference(A, B)),
    ):
        assert found.mean == pytest.approx(same.mean, rel=1e-6)
        assert found.samples == pytest.approx(same.samples, abs=0.1 * same.std)
        assert found.half_width == pytest.approx(same.half_width, rel=0.02)
        assert found.voxels == same.voxels
    assert result.region(A).mean == pytest.approx(result.restored.array[A].mean(), rel=1e-6)
    shown = kept.samples[:, A].mean(axis=1)
    assert kept.region(A).samples == pytest.approx(shown, rel=1e-5)


def test_a_region_is_as_uncertain_as_the_same_place_of_the_acquired_scan(
    scan: mr.Volume, tiny_models: object
) -> None:
    asked = replace(SETTINGS, samples=0)
    result = run_plan(make_plan(scan, asked), scan)
    small = np.stack([np.maximum(resampled(plane, COARSE), 0) for plane in scan.array])
    there = mr.Volume(small, mr.Geometry(small.shape, np.eye(4)), "MR")
    plan = make_plan(there, replace(asked, grid="shown"))
    own = run_plan(replace(plan, scale=result.plan.scale), there)
    half = own.region(A[:, ::2, ::2]).half_width
    assert result.region(A).half_width == pytest.approx(half, rel=0.05)


def test_a_saved_run_is_read_and_repeated(scan: mr.Volume, result: mr.Result, tmp_path) -> None:
    place = mr.write(scan, tmp_path / "filled.nii.gz")
    result.save(tmp_path / "out")
    record = tmp_path / "out" / "filled_run.json"
    facts = json.loads(record.read_text())
    assert facts["plan"]["grid"] == list(COARSE)
    assert facts["plan"]["settings"]["grid"] == "acquired"
    again = mr.rerun(record, place)  # its file tells no acquired grid: the plan does
    assert np.array_equal(again.restored.array, result.restored.array)
    assert np.array_equal(again.std.array, result.std.array)
    opened = reopen(record, place)
    assert opened.region(A).half_width == pytest.approx(result.region(A).half_width, rel=1e-3)


def test_records_from_before_are_of_the_grid_shown(scan: mr.Volume) -> None:
    plan = make_plan(scan, replace(SETTINGS, grid="shown"))
    facts = json.loads(plan.to_json())
    del facts["settings"]["grid"], facts["grid"], facts["grid_source"]
    again = Plan.from_json(json.dumps(facts))
    assert again.settings.grid == "shown" and again.grid is None
    assert np.array_equal(run_plan(again, scan).restored.array, run_plan(plan, scan).restored.array)


def test_a_part_and_a_preview_show_the_voxels_of_the_run(
    scan: mr.Volume, result: mr.Result
) -> None:
    plan = make_plan(scan, SETTINGS)
    part = run_plan(plan.for_slices((1, 3)), scan)
    assert part.restored.array == pytest.approx(result.restored.array[[1, 3]], abs=0.02)
    assert part.std.array == pytest.approx(result.std.array[[1, 3]], rel=1e-3)
    preview = run_plan(plan.for_slices((2,)).preview(), scan)
    assert preview.restored.array[0] == pytest.approx(result.restored.array[2], abs=0.02)


def test_workers_join_what_one_would_have_made(scan: mr.Volume, result: mr.Result) -> None:
    plan = make_plan(scan, SETTINGS)
    arrays = [RESTORER.arrays(plan.for_slices(z), scan)[0] for z in ((0, 1), (2, 3, 4))]
    joined = RESTORER.result(plan, scan, join(arrays))
    assert joined.restored.array == pytest.approx(result.restored.array, abs=0.02)
    assert joined.region(A).half_width == pytest.approx(result.region(A).half_width, rel=0.02)


def test_each_time_point_goes_there_and_back(scan: mr.Volume, result: mr.Result) -> None:
    other = zero_filled(seed=1)
    series = scan.with_array(np.stack([scan.array, 2 * other.array]))
    asked = replace(SETTINGS, noise=0.05, keep_samples=True)
    found = run_plan(make_plan(series, asked), series)
    assert found.plan.grid == COARSE
    assert found.restored.array.shape == found.removed.array.shape == (2, *SHAPE)
    assert found.samples.shape == (3, 2, *SHAPE)
    alone = run_plan(make_plan(scan, asked), scan)
    assert found.restored.array[0] == pytest.approx(alone.restored.array, abs=0.05)
    region = found.region(A, t=1)
    assert region.mean == pytest.approx(found.restored.array[1][A].mean(), rel=1e-6)


def test_a_cancelled_run_is_shown_too(scan: mr.Volume) -> None:
    plan = make_plan(scan, SETTINGS)
    found = run_plan(plan, scan, Stop(plan.evaluations - 2))
    assert 0 < found.drawn < 3 and found.restored.array.shape == SHAPE


def test_voxels_that_are_no_measurement_stay_that(scan: mr.Volume) -> None:
    array = scan.array.copy()
    array[2, 50:52, 60] = np.nan
    holed = scan.with_array(array)
    found = run_plan(make_plan(holed, SETTINGS), holed)
    for volume in found.layers().values():
        assert np.array_equal(np.isnan(volume.array), np.isnan(array))


def test_a_map_of_noise_goes_along(scan: mr.Volume) -> None:
    ramp = np.broadcast_to(np.linspace(0.5, 1.5, FINE[1]) * SIGMA, SHAPE).astype(np.float32)
    asked = {"samples": 0, "precision": "float32"}
    told = mr.denoise(scan, noise=scan.with_array(ramp), grid="acquired", **asked)
    assert told.plan.grid == COARSE
    flat = mr.denoise(scan, noise=f"{SIGMA} a.u.", grid="acquired", **asked)
    ratio = told.std.array / flat.std.array
    assert ratio[..., :20].mean() < 0.9 < 1.1 < ratio[..., -20:].mean()
    ramp = ramp.copy()
    ramp[:, :30] = 0  # nothing to remove there
    left = mr.denoise(scan, noise=scan.with_array(ramp), grid="acquired", **asked)
    assert np.array_equal(left.restored.array[:, :30], scan.array[:, :30])


def test_its_probabilities_refer_to_what_is_shown(result: mr.Result) -> None:
    above = result.exceedance(280.0).array
    assert above.shape == SHAPE
    middle = np.abs(result.restored.array - 280) < 0.5
    assert above[middle] == pytest.approx(0.5, abs=0.1)
    less = result.exceedance(0.0, reference=A).array
    assert less.shape == SHAPE and np.isfinite(less).all()


def test_a_forecast_counts_what_is_worked_on(scan: mr.Volume) -> None:
    counter = Counter()
    plan = make_plan(scan, SETTINGS)
    run_plan(plan, scan, counter)
    assert counter.ticks == counter.total == plan.evaluations
    plain = make_plan(scan, replace(SETTINGS, grid="shown"))
    assert plan.evaluations == plain.evaluations
    assert plan.sized.shape == (SLICES, *COARSE) and plain.sized is plain
    assert plan.slab >= plain.slab  # fewer windows a slice


def test_the_plan_says_which_grid_and_why(scan: mr.Volume) -> None:
    text = plan_in_words(make_plan(scan, SETTINGS), scan)
    assert (
        "grid      restored on the acquired grid 48 × 56, shown on 96 × 112 "
        "(acquisition matrix in its file)" in text
    )
    text = plan_in_words(make_plan(scan, replace(SETTINGS, grid="shown")), scan)
    assert "grid      restored as shown, on 96 × 112: asked for" in text


def test_a_ct_is_restored_as_it_is_shown() -> None:
    array = np.float32(ct_array((3, 64, 64)))
    source = mr.volume.Source(acquired=(32, 32))
    scan = mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), "CT", "HU", source)
    plan = make_plan(scan, Settings(noise=25.0, samples=0, grid="acquired"))
    assert plan.grid is None and plan.grid_source == ""
