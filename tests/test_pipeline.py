"""The engine end to end on tiny models: invariances, partial results, regions, records."""

import json
from dataclasses import replace

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.core.samplers import SAMPLERS
from medrestore.core.slices import neighbours
from medrestore.engine.plan import Plan
from medrestore.errors import Cancelled, ModelError, SettingsError
from medrestore.models.card import Card
from medrestore.models.model import find_card, load
from medrestore.results.saving import record_text
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Source, Volume
from meters import Counter, Stop

SHAPE = (6, 70, 50)


@pytest.fixture(scope="module")
def volume() -> Volume:
    rng = np.random.default_rng(0)
    blobs = rng.normal(0, 1, SHAPE).cumsum(1).cumsum(2)
    array = 100 + 30 * blobs / np.abs(blobs).max() + rng.normal(0, 5, SHAPE)
    affine = np.array([[0, 0, -1.0, 20], [0, 1.2, 0, -30], [3.0, 0, 0, 5], [0, 0, 0, 1]])
    return Volume(array.astype(np.float32), Geometry(SHAPE, affine), "MR", "a.u.", Source(name="x"))


@pytest.fixture(scope="module")
def plan(volume: Volume, tiny_models) -> Plan:
    return make_plan(volume, Settings(noise=0.05, samples=3, keep_samples=True, seed=11))


@pytest.fixture(scope="module")
def whole(plan: Plan, volume: Volume) -> mr.Result:
    return run_plan(plan, volume)


def test_every_volume_lies_on_the_source_grid(whole: mr.Result, volume: Volume) -> None:
    for layer in whole.layers().values():
        assert np.array_equal(layer.geometry.affine, volume.geometry.affine)
        assert layer.array.shape == SHAPE
        assert np.isfinite(layer.array).all()
    assert whole.samples is not None and whole.samples.shape == (3, *SHAPE)
    assert (whole.lower.array <= whole.restored.array).all()
    assert (whole.upper.array >= whole.restored.array).all()


def test_another_seed_gives_other_samples_but_the_same_mean(plan: Plan, volume: Volume) -> None:
    other = run_plan(replace(plan, settings=replace(plan.settings, seed=12)), volume)
    first = run_plan(plan, volume)
    assert np.array_equal(other.restored.array, first.restored.array)
    assert np.abs(other.samples - first.samples).mean() > 0.1 * first.std.array.mean()


def test_neighbours_are_mirrored_at_ends_and_gaps() -> None:
    assert neighbours(0, 5, 9) == [2, 1, 0, 1, 2]
    assert neighbours(8, 5, 9) == [6, 7, 8, 7, 6]
    assert neighbours(0, 7, 2) == [1, 0, 1, 0, 1, 0, 1]
    assert neighbours(0, 5, 1) == [0, 0, 0, 0, 0]
    positions = (0.0, 4.0, 8.0, 15.0, 19.0, 23.0)
    assert neighbours(2, 3, 6, positions) == [1, 2, 1]
    assert neighbours(3, 5, 6, positions) == [5, 4, 3, 4, 5]
    assert neighbours(1, 5, 3, (0.0, 4.0, 20.0)) == [1, 0, 1, 0, 1]
    assert neighbours(4, 3, 6, positions) == [3, 4, 5]


@pytest.mark.parametrize("sampler", [s.name for s in SAMPLERS.values() if not s.makes_samples])
@pytest.mark.parametrize("steps", [1, 4])
def test_every_sampler_runs_at_any_length(volume: Volume, tiny_models, sampler, steps) -> None:
    settings = Settings(noise=0.05, samples=2, steps=steps, sampler=sampler, schedule="sigmoid")
    plan, meter = make_plan(volume, settings), Counter()
    result = run_plan(plan, volume, meter)
    assert result.drawn == 2
    assert (result.std.array > 0).all()
    assert meter.ticks == plan.evaluations


def test_schedules_are_part_of_the_plan(plan: Plan, volume: Volume, whole: mr.Result) -> None:
    """Another schedule gives other samples; plans from before there were any still run."""
    linear = replace(plan, settings=replace(plan.settings, schedule="linear"))
    assert json.loads(linear.to_json())["settings"]["schedule"] == "linear"
    assert not np.array_equal(run_plan(linear, volume).samples, whole.samples)
    older = json.loads(plan.to_json())
    del older["settings"]["schedule"]
    assert np.array_equal(
        run_plan(Plan.from_json(json.dumps(older)), volume).samples, whole.samples
    )


