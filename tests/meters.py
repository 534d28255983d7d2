"""Meters that tests follow runs with."""

from medrestore.errors import Cancelled


class Stop:
    """Cancels after so many evaluations."""

    def __init__(self, ticks: int) -> None:
        self.left = ticks

    def start(self, total: int, label: str) -> None:
        assert total > 0 and label

    def tick(self, n: int = 1) -> None:
        self.left -= n
        if self.left < 0:
            raise Cancelled("stopped by the test")


class Counter:
    """Counts evaluations; ``total`` is what was promised."""

    def __init__(self) -> None:
        self.total = self.ticks = 0

    def start(self, total: int, label: str) -> None:
        self.total = total

    def tick(self, n: int = 1) -> None:
        self.ticks += n
