"""Reports: not too many, and the time left."""

import pytest

from medrestore.engine.forecast import Course
from medrestore.errors import Cancelled
from medrestore.plugin.jobs import Progress, RunMeter


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_reports_come_at_most_twice_a_second(clock):
    reports = []
    meter = RunMeter(reports.append, lambda: False, clock)
    meter.start(1000, "Restoring")
    for _ in range(1000):
        clock.now += 0.001
        meter.tick()
    assert 2 <= len(reports) <= 4
    assert reports[0] == Progress("Restoring", 0, 1000)
    assert reports[-1].done == 1000


def test_the_time_left_follows_the_pace(clock):
    reports = []
    meter = RunMeter(reports.append, lambda: False, clock)
    meter.start(10, "Restoring")
    for _ in range(4):
        clock.now += 2
        meter.tick()
    assert reports[-1].seconds_left == pytest.approx(12)


def test_the_time_left_starts_from_a_forecast_and_follows_the_runs_own_speed(clock):
    """Twice as slow as forecast: by the end the time left is right, and never jumps."""
    reports = []
    meter = RunMeter(reports.append, lambda: False, clock)
    course = Course(predicting=10, sampling=40, checking=2, slices=10, passes=4)
    meter.expect(course)
    meter.start(50, "Restoring")
    assert reports[0].seconds_left == 52
    for tick in range(50):
        clock.now += 2.0  # each of them is forecast to take one
        meter.tick()
        left = 2 * (50 - tick - 1) + 4
        shown = reports[-1].seconds_left
        assert shown == pytest.approx(left, rel=2 / (tick + 3), abs=0.1)  # what 2 s weigh
    assert reports[-1].seconds_left == pytest.approx(4, rel=0.05)


def test_a_tick_after_the_wish_to_stop_raises():
    meter = RunMeter(lambda _: None, lambda: True)
    meter.start(10, "Restoring")
    with pytest.raises(Cancelled):
        meter.tick()


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("Loading the model"), "Loading the model…"),
        (Progress("Restoring", 1, 3), "33 %"),
        (Progress("Restoring", 1, 3, 0.2), "33 %, about 1 s left"),
        (Progress("Restoring", 1, 3, 200), "33 %, about 3 min left"),
    ],
)
def test_in_words(progress, text):
    assert progress.text == text
