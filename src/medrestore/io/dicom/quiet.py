"""Keeping pydicom's remarks on a file's values out of logs: they may quote a patient's data."""

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
        self._before: tuple[warnings.catch_warnings[Any], bool]

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = warnings.catch_warnings(), self._logger.disabled
                self._before[0].__enter__()
                warnings.simplefilter("ignore")
                self._logger.disabled = True
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                caught, self._logger.disabled = self._before
                caught.__exit__(None, None, None)


_QUIET = _Quiet()


def quiet() -> _Quiet:
    """A context without pydicom's log and warnings."""
    return _QUIET
