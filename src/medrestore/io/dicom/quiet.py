"""Keeping pydicom's and highdicom's remarks out of logs: they may quote a patient's data."""

from __future__ import annotations

import logging
import threading
import warnings
from typing import Any

__all__ = ["quiet"]


class _Quiet:
    """Silence while anybody is inside: threads enter and leave in any order."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._logger = logging.getLogger("pydicom")
        self._talker = logging.getLogger("highdicom")  # its children inherit a level
        self._before: tuple[warnings.catch_warnings[Any], bool, int]

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = warnings.catch_warnings(), self._logger.disabled, self._talker.level
                self._before[0].__enter__()
                warnings.simplefilter("ignore")
                self._logger.disabled = True
                self._talker.setLevel(logging.CRITICAL + 1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                caught, self._logger.disabled, level = self._before
                self._talker.setLevel(level)
                caught.__exit__(None, None, None)


_QUIET = _Quiet()


def quiet() -> _Quiet:
    """A context without the logs of pydicom and highdicom, and without warnings."""
    return _QUIET
