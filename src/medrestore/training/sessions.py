"""The sessions of a training: which steps were taken when, on what, in which precision."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from medrestore.results.software import device_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lightning_fabric import Fabric

__all__ = ["with_session"]

PRECISIONS = {"32-true": "float32", "bf16-mixed": "bfloat16"}
"""Fabric's words and ours; others are told in Fabric's."""


def with_session(
    earlier: Iterable[Mapping[str, Any]], done: int, step: int, fabric: Fabric
) -> list[dict[str, Any]]:
    """The sessions so far, the one that began after step ``done`` brought up to ``step``.

    A session that took no step is none. Days are those of the machine's clock, devices are named
    by their make, hosts not at all.
    """
    sessions = [dict(one) for one in earlier]
    if step == done:
        return sessions
    precision = str(fabric.strategy.precision.precision)
    today, begun = date.today().isoformat(), None
    if sessions and sessions[-1]["after"] == done:
        begun = sessions.pop()["begun"]
    now = {
        "after": done,
        "to": step,
        "begun": begun or today,
        "ended": today,
        "device": device_name(fabric.device.type),
        "devices": fabric.world_size,
        "precision": PRECISIONS.get(precision, precision),
    }
    return [*sessions, now]