def test_estimates(plan: Plan, volume: Volume, whole: mr.Result) -> None:
    first = run_plan(replace(plan, settings=replace(plan.settings, estimate="sample")), volume)
    assert np.array_equal(first.restored.array, whole.samples[0])
    mean = run_plan(
        replace(plan, settings=replace(plan.settings, estimate="posterior-mean")), volume
    )
    assert mean.restored.array == pytest.approx(whole.samples.mean(axis=0), abs=1e-2)


def test_clean_input_comes_back(volume: Volume, tiny_models) -> None:
    """Below the model's floor the scan is returned as it is, with std = σ."""
    for noise in (0.0, 1e-6, 1e-4):
        with pytest.warns(mr.MedrestoreWarning, match="below what mr_tiny removes"):
            result = mr.denoise(volume, noise=noise, samples=2)
        assert np.array_equal(result.restored.array, volume.array)
        assert result.std.array == pytest.approx(np.full(SHAPE, result.plan.noise.sigma))


def test_a_cancelled_run_keeps_the_samples_it_has(plan: Plan, volume: Volume) -> None:
    slices = SHAPE[0]
    one = run_plan(replace(plan, settings=replace(plan.settings, samples=1)), volume)
    partial = run_plan(plan, volume, Stop(6 * slices + 2))  # 4 predictions, start, 1 sample, …
    assert partial.drawn == 1
    assert np.array_equal(partial.std.array, one.std.array)
    assert json.loads(record_text(partial, []))["samples_drawn"] == 1


def test_a_run_cancelled_too_early_has_no_result(plan: Plan, volume: Volume) -> None:
    with pytest.raises(Cancelled):
        run_plan(plan, volume, Stop(3))


def test_nan_voxels_come_back_as_nan(volume: Volume, tiny_models) -> None:
    array = volume.array.copy()
    array[2, 10:14, 10:14] = np.nan
    result = mr.denoise(volume.with_array(array), noise=0.05, samples=2)
    for layer in result.layers().values():
        assert np.array_equal(np.isnan(layer.array), np.isnan(array))


def test_ct_padding_is_passed_through(tiny_models) -> None:
    rng = np.random.default_rng(1)
    array = rng.normal(40, 20, (3, 40, 40)).astype(np.float32)
    array[:, :5] = -2000
    scan = Volume(array, Geometry(array.shape, np.eye(4)), "CT", "HU")
    result = mr.denoise(scan, noise=20, samples=2)
    assert (result.restored.array[:, :5] == -2000).all()
    assert (result.std.array[:, :5] == 0).all()
    assert (result.std.array[:, 5:] > 0).all()


def test_deep_noise_is_not_taken_for_padding(tiny_models) -> None:
    array = np.random.default_rng(1).normal(-1000, 200, (3, 40, 40)).astype(np.float32)
    assert (array < -1500).any()
    scan = Volume(array, Geometry(array.shape, np.eye(4)), "CT", "HU")
    assert (mr.denoise(scan, noise=20, samples=0).std.array > 0).all()


def test_time_points_are_restored_each_on_its_own(volume: Volume, tiny_models) -> None:
    frames = np.stack([volume.array, volume.array[::-1]])
    result = mr.denoise(volume.with_array(frames), noise=0.05, samples=2, keep_samples=True)
    assert result.restored.array.shape == frames.shape
    assert result.samples.shape == (2, *frames.shape)
    assert not np.array_equal(result.samples[:, 0], result.samples[:, 1, ::-1])


def test_a_noise_map_is_followed_voxel_by_voxel(volume: Volume, tiny_models) -> None:
    sigma = np.full(SHAPE, 5.0, np.float32)
    sigma[:, :, 25:] = 10.0
    result = mr.denoise(volume, noise=volume.with_array(sigma), samples=0)
    left, right = result.std.array[..., :20].mean(), result.std.array[..., 30:].mean()
    assert right > 1.4 * left
    with pytest.raises(SettingsError, match="grid"):
        small = Volume(sigma[:3], Geometry((3, 70, 50), np.eye(4)))
        mr.denoise(volume, noise=small, samples=0)


def test_region_mean_and_interval(whole: mr.Result, plan: Plan, volume: Volume) -> None:
    mask = np.zeros(SHAPE, bool)
    mask[2:4, 20:30, 20:30] = True
    region = whole.region(mask)
    means = [one[mask].mean() for one in whole.samples]
    assert region.mean == pytest.approx(whole.restored.array[mask].mean(), rel=1e-5)
    assert region.samples == pytest.approx(means, rel=1e-5)
    assert region.lower < region.mean < region.upper
    unkept = run_plan(replace(plan, settings=replace(plan.settings, keep_samples=False)), volume)
    again = unkept.region(mask)
    assert unkept.samples is None and not unkept.regions().redraws
    assert again[:6] == pytest.approx(region[:6], rel=1e-3)
    assert np.subtract(again.samples, region.samples) == pytest.approx(0, abs=0.08 * region.std)
    with pytest.raises(SettingsError, match="empty"):
        whole.region(np.zeros(SHAPE, bool))


