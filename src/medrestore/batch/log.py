"""Files from which a batch is resumed: its log, and the articles of its page.

``batch.jsonl`` has a line each for a scan that was begun, restored, failed or skipped. When the
batch ends, only the last line about each scan stays. Files of JSON lines grow line by line and
outlive whatever stops their writer.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError, NoiseLevelError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from medrestore.batch.page import Article

__all__ = ["NAME", "RECORD", "Articles", "JsonLines", "Line", "Log", "is_final"]

Line = dict[str, Any]


class JsonLines:
    """Lines of JSON that are on the disk as soon as they are added.

    A process that is killed leaves whole lines and perhaps half of one at the end, which the next
    one to open the file drops.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    needs : tuple of str
        Fields that each line has.
    keep : bool
        True to go on with the file that is there; a new one replaces it otherwise.

    Attributes
    ----------
    lines : list of dict
        All lines of the file.

    Raises
    ------
    OutputError
        If the file cannot be read or written, or holds other lines.
    """

    def __init__(self, path: Path, needs: tuple[str, ...], keep: bool) -> None:
        self.path, self.needs = path, needs
        self.lines: list[Line] = self._read() if keep and path.exists() else []
        self._write()
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._cannot("written", error) from error

    def add(self, line: Mapping[str, Any]) -> None:
        """Append a line in one write and wait until it is on the disk."""
        self.lines.append(dict(line))
        try:
            self._file.write(_text([line]))
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot("written", error) from error

    def replace(self, lines: Iterable[Line]) -> None:
        """Put other lines in the place of all that are there, in one step."""
        new = list(lines)
        if new == self.lines:
            return
        self._file.close()
        self.lines = new
        self._write()
        self._file = self.path.open("ab", buffering=0)

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _read(self) -> list[Line]:
        try:
            *whole, torn = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise self._cannot("read", error) from error
        found = []
        for number, text in enumerate(whole, 1):
            try:
                line = json.loads(text)
                _ = [line[name] for name in self.needs]
            except (ValueError, KeyError, TypeError) as error:
                if number == len(whole) and not torn:
                    break  # after a power loss a last line may be there in length only
                raise OutputError(
                    f"{self.path}, line {number}, is no line of a batch; choose another folder, "
                    "or replace that batch with --overwrite"
                ) from error
            found.append(line)
        return found

    def _write(self) -> None:
        """Write all lines under the file's name at once."""
        partial = self.path.with_name(f".{self.path.name.lstrip('.')}.partial")
        try:
            with partial.open("wb") as file:
                file.write(_text(self.lines))
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, self.path)
        except OSError as error:
            raise self._cannot("written", error) from error

    def _cannot(self, what: str, error: OSError) -> OutputError:
        reason = error.strerror or error
        return OutputError(f"{self.path} cannot be {what}: {reason}; choose another folder")


def _text(lines: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(
        errors="backslashreplace"  # file names that are no UTF-8
    )


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
