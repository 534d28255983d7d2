"""A file of JSON lines that grows line by line and outlives whatever stops its writer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from medrestore.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["JsonLines", "Line"]

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
