"""Models that read stacks of slices: what a slab, a preview or a short scan must not change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.engine.plan import Plan
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Volume
from tiny import write_tiny_stack_model

SHAPE = (30, 34, 26)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_stack_model(tmp_path_factory.mktemp("models")) / "mr_tiny3d"


def scan(shape: tuple[int, int, int]) -> Volume:
    rng = np.random.default_rng(0)
    array = 100 + 20 * np.sin(np.arange(shape[2]) / 3) + rng.normal(0, 5, shape)
    return Volume(array.astype(np.float32), Geometry(shape, np.eye(4)), "MR")


@pytest.fixture(scope="module")
def volume() -> Volume:
    return scan(SHAPE)


@pytest.fixture(scope="module")
def plan(volume: Volume, model: Path) -> Plan:
    settings = Settings(model=str(model), noise=0.05, samples=2, keep_samples=True, seed=3)
    return make_plan(volume, settings)


def test_the_card_decides_the_mode(plan: Plan) -> None:
    assert plan.mode == "patch3d"


def test_slices_of_a_stack_see_each_other(plan: Plan, volume: Volume) -> None:
    changed = volume.array.copy()
    changed[12] += 30
    other = run_plan(plan, volume.with_array(changed))
    difference = np.abs(other.restored.array - run_plan(plan, volume).restored.array)
    assert difference[11].max() > 1e-3
    assert difference[25].max() == 0


def test_no_seam_at_the_windows(plan: Plan) -> None:
    """On uniform input the map of standard deviations is flat through the slices."""
    flat = Volume(np.full(SHAPE, 100, np.float32), Geometry(SHAPE, np.eye(4)), "MR")
    s = run_plan(replace(plan, settings=replace(plan.settings, samples=0)), flat).std.array
    profile = s.mean(axis=(1, 2))
    assert np.ptp(profile[4:-4]) <= 0.02 * profile.mean()


@pytest.mark.parametrize("depth", [1, 5, 8])
def test_a_scan_thinner_than_a_stack(model: Path, depth: int) -> None:
    volume = scan((depth, 20, 18))
    result = mr.denoise(volume, model=str(model), noise=0.05, samples=2)
    assert result.restored.array.shape == (depth, 20, 18)
    assert np.isfinite(result.std.array).all()
    assert (result.std.array > 0).all()
