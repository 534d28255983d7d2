"""What a batch says of each scan, to whoever watches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io import Scan

__all__ = ["Step"]


class Step(NamedTuple):
    """A scan was begun, or is done with.

    Parameters
    ----------
    scan : Scan
        As `find` described it.
    state : {"begun", "restored", "failed"}
        What happened to it.
    reason : str
        Why it failed.
    record : Path, optional
        ``<stem>_run.json`` of a scan that was restored.
    """

    scan: Scan
    state: Literal["begun", "restored", "failed"]
    reason: str = ""
    record: Path | None = None
