"""Note of a repeated run that cannot promise the recorded run's very bits."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from medrestore.core.compute import SAME_VOXELS_WITHIN, pick_precision
from medrestore.results.software import device_name

if TYPE_CHECKING:
    from medrestore.engine.plan import Plan

__all__ = ["repetition_note"]

OPENING = "repeated "


def repetition_note(facts: dict[str, Any], plan: Plan) -> tuple[str, ...]:
    """The plan's warnings with one of this repetition, if the machine is another.

    Parameters
    ----------
    facts : dict
        The record; older ones do not name device and programs, of which nothing is said then.
    plan : Plan
        On the device that repeats it. It keeps its precision, whatever the device's own is.

    Returns
    -------
    tuple of str
        Without what an earlier repetition said.
    """
    changes = [*_device(facts, plan), *_torch(facts), *_precision(plan)]
    kept = tuple(text for text in plan.warnings if not text.startswith(OPENING))
    if not changes:
        return kept
    within = SAME_VOXELS_WITHIN[plan.precision]
    note = f"{OPENING}{'; '.join(changes)}: voxels agree with the recorded run's within {within} σ"
    return (*kept, note)


def _device(facts: dict[str, Any], plan: Plan) -> list[str]:
    here, there = device_name(plan.device), facts.get("device")
    return [] if there in (None, here) else [f"on {here}, recorded on {there}"]


def _torch(facts: dict[str, Any]) -> list[str]:
    here, there = version("torch"), facts.get("software", {}).get("torch")
    return [] if there in (None, here) else [f"with torch {here}, recorded with {there}"]


def _precision(plan: Plan) -> list[str]:
    own = pick_precision("auto", plan.device)
    if own == plan.precision:
        return []
    cost = ", for which it has no hardware: slowly" if plan.precision == "bfloat16" else ""
    return [f"in {plan.precision} as recorded, where this device would take {own}{cost}"]
