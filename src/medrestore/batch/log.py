"""``batch.jsonl``: what became of each scan, and what a resumed batch need not do again.

A line each for a scan that was begun, restored, failed or skipped. When the batch ends, only the
last line about each scan stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.batch.lines import Lines
from medrestore.errors import InputError, NoiseLevelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medrestore.batch.lines import Line

__all__ = ["NAME", "RECORD", "Log", "is_final"]

NAME = "batch.jsonl"
RECORD = "_run.json"
"""Ends the name of a scan's record, the last of its results."""
FINAL = (InputError, NoiseLevelError)


def is_final(error: Exception) -> bool:
    """Whether a scan fails like this however often it is tried, as long as its files stay.

    What the operating system refused (a disk that was gone, a network that was down) may go well
    another time, whatever the reader made of it.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            return False
        cause = cause.__cause__
    return isinstance(error, FINAL)


class Log:
    """The log of a batch, on the disk line by line.

    Parameters
    ----------
    out : Path
        Folder of the results.
    resume : bool
        Whether to go on with the log that is there.

    Raises
    ------
    OutputError
        If the log cannot be read or written.
    """

    def __init__(self, out: Path, resume: bool) -> None:
        self.out = out
        self._lines = Lines(out / NAME, ("scan", "state"), resume)
        last = {line["scan"]: line for line in self._lines.here}.values()
        self._before = {line["key"]: line for line in last if "key" in line}
        self.places = {place for line in self._lines.here if (place := _place(line))}

    @property
    def resumes(self) -> bool:
        """Whether an earlier batch did anything."""
        return bool(self._before)

    @property
    def unfinished(self) -> list[str]:
        """Places, as `begun` names them, that an earlier batch began and did not finish."""
        last = {line["scan"]: line for line in self._lines.here}
        return [line["place"] for line in last.values() if line["state"] == "begun"]

    @property
    def names(self) -> set[str]:
        """Names of the scans that an earlier batch restored."""
        return {line["scan"] for line in self._before.values() if line["state"] == "restored"}

    def before(self, key: str) -> Line | None:
        """What an earlier batch did with this content and these settings, if that still stands.

        A failure stands unless it was of the machine, not of the scan; a result, if none of its
        files is missing.
        """
        line = self._before.get(key)
        if line is None or line["state"] == "failed":
            return None if line is None or line["again"] else line
        return line if all((self.out / name).exists() for name in line["outputs"]) else None

    def begun(self, name: str, place: str) -> None:
        """From now on there may be files at ``place``, folder and stem below the results."""
        self._lines.add({"scan": name, "state": "begun", "place": place})

    def restored(self, name: str, facts: dict[str, Any]) -> None:
        """A scan is done; ``facts`` hold its key and the names of its results, record last."""
        self._lines.add({"scan": name, "state": "restored", **facts})

    def failed(self, name: str, reason: str, **facts: Any) -> None:
        """A scan cannot be restored; ``facts`` hold its key, and whether to try ``again``."""
        self._once({"scan": name, "state": "failed", "reason": reason, **facts})

    def skipped(self, name: str, reason: str) -> None:
        """A file is no scan."""
        self._once({"scan": name, "state": "skipped", "reason": reason})

    def close(self) -> None:
        """Keep the last line about each scan."""
        last: dict[str, Line] = {}
        for line in self._lines.here:
            last.pop(line["scan"], None)
            last[line["scan"]] = line
        with self._lines:
            self._lines.replace(last.values())

    def _once(self, line: Line) -> None:
        if line not in self._lines.here:
            self._lines.add(line)


def _place(line: Line) -> str | None:
    outputs: Sequence[str] = line.get("outputs") or ()
    return outputs[-1].removesuffix(RECORD) if outputs else line.get("place")
