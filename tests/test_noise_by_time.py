"""Noise and scale are each volume's own: in what is planned, run, saved and said."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.cli import main
from medrestore.engine.noise import resolve_levels
from medrestore.engine.plan import Plan
from medrestore.engine.plan_text import noise_in_words
from medrestore.errors import InputError, SettingsError
from medrestore.plugin.layers import to_layer
from medrestore.plugin.requests import Choices, Snapshot, preview_of
from medrestore.plugin.run import restore
from medrestore.results.record import reopen
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Source, Volume
from scans import AFFINE, ct_array, mr_array, write_nifti

SHAPE = (6, 96, 96)
FRACTIONS = (0.04, 0.08, 0.16)
GAINS = (1.0, 3.0, 0.5)
"""Contrast differs between time points too, and with it the scale."""
SIGMAS = [400 * gain * fraction for gain, fraction in zip(GAINS, FRACTIONS, strict=True)]
pytestmark = pytest.mark.usefixtures("tiny_models")


def volume_of(array: np.ndarray, modality: str = "MR", name: str = "series") -> Volume:
    geometry = Geometry(array.shape[-3:], AFFINE)
    unit = "HU" if modality == "CT" else "a.u."
    return Volume(array.astype(np.float32), geometry, modality, unit, Source(name=name))


@pytest.fixture(scope="module")
def series() -> Volume:
    """MR with noise of 4, 8 and 16 % at three time points of different brightness."""
    frames = [
        gain * mr_array(SHAPE, fraction) for gain, fraction in zip(GAINS, FRACTIONS, strict=True)
    ]
    return volume_of(np.stack(frames))


def sigmas(levels) -> list[float]:
    return [level.noise.sigma for level in levels]


def test_each_volumes_noise_is_estimated_in_it(series):
    levels = resolve_levels(series)
    assert sigmas(levels) == pytest.approx(SIGMAS, rel=0.15)
    alone = [resolve_levels(series.time_point(t))[0] for t in range(3)]
    assert sigmas(levels) == sigmas(alone)
    assert [level.scale for level in levels] == [level.scale for level in alone]


def test_a_fraction_is_of_each_volumes_own_foreground(series):
    levels = resolve_levels(series, 0.08)
    assert sigmas(levels) == pytest.approx([0.08 * level.scale for level in levels])
    scales = [level.scale for level in levels]
    assert scales[1] / scales[0] == pytest.approx(3, rel=0.1)
    assert scales[2] / scales[0] == pytest.approx(0.5, rel=0.2)  # has twice the noise that is told
    measured = [level.noise.measured for level in levels]
    assert measured == pytest.approx(SIGMAS, rel=0.15)


def test_a_number_with_its_unit_is_the_same_in_all(series):
    assert sigmas(resolve_levels(series, "25 a.u.")) == [25, 25, 25]


def test_an_empty_volume_has_no_noise_and_stays_empty(series):
    array = series.array.copy()
    array[1] = 0
    gap = series.with_array(array)
    levels = resolve_levels(gap)
    assert levels[1].noise.sigma == 0 and "empty" in levels[1].noise.source
    assert sigmas(levels)[::2] == pytest.approx(SIGMAS[::2], rel=0.15)
    result = mr.denoise(gap, samples=0)
    assert not result.restored.array[1].any()
    assert np.isfinite(result.restored.array).all()


def test_where_one_says_nothing_the_others_do(series):
    array = series.array.copy()
    array[1] = 0
    array[1, 2, 40:44, 40:44] = 900.0
    levels = resolve_levels(series.with_array(array))
    assert levels[1].noise.sigma in (levels[0].noise.sigma, levels[2].noise.sigma)
    assert "as in the other time points" in levels[1].noise.source


def test_only_empty_volumes_are_an_error(series):
    with pytest.raises(InputError, match="no signal"):
        resolve_levels(series.with_array(np.zeros_like(series.array)))


def test_a_map_serves_all_time_points_or_each_its_own(series):
    one = series.time_point(0).with_array(np.full(SHAPE, 7, np.float32))
    assert sigmas(resolve_levels(series, "map", one)) == [7, 7, 7]
    own = series.with_array(np.stack([one.array, 2 * one.array, 3 * one.array]))
    assert sigmas(resolve_levels(series, "map", own)) == [7, 14, 21]
    with pytest.raises(SettingsError, match="grid"):
        resolve_levels(series, "map", own.with_array(own.array[:2]))
    with pytest.raises(SettingsError, match="never below 0"):
        resolve_levels(series, "map", one.with_array(-one.array))
    with pytest.raises(SettingsError, match="NaN"):
        resolve_levels(series, "map", one.with_array(np.nan * one.array))
    affine = one.geometry.affine.copy()
    affine[2, 3] += 50
    moved = replace(one.geometry, affine=affine)
    with pytest.raises(SettingsError, match="lie elsewhere"):
        resolve_levels(series, "map", replace(one, geometry=moved))


def test_every_time_point_is_restored_with_its_own_noise(series):
    whole = mr.denoise(series, samples=1, seed=2)
    for t in (0, 2):
        alone = mr.denoise(series.time_point(t), samples=0, mirroring="on")
        apart = np.abs(whole.restored.array[t] - alone.restored.array).max()
        assert apart < 1e-3 * SIGMAS[t]
        assert whole.plan.at(t).noise.sigma == alone.plan.noise.sigma
        assert whole.plan.at(t).scale == alone.plan.scale


def test_preview_run_batch_and_command_say_the_same(series, tmp_path, capsys):
    plan = make_plan(series, mr.Settings(samples=0))
    data, meta, _ = to_layer(series)
    meter = SimpleNamespace(start=lambda *_: None, tick=lambda n=1: None)
    for t in range(3):
        request, _ = preview_of(Snapshot(data, meta), Choices(Settings(samples=0)), (t, 2, 3, 4))
        assert restore(request, meter).planned.noise.sigma == plan.at(t).noise.sigma
    path = write_nifti(tmp_path / "in" / "series.nii.gz", series.array)
    assert (
        main(
            [
                "denoise",
                str(path),
                "--modality",
                "MR",
                "-o",
                str(tmp_path / "one"),
                "--samples",
                "0",
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert noise_in_words(plan) in said
    for sigma in sigmas(plan.levels):
        assert f"{sigma:.3g}" in said
    summary = mr.denoise_folder(tmp_path / "in", tmp_path / "out", samples=0, fallback="MR")
    assert not summary.failed
    [record] = (tmp_path / "out").rglob("*_run.json")
    facts = json.loads(record.read_text())
    assert [one["noise"]["sigma"] for one in facts["plan"]["levels"]] == sigmas(plan.levels)


def test_a_record_repeats_the_run(series, tmp_path):
    path = write_nifti(tmp_path / "series.nii.gz", series.array)
    result = mr.denoise(mr.read(path, "MR"), samples=0)
    result.save(tmp_path / "out")
    record = tmp_path / "out" / "series_run.json"
    again = mr.rerun(record, source=path)
    assert np.abs(again.restored.array - result.restored.array).max() < 1e-3 * min(SIGMAS)
    assert sigmas(reopen(record, path).plan.levels) == sigmas(result.plan.levels)


def test_maps_of_each_volume_travel_beside_the_json():
    frames = [ct_array((5, 64, 64), noise) for noise in (15.0, 45.0)]
    series = volume_of(np.stack([*frames, np.full_like(frames[0], -1024)]), "CT")
    plan = make_plan(series, mr.Settings(samples=0))
    assert sigmas(plan.levels)[:2] == pytest.approx([15, 45], rel=0.2)
    assert plan.noise_map.shape == series.array.shape
    again = Plan.from_json(plan.to_json(), plan.noise_map)
    for t in range(2):
        assert np.array_equal(again.at(t).noise.map, plan.at(t).noise.map)
    assert again.at(2).noise.map is None and again.at(2).noise.sigma == plan.at(2).noise.sigma
    assert again.noise.sigma == plan.noise.sigma
    with pytest.raises(SettingsError, match="map"):
        Plan.from_json(plan.to_json())
    light = plan.without_maps()
    assert light.noise_map is None
    assert np.array_equal(light.with_levels(plan.levels).noise_map, plan.noise_map)


def test_a_record_from_before_levels_still_opens(series):
    plan = make_plan(series.time_point(0), mr.Settings(samples=0))
    facts = json.loads(plan.to_json())
    del facts["levels"]
    old = Plan.from_json(json.dumps(facts))
    assert old.at(3) is old and old.noise.sigma == plan.noise.sigma


def test_noise_that_was_told_wrong_is_said_in_the_plan(series):
    scan = series.time_point(1)
    right = make_plan(scan, mr.Settings(samples=0, noise=f"{SIGMAS[1]:.0f} a.u."))
    assert "itself reads" not in noise_in_words(right)
    half = make_plan(scan, mr.Settings(samples=0, noise=f"{SIGMAS[1] / 2:.0f} a.u."))
    assert f"the scan itself reads {half.noise.measured:.3g} a.u." in noise_in_words(half)


def test_what_is_wrong_at_some_time_points_is_said_of_them(series):
    plan = make_plan(series, mr.Settings(samples=0, noise=f"{SIGMAS[1]:.0f} a.u."))
    reads = ", ".join(f"{level.noise.measured:.3g}" for level in plan.levels)
    assert f"the scan itself reads {reads} a.u." in noise_in_words(plan)


def test_the_range_that_witnesses_leave_is_said(series):
    plan = make_plan(series.time_point(0), mr.Settings(samples=0))
    unsure = replace(plan, noise=replace(plan.noise, between=(9.0, 21.0)))
    assert "between 9 and 21 a.u.: give the noise" in noise_in_words(unsure)


def test_cancelled_and_sliced_runs_keep_the_levels(series):
    plan = make_plan(series, mr.Settings(samples=0)).for_slices((1, 4))
    part = run_plan(plan, series)
    whole = run_plan(make_plan(series, mr.Settings(samples=0)), series)
    apart = np.abs(part.restored.array - whole.restored.array[:, [1, 4]]).max()
    assert apart < 1e-3 * min(SIGMAS)
