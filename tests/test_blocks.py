"""A scan that is worked on in blocks, in files, has the voxels of one that is held whole."""

from dataclasses import fields, replace

import numpy as np
import pytest

from medrestore import disk_arrays
from medrestore.api import make_plan
from medrestore.core.compute import SAME_VOXELS_WITHIN
from medrestore.engine import pipeline
from medrestore.engine.arrays import MAPS, Arrays
from medrestore.engine.checks import check
from medrestore.engine.pipeline import run
from medrestore.models.card import Card
from medrestore.models.model import load
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Volume
from meters import Stop
from tiny import write_tiny_stack_model

SHAPE = (22, 40, 36)
PLANE = 4 * SHAPE[1] * SHAPE[2]


def volume(modality: str, *times: int) -> Volume:
    rng = np.random.default_rng(3)
    array = rng.normal(100 if modality == "MR" else 40, 8, (*times, *SHAPE)).astype(np.float32)
    array[..., 4, :5] = np.nan
    if modality == "CT":
        array[..., 9, :, :6] = -2000
    return Volume(array, Geometry(SHAPE, np.diag([2.0, 1, 1, 1])), modality)


@pytest.fixture
def in_blocks(monkeypatch):
    """Turns on blocks of 5 slices, everything larger than a plane in files."""

    def turn_on(slices: int = 5) -> None:
        monkeypatch.setattr(pipeline, "BLOCK_BYTES", slices * PLANE)
        monkeypatch.setattr(disk_arrays, "IN_MEMORY_BYTES", PLANE)

    return turn_on


def assert_same(one: Arrays, other: Arrays, atol: float = 0.0) -> None:
    assert one.drawn == other.drawn
    for f in fields(Arrays):
        a, b = getattr(one, f.name), getattr(other, f.name)
        if isinstance(a, np.ndarray):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=f.name)


@pytest.mark.parametrize("modality", ["MR", "CT"])
@pytest.mark.parametrize(
    "asked",
    [
        {"samples": 0},
        {"samples": 2, "steps": 1, "estimate": "sample"},
        {"samples": 3, "steps": 2, "keep_samples": True, "estimate": "posterior-mean"},
    ],
)
@pytest.mark.parametrize("precision", sorted(SAME_VOXELS_WITHIN))
def test_the_same_voxels_bit_for_bit(tiny_models, in_blocks, modality, asked, precision) -> None:
    scan = volume(modality)
    settings = Settings(noise=0.08 if modality == "MR" else 20.0, **asked)
    plan = replace(make_plan(scan, settings), slab=5)
    model = load(Card.read(tiny_models / f"{modality.lower()}_tiny"), "cpu", precision)
    whole = run(plan, scan, model)
    checked = check(plan, scan, whole, 0.1)
    in_blocks()
    parts = run(plan, scan, model)
    assert_same(parts, whole)
    for one, other in zip(check(plan, scan, parts, 0.1)[:2], checked[:2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_time_points_and_previews(tiny_models, in_blocks) -> None:
    scan = volume("MR", 2)
    plan = make_plan(scan, Settings(noise=0.08, samples=2, steps=2, keep_samples=True))
    plan = replace(plan, slab=5)
    model = load(Card.read(tiny_models / "mr_tiny"))
    preview = plan.for_slices((2, 3, 11, 12, 13, 20))
    whole, some = run(plan, scan, model), run(preview, scan, model)
    in_blocks()
    assert_same(run(plan, scan, model), whole)
    assert_same(run(preview, scan, model), some, atol=1e-3)


def test_stacks_overlap_between_blocks(tmp_path, in_blocks) -> None:
    """The windows of a 3-D model lie where the whole scan puts them; the last bit may differ."""
    model = load(Card.read(write_tiny_stack_model(tmp_path) / "mr_tiny3d"))
    scan = volume("MR")
    settings = Settings(
        model=str(tmp_path / "mr_tiny3d"), noise=0.08, samples=2, steps=3, keep_samples=True
    )
    plan = make_plan(scan, settings, model=model)
    whole = run(plan, scan, model)
    in_blocks(slices=2)  # four times as many in a 3-D model
    assert_same(run(plan, scan, model), whole, atol=2e-3)


def test_a_cancel_between_blocks_leaves_whole_samples(tiny_models, in_blocks) -> None:
    """Stopped in the middle of the third sample, the run has two, in every stretch."""
    scan, depth = volume("MR"), SHAPE[0]
    settings = Settings(noise=0.08, samples=4, steps=2, keep_samples=True)
    plan = replace(make_plan(scan, settings), slab=5)
    model = load(Card.read(tiny_models / "mr_tiny"))
    two = replace(plan, settings=replace(plan.settings, samples=2))
    whole = run(two, scan, model)
    in_blocks()
    stopped = run(plan, scan, model, Stop(5 * depth + 2 * depth + depth // 2))
    assert stopped.drawn == 2
    assert_same(stopped, whole)


def test_maps_lie_in_files(tiny_models, in_blocks) -> None:
    scan = volume("MR")
    plan = make_plan(scan, Settings(noise=0.08, samples=0))
    model = load(Card.read(tiny_models / "mr_tiny"))
    in_blocks()
    found = run(plan, scan, model)
    for name in MAPS:
        assert disk_arrays._shared_pages(getattr(found, name)) is not None
