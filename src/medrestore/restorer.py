"""Carrying out a plan: quietly, or with what its result warns of said as Python warnings."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from medrestore.core.meter import SILENT, Meter
from medrestore.engine.memory_fallback import run_sparingly
from medrestore.errors import MedrestoreWarning
from medrestore.models.model import find_card, load
from medrestore.results.result import Result

if TYPE_CHECKING:
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.volume import Volume

__all__ = ["carry_out", "said"]


def carry_out(
    plan: Plan, volume: Volume, meter: Meter = SILENT, model: Model | None = None
) -> Result:
    """Run a plan; `api.run_plan` says how, and is the same with `said`.

    For those who show ``result.warnings`` in a way of their own: command line, batch, widget.

    Raises
    ------
    ResourceError
        If there is too little memory, whatever is spared.
    """
    if model is None:
        card = find_card(plan.settings.model, plan.modality, plan.mode)
        model = load(card, plan.device, plan.precision)
    arrays, plan = run_sparingly(plan, volume, model, meter)
    return Result.of(plan, volume, arrays, model)


def said(result: Result) -> Result:
    """The result, each of its warnings said once as a `MedrestoreWarning`.

    They point at the line that called the function which calls this one.
    """
    for text in dict.fromkeys(result.warnings):
        warnings.warn(text, MedrestoreWarning, stacklevel=3)
    return result
