"""Coverage of region means: the intervals are those of `Result.region`, box by box."""

from dataclasses import replace

import numpy as np
import pytest
from made_cases import result as made_result

import medrestore as mr
from medrestore.evaluation import coverage as module
from medrestore.evaluation.coverage import region_means
from scans import AFFINE, mr_array

pytestmark = pytest.mark.usefixtures("tiny_models")
INSIDE = np.zeros((6, 40, 48), bool)
INSIDE[:, 10:30, 10:40] = True


@pytest.fixture(scope="module")
def scan() -> mr.Volume:
    return mr.Volume(mr_array((6, 40, 48)), mr.Geometry((6, 40, 48), AFFINE), "MR")


@pytest.fixture(scope="module")
def plain(scan: mr.Volume, tiny_models: object) -> mr.Result:
    return mr.denoise(scan, noise=0.05, samples=0)


@pytest.fixture(scope="module")
def sampled(scan: mr.Volume, tiny_models: object) -> mr.Result:
    return mr.denoise(scan, noise=0.05, samples=3, keep_samples=True)


@pytest.mark.parametrize("name", ["plain", "sampled"])
def test_intervals_are_those_of_the_result(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    result: mr.Result = request.getfixturevalue(name)
    monkeypatch.setattr(module, "SHAPES", ((1, 10, 10),))
    monkeypatch.setattr(module, "MOST", 4)
    rng = np.random.default_rng(4)
    reference = result.restored.array + rng.normal(0, 6, (6, 4, 4)).repeat(10, 1).repeat(12, 2)
    ((level,), why) = region_means(result, reference.astype(np.float32), INSIDE)
    assert why == "" and (level.shape, level.regions, level.voxels) == ((1, 10, 10), 4, 100)
    held, widths = [], []
    picked = [(z, y, x) for z in range(6) for y in (10, 20) for x in (10, 20, 30)]
    for index in np.linspace(0, 35, 4).astype(int):
        z, y, x = picked[index]
        mask = np.zeros(INSIDE.shape, bool)
        mask[z, y : y + 10, x : x + 10] = True
        region = result.region(mask)
        held.append(region.lower <= reference[mask].mean() <= region.upper)
        widths.append(region.upper - region.lower)
    assert level.covered == np.mean(held)
    assert level.width == pytest.approx(np.mean(widths), rel=1e-4)


def test_a_shift_beyond_every_interval_is_never_covered(plain: mr.Result) -> None:
    mean = plain.restored.array
    here, _ = region_means(plain, mean, INSIDE)
    assert {one.covered for one in here} == {1.0}
    assert [one.shape for one in here] == [(1, 4, 4), (1, 10, 10)]  # too few of the larger ones
    assert [one.bias for one in here] == pytest.approx([0, 0], abs=1e-3)
    away, _ = region_means(plain, mean - 1e4, INSIDE)
    assert {one.covered for one in away} == {0.0}
    assert [one.bias for one in away] == pytest.approx([1e4, 1e4], rel=1e-4)


def test_samples_are_drawn_again_only_if_asked(scan: mr.Volume, sampled: mr.Result) -> None:
    lost = replace(sampled, samples=None)
    truth = sampled.restored.array
    levels, why = region_means(lost, truth, INSIDE)
    assert levels == () and "--redraw" in why
    again, why = region_means(lost, truth, INSIDE, redraw=True)
    assert why == "" and again[0].shape == (1, 4, 4)
    kept, _ = region_means(sampled, truth, INSIDE)
    assert again[0].width == pytest.approx(kept[0].width, rel=0.25)  # five of the six slices


def test_kept_samples_without_the_rest_give_the_same_interval(sampled: mr.Result) -> None:
    """Of a saved run: μ is computed again, the samples are as they were."""
    lost = replace(sampled, _arrays=None)
    mask = np.zeros(INSIDE.shape, bool)
    mask[1:3, 12:20, 12:20] = True
    found, wanted = lost.region(mask), sampled.region(mask)
    assert found[:6] == pytest.approx(wanted[:6], rel=1e-4)
    assert found.samples == wanted.samples


def test_what_cannot_be_judged_says_why() -> None:
    made = made_result(np.ones(INSIDE.shape, np.float32), np.ones(INSIDE.shape, np.float32), 1.6)
    assert region_means(made, made.restored.array, INSIDE)[1].endswith("is not at hand")


def test_too_little_tissue(plain: mr.Result) -> None:
    few = np.zeros_like(INSIDE)
    few[:, 8:12, 8:12] = True
    assert "too little tissue" in region_means(plain, plain.restored.array, few)[1]
