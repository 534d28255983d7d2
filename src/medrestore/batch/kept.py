"""Models that a process has loaded, kept for the scans to come."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from medrestore.models.model import find_card, load

if TYPE_CHECKING:
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model

__all__ = ["Models"]


class Models:
    """Each model is loaded once for a device and a precision.

    ``running`` is held by whoever computes: a plan takes all the memory that is free, and a model
    may have to move to the CPU, so one run at a time has it; others may read and write meanwhile.
    """

    def __init__(self) -> None:
        self.running = Lock()
        self._loaded: dict[tuple[str, str, str], Model] = {}

    def of(self, plan: Plan) -> Model:
        """The model of a plan; to be asked for while ``running`` is held.

        Raises
        ------
        ModelError
            If its weights are missing or damaged.
        """
        key = (plan.model_sha256, plan.device, plan.precision)
        if key not in self._loaded:
            card = find_card(plan.settings.model, plan.modality, plan.mode)
            self._loaded[key] = load(card, plan.device, plan.precision)
        return self._loaded[key]
