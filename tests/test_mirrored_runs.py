"""Runs that predict from a scan's mirror images, through the public door."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.core.predictor import smooth
from medrestore.engine.plan import Plan
from medrestore.settings.settings import Settings
from meters import Counter
from tiny import write_tiny_prior, write_tiny_stack_model

SHAPE = (5, 44, 36)


@pytest.fixture(scope="module", params=["slice", "stack"])
def model(request, tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "slice":
        return "mr_tiny"
    return str(write_tiny_stack_model(tmp_path_factory.mktemp("models")) / "mr_tiny3d")


@pytest.fixture(scope="module")
def noisy() -> mr.Volume:
    rng = np.random.default_rng(0)
    ramp = 100 + np.arange(SHAPE[2]) + 2 * np.arange(SHAPE[1])[:, None]
    array = (ramp + rng.normal(0, 8, SHAPE)).astype(np.float32)
    return mr.Volume(array, mr.Geometry(SHAPE, np.eye(4)), "MR")


def denoised(volume: mr.Volume, model: str, **asked) -> mr.Result:
    asked = {"samples": 0, "noise": "8 a.u.", "precision": "float32"} | asked
    return mr.denoise(volume, model=model, **asked)


def test_it_is_the_mean_over_the_scans_mirror_images(noisy: mr.Volume, model: str) -> None:
    """Four runs of mirrored scans, mirrored back: their mean, and what that is surer by."""
    mus, squares = [], []
    for axes in ((), (2,), (1,), (1, 2)):
        flipped = np.ascontiguousarray(np.flip(noisy.array, axes))
        one = denoised(noisy.with_array(flipped), model, mirroring="off")
        mus.append(np.flip(one.restored.array, axes))
        squares.append(np.flip(one.std.array, axes) ** 2)
    mu, between, within = np.mean(mus, axis=0), np.var(mus, axis=0), np.mean(squares, axis=0)
    found = denoised(noisy, model, mirroring="on")
    assert found.restored.array == pytest.approx(mu, abs=2e-3)
    local = [smooth(torch.tensor(one)[:, None])[:, 0].numpy() for one in (between, within)]
    wanted = np.sqrt(within * (1 - np.minimum(local[0] / local[1], 0.75)))
    assert found.std.array == pytest.approx(wanted, rel=2e-3)
    assert between.mean() > 1e-4 * within.mean()  # the mirror images do differ


def test_samples_bring_it_and_it_can_be_left_out(noisy: mr.Volume, model: str) -> None:
    plain = denoised(noisy, model)
    sampled = denoised(noisy, model, samples=2)
    mirrored = denoised(noisy, model, mirroring="on")
    assert np.array_equal(sampled.restored.array, mirrored.restored.array)
    assert np.array_equal(sampled.std.array, mirrored.std.array)
    assert not np.array_equal(plain.restored.array, mirrored.restored.array)
    off = denoised(noisy, model, samples=2, mirroring="off")
    assert np.array_equal(off.restored.array, plain.restored.array)
    said = [one.plan.settings.mirroring for one in (plain, sampled, mirrored, off)]
    assert said == ["off", "on", "on", "off"]


def test_a_preview_shows_the_voxels_of_the_run(noisy: mr.Volume, model: str) -> None:
    plan = make_plan(noisy, Settings(model=model, noise="8 a.u.", samples=2))
    whole = run_plan(plan, noisy)
    preview = run_plan(plan.for_slices((2,)).preview(), noisy)
    assert preview.restored.array[0] == pytest.approx(whole.restored.array[2], abs=0.2)
    assert preview.plan.settings.mirroring == "on"


def test_evaluations_are_counted(noisy: mr.Volume, model: str) -> None:
    for asked, each in (({}, 1), ({"mirroring": "on"}, 4), ({"samples": 2}, 4 + 3)):
        counter = Counter()
        found = denoised(noisy, model, progress=counter, **asked)
        assert counter.ticks == counter.total == found.plan.evaluations == each * SHAPE[0]


def test_records_from_before_repeat_as_they_were(noisy: mr.Volume, tiny_models: Path) -> None:
    plan = make_plan(noisy, Settings(noise="8 a.u.", samples=2, mirroring="off"))
    facts = json.loads(plan.to_json())
    del facts["settings"]["mirroring"]
    again = Plan.from_json(json.dumps(facts))
    assert again.settings.mirroring == "off"
    assert np.array_equal(
        run_plan(again, noisy).restored.array, run_plan(plan, noisy).restored.array
    )


def test_nothing_is_mirrored_where_nothing_is_predicted(tmp_path: Path, noisy: mr.Volume) -> None:
    prior = {"mean": 0.5, "std": 0.3, "slices": 3}
    folder = write_tiny_prior(tmp_path, "mr_tiny_image", prior, "image") / "mr_tiny_image"
    for mirroring in ("auto", "on"):
        asked = Settings(model=str(folder), samples=2, steps=2, noise="8 a.u.", mirroring=mirroring)
        assert make_plan(noisy, asked).settings.mirroring == "off"
