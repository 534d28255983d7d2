"""Regions measured after a run: at once, from what the run kept, and as the samples say in full."""

from dataclasses import replace

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.core.residual_bytes import STEP
from medrestore.errors import ResourceError, SettingsError
from medrestore.models.model import Model
from medrestore.results.regions import Region
from medrestore.settings.settings import Settings
from meters import Stop
from scans import AFFINE, mr_array

pytestmark = pytest.mark.usefixtures("tiny_models")
SHAPE = (6, 40, 48)
SETTINGS = Settings(noise=0.05, samples=3, steps=2)


@pytest.fixture(scope="module")
def scan() -> mr.Volume:
    array = mr_array(SHAPE)
    array[2, 14:16, 14:16] = np.nan  # no measurement
    return mr.Volume(array, mr.Geometry(SHAPE, AFFINE), "MR")


@pytest.fixture(scope="module")
def kept(scan: mr.Volume, tiny_models: object) -> mr.Result:
    return run_plan(make_plan(scan, replace(SETTINGS, keep_samples=True)), scan)


@pytest.fixture(scope="module")
def result(scan: mr.Volume, tiny_models: object) -> mr.Result:
    return run_plan(make_plan(scan, SETTINGS), scan)


def box(z: slice, y: int, x: int, size: int = 8) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[z, y : y + size, x : x + size] = True
    return mask


A, B = box(slice(3, 5), 12, 12), box(slice(2, 5), 18, 24)


def close(found: Region, wanted: Region) -> None:
    """Equal, but for the rounding of the bytes, which many voxels average away."""
    assert found.mean == pytest.approx(wanted.mean, rel=1e-6)
    apart = np.subtract(found.samples, wanted.samples)
    assert np.abs(apart).max() < 0.08 * wanted.std  # 0.018 of it, where errors are white
    assert (found.std, found.half_width) == pytest.approx((wanted.std, wanted.half_width), rel=0.01)
    assert found[5:6] + found[7:] == wanted[5:6] + wanted[7:]


def test_the_bytes_are_the_samples(result: mr.Result, kept: mr.Result) -> None:
    assert result.samples is None and result._arrays is not None and kept._arrays is not None
    found = result._arrays.residuals
    assert kept._arrays.residuals is None
    assert found is not None and found.dtype == np.int8 and found.shape == (3, *SHAPE)
    back = result._arrays.mu + STEP * result._arrays.s * found
    apart = np.abs(back - kept.samples) / np.maximum(result._arrays.s, 1e-6)
    measured = result._arrays.s > 0
    assert np.nanmax(apart[:, measured]) <= STEP / 2 + 1e-3


def test_measuring_after_a_run_asks_no_network(
    result: mr.Result, kept: mr.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked for")

    monkeypatch.setattr("medrestore.engine.plan.Plan.load_model", refuse)
    monkeypatch.setattr("medrestore.results.regions.run", refuse)
    for name in ("predict", "denoiser"):
        monkeypatch.setattr(Model, name, refuse)
    assert not result.regions().redraws
    for unloaded in (result, replace(result, _model=None)):
        close(unloaded.region(A), kept.region(A))
        close(unloaded.difference(A, B), kept.difference(A, B))


def test_regions_of_a_saved_run_are_drawn_again_to_the_same(result: mr.Result) -> None:
    lost = replace(result, _arrays=None)
    assert lost.regions().redraws
    found, wanted = lost.difference(A, B), result.difference(A, B)
    assert found[:6] == pytest.approx(wanted[:6], rel=1e-4)
    assert found.samples == pytest.approx(wanted.samples, rel=1e-4)


def test_a_preview_and_a_cancelled_run_are_measured_too(scan: mr.Volume, result: mr.Result) -> None:
    plan = make_plan(scan, SETTINGS).for_slices((3, 4))
    part = run_plan(plan, scan)
    assert part._arrays is not None and part._arrays.residuals is not None
    assert part._arrays.residuals.shape == (3, 2, *SHAPE[1:])
    assert part.region(A)[:6] == pytest.approx(result.region(A)[:6], rel=1e-4)
    cancelled = run_plan(plan, scan, Stop(2 * (4 + 1 + 2)))
    assert cancelled.drawn == 2
    assert len(cancelled.region(A).samples) == 2
    assert cancelled.region(A).samples == pytest.approx(result.region(A).samples[:2], rel=1e-4)


def test_time_points_have_regions_of_their_own(scan: mr.Volume) -> None:
    frames = np.stack([scan.array, scan.array[::-1]])
    series = scan.with_array(frames)
    found = run_plan(make_plan(series, SETTINGS), series)
    assert found._arrays is not None and found._arrays.residuals is not None
    assert found._arrays.residuals.shape == (3, *frames.shape)
    full = run_plan(make_plan(series, replace(SETTINGS, keep_samples=True)), series)
    for t in (0, 1):
        close(found.region(B, t), full.region(B, t))
    assert found.region(B, 0).mean != found.region(B, 1).mean


def test_where_the_disk_has_no_room_samples_are_drawn_again(
    scan: mr.Volume, result: mr.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scarce(shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
        if dtype is np.int8:
            raise ResourceError("the disk is full")
        return np.zeros(shape, dtype)

    monkeypatch.setattr("medrestore.engine.arrays.zeros", scarce)
    found = run_plan(make_plan(scan, SETTINGS), scan)
    assert found._arrays is not None and found._arrays.residuals is None
    assert found.regions().redraws
    assert np.array_equal(found.std.array, result.std.array, equal_nan=True)


def test_a_difference_is_what_its_name_says(result: mr.Result) -> None:
    apart = result.difference(A, B)
    assert apart.mean == pytest.approx(result.region(A).mean - result.region(B).mean, abs=1e-3)
    pairs = zip(result.region(A).samples, result.region(B).samples, strict=True)
    assert apart.samples == pytest.approx([a - b for a, b in pairs], abs=1e-3)
    turned = result.difference(B, A)
    assert turned[:3] == pytest.approx((-apart.mean, -apart.upper, -apart.lower), abs=1e-4)
    assert apart.exceeds(0) == pytest.approx(1 - turned.exceeds(0), abs=1e-6)
    assert apart.voxels == np.count_nonzero(A | B)
    with pytest.raises(SettingsError, match="the same"):
        result.difference(A, A)
    with pytest.raises(SettingsError, match="empty"):
        result.difference(A, ~(A | True))


def test_probabilities_follow_the_interval() -> None:
    region = Region(85.592, 85.112, 86.072, 0.25, 0.9, 100, dof=9.0, unit="HU")
    assert region.exceeds(region.upper) == pytest.approx(0.05)
    assert region.exceeds(region.lower) == pytest.approx(0.95)
    assert region.exceeds(region.mean) == pytest.approx(0.5)
    assert str(region) == "85.6 ± 0.5 HU (90 %)"
    assert str(region._replace(calibrated=False)) == "85.6 ± 0.5 HU (90 %, not calibrated)"
    sure = region._replace(lower=85.592, upper=85.592)
    assert (sure.exceeds(85), sure.exceeds(86)) == (1.0, 0.0)


def test_few_samples_never_make_an_interval_absurd(result: mr.Result) -> None:
    """Of two samples that happen to agree, an interval from them alone would be next to nothing."""
    closed = mr.denoise(result.scan, noise=0.05, samples=0)
    regions = [(result.region(m), closed.region(m)) for m in (A, B)]
    for fused, alone in regions:
        assert fused.dof == alone.dof + 2
        assert fused.half_width > 0.8 * alone.half_width
