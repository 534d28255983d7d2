"""Reports: not too many, and the time left."""

import pytest

from medrestore.errors import Cancelled
from medrestore.plugin.progress import Progress, RunMeter


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_reports_come_at_most_every_200_ms(clock):
    reports = []
    meter = RunMeter(reports.append, lambda: False, clock)
    meter.start(1000, "Restoring")
    for _ in range(1000):
        clock.now += 0.001
        meter.tick()
    assert 4 <= len(reports) <= 7
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
