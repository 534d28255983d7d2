"""Text headers, as NRRD and MetaImage have them: lines, numbers, data files."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING

from medrestore.errors import UnreadableError
from medrestore.io.limits import check_promise, check_shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "LONGEST_HEADER",
    "TYPE_BYTES",
    "beside",
    "check_voxels",
    "damaged",
    "files",
    "lines",
    "name_of",
    "pair",
    "whole",
]


LONGEST_HEADER = 2**20
LONGEST_LINE = 4096
TYPE_BYTES = {
    "char": 1, "uchar": 1, "short": 2, "ushort": 2, "int": 4, "uint": 4, "long": 4, "ulong": 4,
    "long_long": 8, "ulong_long": 8, "float": 4, "double": 8,
    "signed char": 1, "int8": 1, "int8_t": 1, "unsigned char": 1, "uint8": 1, "uint8_t": 1,
    "short int": 2, "signed short": 2, "signed short int": 2, "int16": 2, "int16_t": 2,
    "unsigned short": 2, "unsigned short int": 2, "uint16": 2, "uint16_t": 2,
    "signed int": 4, "int32": 4, "int32_t": 4, "unsigned int": 4, "uint32": 4, "uint32_t": 4,
    "longlong": 8, "long long": 8, "long long int": 8, "signed long long": 8,
    "signed long long int": 8, "int64": 8, "int64_t": 8, "ulonglong": 8, "unsigned long long": 8,
    "unsigned long long int": 8, "uint64": 8, "uint64_t": 8,
}  # fmt: skip
"""Bytes per voxel of NRRD's types, and of MetaImage's in lower case without MET_ and _ARRAY."""
LINE = re.compile(r"\s*([^:=]+?)\s*(:=|[:=])\s*(.*?)\s*")
NUMBERED = re.compile(r"[^%]*%0?\d{0,2}d[^%]*")
"""A file name with one number in it, for C's ``printf``, which would follow anything else."""


def lines(path: Path, start: bytes, last: Callable[[str], bool]) -> list[str]:
    """Lines of the header, the one that ends it included if it says something."""
    found = []
    for raw in start.split(b"\n"):
        line = raw.rstrip(b"\r").decode("latin-1")
        if len(line) > LONGEST_LINE or "\0" in line:
            break
        if line:
            found.append(line)
        if last(line):
            return found
    else:
        if start and len(start) < LONGEST_HEADER:
            return found  # a detached NRRD header may end with the file
    raise UnreadableError(
        f"{path} is not a readable NRRD or MetaImage file: its header is damaged or does not end"
    )


def pair(path: Path, line: str) -> tuple[str, str, str]:
    """Key, separator (``:``, ``=`` or ``:=``) and value of a line."""
    match = LINE.fullmatch(line)
    if match is None:
        raise damaged(path, name_of(line))
    return match[1], match[2], match[3]


def name_of(line: str) -> str:
    """The key of a line, as far as there is one: what may be shown of it."""
    return re.split("[:=]", line.strip())[0].strip()[:40]


def files(path: Path, target: str, listed: list[str]) -> list[Path]:
    """The data files that a header names."""
    words = target.split()
    if words[:1] == ["LIST"]:
        names = [line.strip() for line in listed if line.strip()]
    elif "%" in target:
        if not 3 <= len(words) <= 5 or not NUMBERED.fullmatch(words[0]):
            raise damaged(path, target)
        first, last, *more = (whole(path, "data file", word) for word in words[1:])
        step = more[0] if more else 1
        if step < 1 or not 0 <= last - first <= 100_000 * step:
            raise damaged(path, target)
        names = [words[0] % number for number in range(first, last + 1, step)]
    else:
        names = [target]
    for name in names or [""]:
        if not beside(path, name):
            raise UnreadableError(
                f"{path} keeps its voxels in {name[:80]!r}, which is not a file beside or below "
                "it; put it there, and name it so in the header"
            )
    return [path.parent / name for name in names]


def beside(path: Path, name: str) -> bool:
    """True if a name is that of a file in the header's folder or below, links followed."""
    try:
        folder, file = path.parent.resolve(), (path.parent / name).resolve()
        return bool(name) and file.is_file() and folder in file.parents
    except (OSError, ValueError):
        return False


def check_voxels(path: Path, sizes: list[int], width: int, files: list[Path], ratio: int) -> None:
    """Refuse voxels of ``width`` bytes that the files, unpacked by ``ratio`` at best, lack."""
    check_shape(str(path), sizes)
    size = sum(file.stat().st_size for file in files)
    check_promise(str(path), prod(sizes) * width, size, ratio)


def whole(path: Path, key: str, value: str) -> int:
    """A whole number of at most 18 digits; raises `UnreadableError` for anything else."""
    if not re.fullmatch(r"[+-]?\d{1,18}", value.strip()):
        raise damaged(path, f"{key}: {value}")
    return int(value)


def damaged(path: Path, line: str) -> UnreadableError:
    """Shows a technical value, of other lines no more than the name: they may be a patient's."""
    quoted = line if len(line) <= 80 else f"{line[:77]}..."
    return UnreadableError(
        f"{path} is not a readable NRRD or MetaImage file: its header says {quoted!r}; it is "
        "damaged: export it again"
    )
