"""Progress without a progress bar: numerics tick, whoever called decides what that shows."""

from __future__ import annotations

from typing import Protocol

__all__ = ["SILENT", "Meter"]


class Meter(Protocol):
    """Progress of numerics, for their caller.

    ``tick`` may raise `medrestore.errors.Cancelled` to stop the work at the next step.
    """

    def start(self, total: int, label: str) -> None:
        """Begin a stage of ``total`` ticks, named for a person."""

    def tick(self, n: int = 1) -> None:
        """Report ``n`` finished steps; raise ``Cancelled`` to stop."""


class _Silent:
    def start(self, total: int, label: str) -> None:
        return None

    def tick(self, n: int = 1) -> None:
        return None


SILENT: Meter = _Silent()
"""The default: says nothing, never stops."""
