"""Forecasts: what is measured, how it is scaled, and what follows for batches and warnings."""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from medrestore.api import make_plan
from medrestore.core.predictor import Condition
from medrestore.core.tiles import tiles
from medrestore.core.white_noise import white_slice
from medrestore.engine import forecast
from medrestore.engine.checks import check
from medrestore.engine.forecast import complete, course_of, known_course
from medrestore.engine.grid_choice import WorkingGrid
from medrestore.engine.pace import FRESH_S, Pace, kind_of, pace_of
from medrestore.engine.pipeline import run
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.errors import SettingsError
from medrestore.models.model import Model, find_card, load
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Volume
from tiny import write_tiny_prior, write_tiny_stack_model

PACE = Pace(1e-6, 2e-7, window=1e-3, checking=0.0, voxel_bytes=500, window_bytes=1e6)


@pytest.fixture(scope="module")
def model(tiny_models) -> Model:
    return load(find_card("mr_tiny", "MR"))


@pytest.fixture(scope="module")
def prior(tmp_path_factory) -> Model:
    """One that knows what it would say untold, and whose image is the mean of its samples."""
    folder = tmp_path_factory.mktemp("prior")
    facts = {"mean": 1.0, "std": 0.2, "slices": 1}
    write_tiny_prior(folder, "mr_score", facts, "score")
    return load(find_card(str(folder / "mr_score"), "MR"))


@pytest.fixture(scope="module")
def stack_model(tmp_path_factory) -> Model:
    folder = write_tiny_stack_model(tmp_path_factory.mktemp("stacks"))
    return load(find_card(str(folder / "mr_tiny3d"), "MR"))


def scan(shape: tuple[int, ...]) -> Volume:
    array = np.random.default_rng(0).normal(100, 5, shape).astype(np.float32)
    return Volume(array, Geometry(shape[-3:], np.eye(4)), "MR")


def planned(model: Model, shape: tuple[int, ...], **settings):
    return resolve(Settings(**settings), scan(shape), model.card, Noise(5.0), 100.0, "cpu")


def seconds_of(plan, card, pace) -> float:
    return course_of(plan, card, pace).seconds


@pytest.fixture
def known(monkeypatch):
    """Nothing was timed yet, and whatever is timed takes `PACE`."""
    monkeypatch.setattr(forecast, "_PACES", {})
    monkeypatch.setattr(forecast, "pace_of", lambda *_, **__: PACE)


class Clockwork:
    """A model whose work takes time that is known: it moves the hands itself."""

    def __init__(self, model: Model, wait: float = 0.0) -> None:
        self._model, self.now, self.wait, self.planes = model, 0.0, wait, set()

    def __getattr__(self, name: str):
        return getattr(self._model, name)

    def predict(self, c: Condition):
        self.now += self.wait + 3e-6 * c.sigma.numel()
        return self._model.predict(c)

    def denoiser(self, batch, windows, slices, stride=0):
        inner = self._model.denoiser(batch, windows, slices, stride)
        first = [a for a in windows.covering(slices) if {*windows.inside(a)} <= {*slices}]
        read = len(first) * windows.window  # stacks overlap

        def denoise(z_t, t, condition):
            plane = tuple(condition.shape[-2:])
            self.planes.add(plane)
            self.now += self.wait + 7e-3 * read * tiles(plane, *self._model.card.window)
            return inner(z_t, t, condition)

        return denoise


@pytest.mark.parametrize(
    ("shape", "timed"),
    [((6, 70, 50), (56, 80)), ((2, 900, 40), (56, 152)), ((9, 20, 20), (32, 32))],
)
def test_a_small_run_of_the_planned_kind_is_timed(model: Model, shape, timed) -> None:
    clockwork = Clockwork(model)
    pace = pace_of(clockwork, planned(model, shape), clock=lambda: clockwork.now)
    assert clockwork.planes == {timed, (32, 32)}  # whole windows, six a side; one, for memory
    assert pace.predicting == pytest.approx(4 * 3e-6)  # mirrored
    assert pace.window == pytest.approx(7e-3)
    assert pace.drawing == pytest.approx(0, abs=1e-12)
    assert 50 < pace.voxel_bytes < 1000
    assert 32**2 * 4 * 7 < pace.window_bytes < 5e6


