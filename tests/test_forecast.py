"""Forecasts: what is measured, how it is scaled, and what follows for batches and warnings."""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from medrestore import forecast
from medrestore.api import make_plan
from medrestore.core.noise_field import white_slice
from medrestore.core.predictor import Condition
from medrestore.errors import SettingsError
from medrestore.forecast import Pace, complete, pace_of, seconds_of
from medrestore.guards import check
from medrestore.models import Model, find_card, load
from medrestore.pipeline import run
from medrestore.plan import Noise, resolve
from medrestore.settings import Settings
from medrestore.volume import Geometry, Volume

PACE = Pace(1e-6, 2e-7, window=1e-3, checking=0.0, voxel_bytes=500, window_bytes=1e6)


@pytest.fixture(scope="module")
def model(tiny_models) -> Model:
    return load(find_card("mr_tiny", "MR"))


def scan(shape: tuple[int, ...]) -> Volume:
    array = np.random.default_rng(0).normal(100, 5, shape).astype(np.float32)
    return Volume(array, Geometry(shape[-3:], np.eye(4)), "MR")


def planned(model: Model, shape: tuple[int, ...], **settings):
    return resolve(Settings(**settings), scan(shape), model.card, Noise(5.0), 100.0, "cpu")


class Clockwork:
    """A model whose work takes time that is known: it moves the hands itself."""

    def __init__(self, model: Model) -> None:
        self._model, self.now = model, 0.0

    def __getattr__(self, name: str):
        return getattr(self._model, name)

    def predict(self, c: Condition):
        self.now += 3e-6 * c.sigma.numel()
        return self._model.predict(c)

    def denoiser(self, batch, windows, slices):
        inner = self._model.denoiser(batch, windows, slices)

        def denoise(z_t, t, condition):
            assert condition.shape[-2:] in ((32, 32), (104, 104))  # 1 or 4 × 4 windows a slice
            self.now += 7e-3 * len(z_t) * (1 if condition.shape[-1] == 32 else 16)
            return inner(z_t, t, condition)

        return denoise


def test_a_small_run_is_timed(model: Model) -> None:
    clockwork = Clockwork(model)
    pace = pace_of(clockwork, clock=lambda: clockwork.now)
    assert pace.predicting == pytest.approx(3e-6)
    assert pace.window == pytest.approx(7e-3)
    assert pace.drawing == 0
    assert 50 < pace.voxel_bytes < 1000
    assert 32**2 * 4 * 7 < pace.window_bytes < 5e6


def test_time_is_counted_in_voxels_windows_and_samples(model: Model) -> None:
    voxels, tiles = 6 * 70 * 50, 3 * 2  # windows of 32, every 24

    def seconds(**settings) -> float:
        return seconds_of(planned(model, (6, 70, 50), **settings), model.card, PACE)

    assert seconds(samples=0) == pytest.approx(1e-6 * voxels)
    assert seconds(samples=3, steps=1) == pytest.approx(1e-6 * voxels + 3 * 2e-7 * voxels)
    assert seconds(samples=3, steps=4) == pytest.approx(
        1e-6 * voxels + 3 * 2e-7 * voxels + 1e-3 * 6 * tiles * (1 + 3 * 3)
    )


def test_guards_are_counted(model: Model) -> None:
    plan, slow = planned(model, (30, 70, 50), samples=0), replace(PACE, checking=1e-6)
    plane = 70 * 50
    without, counted = (seconds_of(plan, model.card, pace) for pace in (PACE, slow))
    assert counted - without == pytest.approx(1e-6 * plane * (30 + 24))  # 24 are seen twice


def test_time_points_and_previews(model: Model) -> None:
    one, settings = planned(model, (6, 70, 50), samples=2), {"samples": 2}
    frames = planned(model, (4, 6, 70, 50), **settings)
    assert seconds_of(frames, model.card, PACE) == pytest.approx(
        4 * seconds_of(one, model.card, PACE)
    )
    half = seconds_of(one.for_slices((0, 1, 2)), model.card, PACE)
    assert half == pytest.approx(seconds_of(one, model.card, PACE) / 2)


