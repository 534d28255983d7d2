"""Files from which a batch is resumed: its log, and the articles of its page.

``batch.jsonl`` has a line each for a scan that was begun, restored, failed or skipped. When the
batch ends, only the last line about each scan stays.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from medrestore.batch.json_lines import JsonLines
from medrestore.errors import InputError, NoiseLevelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medrestore.batch.json_lines import Line
    from medrestore.batch.page import Article

__all__ = ["NAME", "RECORD", "Articles", "Log", "is_final"]

NAME = "batch.jsonl"
ARTICLES = ".report_parts.jsonl"
"""Beside the page; hidden, because it is no result."""
RECORD = "_run.json"
"""Ends the name of a scan's record, the last of its results."""
FINAL = (InputError, NoiseLevelError)


def is_final(error: Exception) -> bool:
    """True if a scan fails like this however often it is tried, as long as its files stay.

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
        True to go on with the log that is there.

    Attributes
    ----------
    result_paths : set of str
        Folder and stem, below ``out``, of all results that the log tells of.

    Raises
    ------
    OutputError
        If the log cannot be read or written.
    """

    def __init__(self, out: Path, resume: bool) -> None:
        self.out = out
        self._file = JsonLines(out / NAME, ("scan", "state"), resume)
        last = {line["scan"]: line for line in self._file.lines}.values()
        self._earlier = {line["key"]: line for line in last if "key" in line}
        self.result_paths = {path for line in self._file.lines if (path := _result_path(line))}

    @property
    def resumes(self) -> bool:
        """True if an earlier batch did anything."""
        return bool(self._earlier)

    @property
    def unfinished(self) -> list[str]:
        """Result paths, as `begun` names them, that an earlier batch began and did not finish."""
        last = {line["scan"]: line for line in self._file.lines}
        return [line["place"] for line in last.values() if line["state"] == "begun"]

    @property
    def names(self) -> set[str]:
        """Names of the scans that an earlier batch restored."""
        return {line["scan"] for line in self._earlier.values() if line["state"] == "restored"}

    def earlier(self, key: str) -> Line | None:
        """Line of an earlier batch on this content and these settings, if it still stands.

        A failure stands unless it was of the machine, not of the scan; a result, if none of its
        files is missing.
        """
        line = self._earlier.get(key)
        if line is None or line["state"] == "failed":
            return None if line is None or line["again"] else line
        return line if all((self.out / name).exists() for name in line["outputs"]) else None

    def begun(self, name: str, result_path: str) -> None:
        """Note that from now on there may be files at a path, folder and stem below ``out``."""
        self._file.add({"scan": name, "state": "begun", "place": result_path})

    def restored(self, name: str, facts: dict[str, Any]) -> None:
        """Note a scan that is done: its key and the names of its results, record last."""
        self._file.add({"scan": name, "state": "restored", **facts})

    def failed(self, name: str, reason: str, **facts: Any) -> None:
        """Note a scan that cannot be restored: its key, and whether to try ``again``."""
        self._once({"scan": name, "state": "failed", "reason": reason, **facts})

    def skipped(self, name: str, reason: str) -> None:
        """Note a file that is no scan."""
        self._once({"scan": name, "state": "skipped", "reason": reason})

    def close(self) -> None:
        """Keep the last line about each scan."""
        last: dict[str, Line] = {}
        for line in self._file.lines:
            last.pop(line["scan"], None)
            last[line["scan"]] = line
        with self._file:
            self._file.replace(last.values())

    def _once(self, line: Line) -> None:
        if line not in self._file.lines:
            self._file.add(line)


class Articles:
    """Articles of the page by the key of their scan: a resumed batch shows all of them.

    Parameters
    ----------
    out : Path
        Folder of the page.
    resume : bool
        True to go on with the articles that are there.
    """

    def __init__(self, out: Path, resume: bool) -> None:
        self._file = JsonLines(out / ARTICLES, ("key", "article"), resume)
        self._earlier = {line["key"]: line["article"] for line in self._file.lines}

    def earlier(self, key: str) -> Article | None:
        """The article of a scan that an earlier batch restored."""
        from medrestore.batch.page import Article  # plots come with it, and `gather` needs none

        facts = self._earlier.get(key)
        return None if facts is None else Article(**facts)

    def add(self, key: str, article: Article) -> None:
        """Write an article."""
        self._file.add({"key": key, "article": asdict(article)})

    def close(self) -> None:
        """Keep the last article of each scan."""
        last = {line["key"]: line for line in self._file.lines}
        with self._file:
            self._file.replace(last.values())


def _result_path(line: Line) -> str | None:
    outputs: Sequence[str] = line.get("outputs") or ()
    return outputs[-1].removesuffix(RECORD) if outputs else line.get("place")