@pytest.mark.parametrize(
    "asked", [{}, {"guidance": 2.0}, {"measurement": 0.5}, {"sampler": "heun"}]
)
@pytest.mark.parametrize("samples", [1, 5])
def test_a_forecast_is_what_the_run_takes(model, prior, asked, samples) -> None:
    """Whatever is asked for, and with what each evaluation costs beside its windows."""
    engine = prior if "guidance" in asked else model
    samples += engine is prior  # which takes at least two
    plan = planned(engine, (4, 70, 50), samples=samples, steps=3, **asked)
    clockwork = Clockwork(engine, wait=0.01)
    pace = pace_of(clockwork, plan, clock=lambda: clockwork.now)
    begun = clockwork.now
    run(plan, scan((4, 70, 50)), clockwork)
    assert seconds_of(plan, engine.card, pace) == pytest.approx(clockwork.now - begun, rel=0.05)


def test_a_forecast_of_some_slices_of_a_3d_model_counts_what_they_depend_on(stack_model) -> None:
    whole = planned(stack_model, (40, 32, 32), samples=2)
    some = whole.for_slices((20,))
    clockwork = Clockwork(stack_model)
    pace = pace_of(clockwork, some, clock=lambda: clockwork.now)
    begun = clockwork.now
    run(some, scan((40, 32, 32)), clockwork)
    assert seconds_of(some, stack_model.card, pace) == pytest.approx(clockwork.now - begun, rel=0.2)
    assert (
        seconds_of(some, stack_model.card, pace)
        > 2 * seconds_of(whole, stack_model.card, pace) / 40
    )


def test_a_pace_grows_old(model, monkeypatch) -> None:
    now, timed = [1000.0], []
    monkeypatch.setattr(forecast, "_PACES", {})
    monkeypatch.setattr(forecast, "pace_of", lambda *_, **how: timed.append(how) or PACE)
    monkeypatch.setattr(forecast.time, "monotonic", lambda: now[0])
    plan = planned(model, (6, 70, 50))
    for later in (0, FRESH_S - 1, 2):
        now[0] += later
        complete(plan, model.card, lambda: model)
    complete(planned(model, (6, 400, 400)), model.card, lambda: model)  # of another kind
    assert timed == [{"warm": False}, {"warm": True}, {"warm": True}]


def test_kinds_of_runs(model: Model) -> None:
    def kind(shape=(6, 70, 50), **settings):
        return kind_of(planned(model, shape, **settings), model.card)

    assert kind() == kind(samples=3, steps=2, seed=7) == kind((60, 70, 50))
    assert kind(steps=3) == kind(steps=50) != kind()  # what lies between two evaluations, too
    assert kind((6, 900, 900)) == kind((6, 800, 700))
    assert kind((6, 50, 70)) == kind((6, 72, 48))  # as many windows
    assert len({kind(), kind((6, 900, 900)), kind(sampler="ddpm"), kind(measurement=1.0)}) == 4


def test_the_course_of_a_run(model: Model, known) -> None:
    plan = planned(model, (2, 4, 70, 50), samples=2, steps=2)
    assert known_course(plan, model.card) is None
    done = complete(plan, model.card, lambda: model)
    course = known_course(done, model.card)
    assert done.seconds == pytest.approx(course.seconds, abs=0.01)
    one = 4 * (4 + 3)  # ticks of a time point: four predictions, start, two samples
    assert course.reached(0) == 0
    assert course.reached(16) == pytest.approx(course.predicting / 2)
    assert course.reached(one) == pytest.approx((course.predicting + course.sampling) / 2)
    assert course.reached(one + 16) == pytest.approx(course.predicting + course.sampling / 2)
    assert course.reached(2 * one) == pytest.approx(course.seconds - course.checking)
    steps = np.diff([course.reached(n) for n in range(2 * one + 1)])
    assert (steps > 0).all()


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