def test_batches_shrink_to_the_memory_that_is_free(model, monkeypatch) -> None:
    plan = replace(planned(model, (6, 70, 50)), slab=8)
    monkeypatch.setattr(forecast, "_PACES", _Always(PACE))
    monkeypatch.setattr(forecast, "free_bytes", lambda device: 1 << 40)
    roomy = complete(plan, model.card, lambda: model)
    assert (roomy.slab, roomy.batch) == (8, 16)
    held = forecast._held_bytes(plan)
    monkeypatch.setattr(forecast, "free_bytes", lambda device: held + int(2 * 6.5e6))
    tight = complete(plan, model.card, lambda: model)
    assert (tight.slab, tight.batch) == (3, 6)  # 1.75 MB a slice, 1 MB a window
    monkeypatch.setattr(forecast, "free_bytes", lambda device: 0)
    least = complete(plan, model.card, lambda: model)
    assert (least.slab, least.batch) == (1, 1)


def test_a_run_stays_within_the_memory_it_is_given(model, monkeypatch) -> None:
    monkeypatch.setattr(forecast, "_PACES", _Always(PACE))
    plan = replace(planned(model, (6, 70, 50)), slab=8)
    allowed = (forecast._held_bytes(plan) + 2 * 6.5e6) / 1e9
    limited = replace(plan, settings=replace(plan.settings, memory_gb=allowed))
    done = complete(limited, model.card, lambda: model)
    assert (done.slab, done.batch) == (3, 6)
    assert done.memory_bytes <= allowed * 1e9
    assert done.warnings == plan.warnings
    narrow = replace(plan, settings=replace(plan.settings, memory_gb=1e-4))
    (warning,) = complete(narrow, model.card, lambda: model).warnings
    assert "0.0 GB is the limit that was set; raise it or crop the scan" in warning
    with pytest.raises(SettingsError, match="memory_gb is above 0, got 0; leave it out"):
        Settings(memory_gb=0)


def test_too_little_memory_is_said_before_the_run(model, monkeypatch) -> None:
    monkeypatch.setattr(forecast, "_PACES", _Always(PACE))
    plan = planned(model, (6, 70, 50))
    assert complete(plan, model.card, lambda: model).warnings == plan.warnings
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1_000_000))
    (warning,) = complete(plan, model.card, lambda: model).warnings
    assert "0.0 GB are free; close other programs or crop the scan" in warning


def test_a_plan_is_timed_once(model, tiny_models, monkeypatch) -> None:
    timed = []
    monkeypatch.setattr(forecast, "_PACES", {})
    monkeypatch.setattr(forecast, "pace_of", lambda *_: timed.append(1) or PACE)
    first = make_plan(scan((3, 40, 40)), Settings(noise=0.05, samples=0))
    make_plan(scan((3, 40, 40)), Settings(noise=0.05, samples=0))
    assert len(timed) == 1
    assert first.seconds == pytest.approx(1e-6 * 3 * 40 * 40, abs=0.01)
    assert first.memory_bytes is not None and first.memory_bytes > 3 * 40 * 40 * 4


@pytest.mark.parametrize("samples", [0, 3])
@pytest.mark.parametrize("keep", [False, True])
def test_arrays_held_are_as_many_as_forecast(model: Model, samples: int, keep: bool) -> None:
    volume = scan((60, 80, 80))
    plan = planned(model, volume.array.shape, samples=samples, steps=1, keep_samples=keep)
    check(plan, volume, run(plan, volume, model), 0.0)  # what is loaded once is no part of it
    white_slice.cache_clear()
    tracemalloc.start()
    check(plan, volume, run(plan, volume, model), 0.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak == pytest.approx(forecast._held_bytes(plan), rel=0.2)


class _Always(dict):
    """A table that knows every key."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: object) -> object:
        return self.value
