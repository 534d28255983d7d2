"""The promise of the same voxels, in both precisions on every machine.

Same device, build and batch: the same bits. Another batch, slab or number of threads, a preview:
within `SAME_VOXELS_WITHIN` of σ. Bfloat16 needs no special chip to be right, only to be fast.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.core.compute import SAME_VOXELS_WITHIN
from medrestore.core.families import networks
from medrestore.engine.plan import Plan
from medrestore.models.model import Model, find_card, load
from medrestore.results.record import read_record
from medrestore.settings.settings import Settings
from medrestore.training.finish import write_bundle
from scans import mr_array, write_nifti
from tiny import speak, tiny_card, write_tiny_models, write_tiny_stack_model

NAMES = ("mr_tiny", "ct_tiny", "mr_tiny3d", "mr_latent")
SHAPE = (14, 40, 30)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_tiny_models(tmp_path_factory.mktemp("models"))
    write_tiny_stack_model(folder)
    card = tiny_card("mr_latent", "MR") | {"family": "latent"}
    card["refiner"] |= {"window": 16, "stride": 12, "autoencoder": {"channels": 8, "blocks": 1}}
    nets = networks(card)
    speak(*nets)
    write_bundle(folder / "mr_latent", card, *nets)
    return folder


@pytest.fixture(scope="module", params=sorted(SAME_VOXELS_WITHIN))
def precision(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest, models: Path, precision: str) -> Model:
    modality = request.param[:2].upper()
    return load(find_card(str(models / request.param), modality), "cpu", precision)


@pytest.fixture(scope="module")
def volume(model: Model) -> mr.Volume:
    rng = np.random.default_rng(0)
    blobs = rng.normal(0, 1, SHAPE).cumsum(1).cumsum(2)
    array = 100 + 30 * blobs / np.abs(blobs).max() + rng.normal(0, 5, SHAPE)
    geometry = mr.Geometry(SHAPE, np.diag([3.0, 1.2, 1.0, 1.0]))
    return mr.Volume(array.astype(np.float32), geometry, model.card.modality)


@pytest.fixture(scope="module")
def plan(volume: mr.Volume, model: Model, models: Path, precision: str) -> Plan:
    settings = Settings(
        model=str(models / model.card.name),
        noise=0.05 if volume.modality == "MR" else 6.0,
        samples=2,
        keep_samples=True,
        seed=11,
        precision=precision,
    )
    made = make_plan(volume, settings, model=model)
    assert made.precision == model.precision == precision
    return replace(made, batch=16)


@pytest.fixture(scope="module")
def whole(plan: Plan, volume: mr.Volume, model: Model) -> mr.Result:
    return run_plan(plan, volume, model=model)


def assert_same(one: mr.Result, other: mr.Result, within: float, slices: slice = slice(None)):
    """Every map and sample within so many units of the image."""
    for name in ("restored", "std", "lower", "upper"):
        a, b = getattr(one, name).array, getattr(other, name).array[slices]
        assert np.abs(a - b).max() <= within, name
    assert np.abs(one.samples - other.samples[:, slices]).max() <= within


def test_same_seed_same_bits(plan: Plan, volume: mr.Volume, model: Model, whole: mr.Result) -> None:
    assert_same(run_plan(plan, volume, model=model), whole, 0.0)


def test_loaded_again_the_same_bits(plan: Plan, volume: mr.Volume, whole: mr.Result) -> None:
    assert_same(run_plan(plan, volume), whole, 0.0)


@pytest.mark.parametrize(("batch", "slab"), [(1, 1), (5, 3)])
def test_batch_and_slab_change_nothing(
    plan: Plan, volume: mr.Volume, model: Model, whole: mr.Result, batch: int, slab: int
) -> None:
    other = run_plan(replace(plan, batch=batch, slab=slab), volume, model=model)
    assert_same(other, whole, SAME_VOXELS_WITHIN[plan.precision] * plan.noise.sigma)


def test_threads_change_nothing(
    plan: Plan, volume: mr.Volume, model: Model, whole: mr.Result
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2 if before == 1 else 1)
    try:
        other = run_plan(plan.for_slices((3,)), volume, model=model)
    finally:
        torch.set_num_threads(before)
    within = SAME_VOXELS_WITHIN[plan.precision] * plan.noise.sigma
    assert_same(other, whole, within, slice(3, 4))


@pytest.mark.parametrize("first", [0, 6, 12])
def test_a_preview_has_the_voxels_of_the_whole(
    plan: Plan, volume: mr.Volume, model: Model, whole: mr.Result, first: int
) -> None:
    part = run_plan(plan.for_slices((first, first + 1)), volume, model=model)
    within = SAME_VOXELS_WITHIN[plan.precision] * plan.noise.sigma
    assert_same(part, whole, within, slice(first, first + 2))
    corner = part.restored.geometry.world((0, 0, 0))
    assert corner == pytest.approx(volume.geometry.world((first, 0, 0)))


def test_sample_k_does_not_depend_on_how_many_follow(
    plan: Plan, volume: mr.Volume, model: Model, whole: mr.Result
) -> None:
    fewer = replace(plan, settings=replace(plan.settings, samples=1))
    assert np.array_equal(run_plan(fewer, volume, model=model).samples, whole.samples[:1])


def test_the_precisions_are_near_each_other(models: Path) -> None:
    """Of one network with 8 and with 24 bits the image differs by a small part of the noise."""
    volume = mr.Volume(mr_array((3, 40, 36)), mr.Geometry((3, 40, 36), np.eye(4)), "MR")
    asked = {"model": str(models / "mr_tiny"), "noise": 0.05, "samples": 2, "keep_samples": True}
    exact, rounded = (mr.denoise(volume, precision=p, **asked) for p in ("float32", "bfloat16"))
    difference = np.abs(exact.samples - rounded.samples).max() / exact.plan.noise.sigma
    assert 0 < difference <= 0.05


@pytest.mark.parametrize("precision", sorted(SAME_VOXELS_WITHIN))
def test_a_record_says_what_the_same_means_and_keeps_its_precision(
    models: Path, tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = mr.read(write_nifti(tmp_path / "head.nii.gz", mr_array((2, 24, 24))), "MR")
    result = mr.denoise(
        volume, model=str(models / "mr_tiny"), noise=0.05, samples=1, precision=precision
    )
    record = result.save(tmp_path / "out")[-1]
    within = SAME_VOXELS_WITHIN[precision]
    assert f'"same_voxels_within_sigma": {within}' in record.read_text()
    monkeypatch.setenv("MEDRESTORE_MODELS", str(models))
    for chip in (True, False):
        monkeypatch.setattr("medrestore.core.compute.has_bfloat16", lambda _device, c=chip: c)
        plan, _ = read_record(record)
        assert plan.precision == precision
        if chip == (precision == "bfloat16"):
            assert plan.warnings == result.plan.warnings
            assert np.array_equal(mr.rerun(record).restored.array, result.restored.array)
            continue
        own = "bfloat16" if chip else "float32"
        (note,) = set(plan.warnings) - set(result.plan.warnings)
        assert note.startswith(f"repeated in {precision} as recorded, where this device would")
        assert f"take {own}" in note and f"within {within} σ" in note
        again = mr.rerun(record)
        assert np.array_equal(again.restored.array, result.restored.array)
        assert note in again.warnings


def test_another_machine_is_named_and_said_once(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDRESTORE_MODELS", str(models))
    volume = mr.read(write_nifti(tmp_path / "head.nii.gz", mr_array((2, 24, 24))), "MR")
    record = mr.denoise(volume, noise=0.05, samples=0).save(tmp_path / "out")[-1]
    recorded = json.loads(record.read_text())["software"]
    monkeypatch.setattr("medrestore.results.saving.versions", lambda _formats: recorded)
    monkeypatch.setattr("medrestore.results.software.device_name", lambda _device: "a new chip")
    monkeypatch.setattr("medrestore.results.software.version", lambda _package: "9.9")
    again = mr.rerun(record)
    (note,) = [text for text in again.warnings if text.startswith("repeated ")]
    assert note.startswith("repeated on a new chip, recorded on ")
    assert "with torch 9.9, recorded with" in note
    second = mr.rerun(again.save(tmp_path / "again")[-1])
    assert [text for text in second.warnings if text.startswith("repeated ")] == [note]