def test_batches_shrink_to_the_memory_that_is_free(model, known, monkeypatch) -> None:
    plan = replace(planned(model, (6, 70, 50)), slab=8)
    monkeypatch.setattr(forecast, "free_bytes", lambda device: 1 << 40)
    roomy = complete(plan, model.card, lambda: model)
    assert (roomy.slab, roomy.batch) == (8, 16)
    held = forecast._resident_bytes(plan)
    monkeypatch.setattr(forecast, "free_bytes", lambda device: held + int(2 * 6.5e6))
    tight = complete(plan, model.card, lambda: model)
    assert (tight.slab, tight.batch) == (3, 6)  # 1.75 MB a slice, 1 MB a window
    monkeypatch.setattr(forecast, "free_bytes", lambda device: 0)
    least = complete(plan, model.card, lambda: model)
    assert (least.slab, least.batch) == (1, 1)


def test_a_run_stays_within_the_memory_it_is_given(model, known, monkeypatch) -> None:
    plan = replace(planned(model, (6, 70, 50)), slab=8)
    allowed = (forecast._resident_bytes(plan) + 2 * 6.5e6) / 1e9
    limited = replace(plan, settings=replace(plan.settings, memory_gb=allowed))
    done = complete(limited, model.card, lambda: model)
    assert (done.slab, done.batch) == (3, 6)
    assert done.memory_bytes <= allowed * 1e9
    assert done.warnings == plan.warnings
    narrow = replace(plan, settings=replace(plan.settings, memory_gb=1e-4))
    (warning,) = complete(narrow, model.card, lambda: model).warnings
    assert "0.1 MB is the limit that was set; raise it or crop the scan" in warning
    with pytest.raises(SettingsError, match="memory_gb is above 0, got 0; leave it out"):
        Settings(memory_gb=0)


def test_too_little_memory_is_said_before_the_run(model, known, monkeypatch) -> None:
    plan = planned(model, (6, 70, 50))
    assert complete(plan, model.card, lambda: model).warnings == plan.warnings
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1_000_000))
    (warning,) = complete(plan, model.card, lambda: model).warnings
    assert "1 MB are free; close other programs or crop the scan" in warning


def test_a_plan_is_timed_once(model, tiny_models, monkeypatch) -> None:
    timed = []
    monkeypatch.setattr(forecast, "_PACES", {})
    monkeypatch.setattr(forecast, "pace_of", lambda *_, **__: timed.append(1) or PACE)
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
    assert peak == pytest.approx(forecast._resident_bytes(plan), rel=0.2)


def test_a_run_on_the_acquired_grid_takes_what_one_of_that_size_takes(model):
    """And the way there and back, and the maps as they are shown."""
    grid = WorkingGrid((64, 80), "known")
    settings = Settings(samples=2)
    level = (Noise(5.0), 100.0, "cpu")
    plan = resolve(settings, scan((6, 128, 160)), model.card, *level, grid=grid)
    small = planned(model, (6, 64, 80), samples=2)
    assert (plan.slab, plan.evaluations) == (small.slab, small.evaluations)
    found, wanted = (course_of(one, model.card, PACE) for one in (plan, small))
    assert found.predicting == wanted.predicting and found.sampling == wanted.sampling
    assert 0 < found.checking < 10  # seconds of resampling, PACE has none of guards
    assert kind_of(plan, model.card) == kind_of(small, model.card)
    shown, less = (complete(one, model.card, lambda: model).memory_bytes for one in (plan, small))
    maps = 4 * 6 * 128 * 160
    assert 7 * maps <= shown - less < 9 * maps