def test_region_in_closed_form_matches_free_samples(volume: Volume, tiny_models) -> None:
    """One step: Gaussian samples of the residual's own spectrum; their region std is exact."""
    mask = np.zeros(SHAPE, bool)
    mask[1:5, 10:40, 10:40] = True
    closed = mr.denoise(volume, noise=0.05, samples=0).region(mask).std
    many = mr.denoise(volume, noise=0.05, samples=64, steps=1, keep_samples=True)
    sampled = np.std([one[mask].mean() for one in many.samples], ddof=1)
    assert closed == pytest.approx(sampled, rel=0.25)


def test_plan_json_round_trip(plan: Plan, volume: Volume, whole: mr.Result) -> None:
    again = Plan.from_json(plan.to_json())
    assert again.to_json() == plan.to_json()
    assert np.array_equal(run_plan(again, volume).samples, whole.samples)
    with pytest.raises(SettingsError, match="not the JSON of a plan"):
        Plan.from_json("{}")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"samples": -1}, "samples"),
        ({"steps": -1}, "steps"),
        ({"level": 1.5}, "level"),
        ({"noise": -2.0}, "noise"),
        ({"noise": "much"}, "noise"),
        ({"sampler": "euler"}, "moment-matched"),
        ({"schedule": "square"}, "karras"),
        ({"estimate": "sample", "samples": 0}, "needs samples"),
        ({"mode": "3d"}, "patch3d"),
    ],
)
def test_settings_out_of_range_say_so(settings: dict, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings(**settings)


def test_saved_files_and_record(whole: mr.Result, tmp_path) -> None:
    written = whole.save(tmp_path / "out")
    names = sorted(path.name for path in written)
    assert names == sorted(
        [f"x_{name}.nii.gz" for name in (*whole.layers(), "samples")] + ["x_run.json"]
    )
    record = json.loads((tmp_path / "out" / "x_run.json").read_text())
    assert record["guards"] == whole.guards.facts()
    assert record["samples_drawn"] == 3
    assert record["plan"]["settings"]["seed"] == 11
    assert str(tmp_path) not in json.dumps(record)
    with pytest.raises(mr.MedrestoreError, match="exists"):
        whole.save(tmp_path / "out")
    whole.save(tmp_path / "out", overwrite=True)
    back = mr.read(tmp_path / "out" / "x_restored.nii.gz", "MR")
    assert np.array_equal(back.array, whole.restored.array)
    assert back.geometry.affine == pytest.approx(whole.restored.geometry.affine, abs=1e-5)


def test_models_that_do_not_fit_say_so(tiny_models, tmp_path) -> None:
    with pytest.raises(ModelError, match="there are: ct_tiny, mr_tiny"):
        find_card("nothing", "MR")
    with pytest.raises(ModelError, match="is for CT"):
        find_card("ct_tiny", "MR")
    with pytest.raises(ModelError, match="mode"):
        find_card("mr_tiny", "MR", "patch3d")
    with pytest.raises(ModelError, match=r"card\.json"):
        find_card(str(tmp_path), "MR")


def test_damaged_weights_are_noticed(tiny_models, tmp_path) -> None:
    import shutil

    copy = tmp_path / "mr_tiny"
    shutil.copytree(tiny_models / "mr_tiny", copy)
    weights = copy / "models" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        load(Card.read(copy))
    weights.unlink()
    with pytest.raises(ModelError, match="missing"):
        load(Card.read(copy))


def test_conditions_are_computed_once_where_there_is_room(
    whole: mr.Result, plan: Plan, volume: Volume, monkeypatch
) -> None:
    """Kept or computed again for every sample: the same voxels."""
    model = load(find_card("mr_tiny", "MR"), precision=plan.precision)
    asked, condition = [], model.condition
    monkeypatch.setattr(model, "condition", lambda *a: asked.append(1) or condition(*a))
    kept = run_plan(plan, volume, model=model)
    slabs = -(-SHAPE[0] // plan.slab)
    assert len(asked) == slabs  # for the shared first evaluation and all samples
    monkeypatch.setattr("medrestore.engine.time_point.CONDITION_BYTES", 0)
    again = run_plan(plan, volume, model=model)
    assert len(asked) == slabs + (1 + 3) * slabs
    assert np.array_equal(kept.samples, whole.samples)
    assert np.array_equal(again.samples, whole.samples)
