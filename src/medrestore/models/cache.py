"""Models that a process has loaded, for the runs to come."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from medrestore.models.model import load

if TYPE_CHECKING:
    from medrestore.models.card import Card
    from medrestore.models.model import Model

__all__ = ["MODELS", "ModelCache"]

MOST = 4
"""Models held at once; the one that was used longest ago goes first."""


class ModelCache:
    """Each model is loaded, and its weights hashed, once for a device and a precision.

    A model is read again if its file of weights was touched since.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: OrderedDict[tuple[object, ...], Model] = OrderedDict()

    def get(self, card: Card, device: str, precision: str) -> Model:
        """The model of a card.

        Raises
        ------
        ModelError
            If its weights are missing, damaged or do not fit the card.
        """
        with self._lock:
            key = (card.sha256, _state(card), device, precision)
            if key not in self._loaded:
                self._loaded[key] = load(card, device, precision)
            self._loaded.move_to_end(key)
            while len(self._loaded) > MOST:
                self._loaded.popitem(last=False)
            return self._loaded[key]


def _state(card: Card) -> tuple[object, ...]:
    """Path, size and time of a file of weights; the path alone where there is none."""
    try:
        stat = card.weights.stat()
    except OSError:
        return (card.weights,)
    return card.weights, stat.st_size, stat.st_mtime_ns


MODELS = ModelCache()
"""The models of this process."""
