"""Looking through the text headers of NRRD and MetaImage before ITK does.

ITK believes a header: absurd ones end the process, allocate what they promise, or read any file
they name. What passes here has as many voxels as its files can hold, and files beside the header.
"""

from __future__ import annotations

import re
from math import isfinite, prod
from typing import TYPE_CHECKING

from medrestore.errors import InputError, UnreadableError
from medrestore.io.limits import DEFLATE_BEST_RATIO, check_promise, check_shape

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["vet"]

LONGEST_HEADER = 2**20
LONGEST_LINE = 4096
NRRD_MAGIC = b"NRRD000"
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
RATIOS = {"raw": 1, "gzip": DEFLATE_BEST_RATIO, "gz": DEFLATE_BEST_RATIO, "hex": 1}
"""Bytes of voxels per byte of file, by NRRD encoding; text takes at least two bytes a voxel."""
TEXT = ("ascii", "text", "txt")
PER_AXIS = ("ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation")
PER_AXIS_SQUARED = ("TransformMatrix", "Orientation", "Rotation")
LINE = re.compile(r"\s*([^:=]+?)\s*(:=|[:=])\s*(.*?)\s*")
NUMBERED = re.compile(r"[^%]*%0?\d{0,2}d[^%]*")
"""A file name with one number in it, for C's ``printf``, which would follow anything else."""


def vet(path: Path) -> str:
    """Name of ITK's reader for a file, if the file's header can be believed.

    Raises
    ------
    UnreadableError
        If a line of the header is damaged, promises more voxels than there are, or names files
        that are missing or not beside the header.
    InputError
        If the header gives a number of axes, or none of voxels, that is no scan.
    """
    try:
        with path.open("rb") as file:
            start = file.read(LONGEST_HEADER)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be opened: {error.strerror or error}") from error
    if start.startswith(NRRD_MAGIC):
        _vet_nrrd(path, start)
        return "NrrdImageIO"
    _vet_meta(path, start)
    return "MetaImageIO"


def _vet_nrrd(path: Path, start: bytes) -> None:
    lines = _lines(path, start, lambda line: not line)
    fields: dict[str, str] = {}
    listed: list[str] = []
    for line in lines[1:]:
        if line.startswith("#"):
            continue
        if listed or fields.get("data file", "").startswith("LIST"):
            listed.append(line)
            continue
        key, separator, value = _pair(path, line)
        if separator == ":=":
            continue  # a key of the user's own
        if separator != ":":
            raise _damaged(path, _name(line))
        name = key.lower().replace("datafile", "data file")
        if name in fields:
            raise _damaged(path, _name(line))
        fields[name] = value
    axes = _whole(path, "dimension", fields.get("dimension", ""))
    if not 1 <= axes <= 5:
        raise InputError(f"{path} has {axes} axes; medrestore reads (x, y, z) or (x, y, z, t)")
    sizes = [_whole(path, "sizes", word) for word in fields.get("sizes", "").split()]
    if len(sizes) != axes:
        raise _damaged(path, f"sizes: {fields.get('sizes', '')}")
    skips = [
        _whole(path, name, fields.get(alias, fields.get(name, "0")))
        for name, alias in (("line skip", "lineskip"), ("byte skip", "byteskip"))
    ]
    if skips[0] < 0 or skips[1] < -1 or max(skips) > path.stat().st_size + _room(path, fields):
        raise _damaged(path, f"line skip {skips[0]}, byte skip {skips[1]}")
    encoding = fields.get("encoding", "").lower()
    ratio = TYPE_BYTES.get(fields.get("type", "").lower(), 0)
    if not ratio:
        raise _damaged(path, f"type: {fields.get('type', '')}")
    if encoding not in (*RATIOS, *TEXT):
        raise UnreadableError(
            f"{path} has the encoding {encoding!r}; medrestore reads raw, gzip, hex and ascii"
        )
    files = _files(path, fields["data file"], listed) if "data file" in fields else [path]
    _check_voxels(path, sizes, ratio, files, ratio if encoding in TEXT else RATIOS[encoding])


def _room(path: Path, fields: dict[str, str]) -> int:
    """Bytes that may be skipped in a file beside the header."""
    name = fields.get("data file", "")
    return (path.parent / name).stat().st_size if name and _beside(path, name) else 0


def _vet_meta(path: Path, start: bytes) -> None:
    lines = _lines(path, start, lambda line: line.lstrip().startswith("ElementDataFile"))
    fields: dict[str, str] = {}
    axes = 0
    for line in lines:
        key, separator, value = _pair(path, line)
        if key in fields or separator == ":=":
            raise _damaged(path, _name(line))
        fields[key] = value
        if key == "NDims":
            axes = _whole(path, key, value)
            if not 1 <= axes <= 4:
                raise InputError(
                    f"{path} has {axes} axes; medrestore reads (x, y, z) or (x, y, z, t)"
                )
        expected = axes if key in PER_AXIS else axes**2 if key in PER_AXIS_SQUARED else None
        if expected is not None and len(_finite(path, key, value)) != max(expected, 1):
            raise _damaged(path, _name(line))
    sizes = [_whole(path, "DimSize", word) for word in fields.get("DimSize", "").split()]
    if not axes or len(sizes) != axes:
        raise _damaged(path, f"DimSize = {fields.get('DimSize', '')}")
    channels = _whole(path, "ElementNumberOfChannels", fields.get("ElementNumberOfChannels", "1"))
    kind = fields.get("ElementType", "").upper()
    width = TYPE_BYTES.get(kind.removeprefix("MET_").removesuffix("_ARRAY").lower(), 0)
    skip = _whole(path, "HeaderSize", fields.get("HeaderSize", "0"))
    if not width or not kind.startswith("MET_") or not 1 <= channels <= 64 or skip < -1:
        raise _damaged(path, f"{kind} with {channels} channels, HeaderSize {skip}")
    target = fields.get("ElementDataFile", "")
    listed = start.decode("latin-1").splitlines()[len(lines) :] if target[:4] == "LIST" else []
    files = [path] if target.upper() == "LOCAL" else _files(path, target, listed)
    ratio = DEFLATE_BEST_RATIO if fields.get("CompressedData", "")[:1] in "tT1" else 1
    if fields.get("BinaryData", "")[:1] in "fF0" and "BinaryData" in fields:
        ratio = width
    _check_voxels(path, sizes, width * channels, files, ratio)


def _lines(path: Path, start: bytes, last: object) -> list[str]:
    """Lines of the header, the one that ends it included if it says something."""
    assert callable(last)
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


def _pair(path: Path, line: str) -> tuple[str, str, str]:
    match = LINE.fullmatch(line)
    if match is None:
        raise _damaged(path, _name(line))
    return match[1], match[2], match[3]


def _files(path: Path, target: str, listed: list[str]) -> list[Path]:
    """The data files that a header names."""
    words = target.split()
    if words[:1] == ["LIST"]:
        names = [line.strip() for line in listed if line.strip()]
    elif "%" in target:
        if not 3 <= len(words) <= 5 or not NUMBERED.fullmatch(words[0]):
            raise _damaged(path, target)
        first, last, *more = (_whole(path, "data file", word) for word in words[1:])
        step = more[0] if more else 1
        if step < 1 or not 0 <= last - first <= 100_000 * step:
            raise _damaged(path, target)
        names = [words[0] % number for number in range(first, last + 1, step)]
    else:
        names = [target]
    for name in names or [""]:
        if not _beside(path, name):
            raise UnreadableError(
                f"{path} keeps its voxels in {name[:80]!r}, which is not a file beside or below "
                "it; put it there, and name it so in the header"
            )
    return [path.parent / name for name in names]


def _beside(path: Path, name: str) -> bool:
    """Whether a name is that of a file in the header's folder or below, links followed."""
    try:
        folder, file = path.parent.resolve(), (path.parent / name).resolve()
        return bool(name) and file.is_file() and folder in file.parents
    except (OSError, ValueError):
        return False


def _check_voxels(path: Path, sizes: list[int], width: int, files: list[Path], ratio: int) -> None:
    check_shape(str(path), sizes)
    size = sum(file.stat().st_size for file in files)
    check_promise(str(path), prod(sizes) * width, size, ratio)


def _finite(path: Path, key: str, value: str) -> list[float]:
    try:
        found = [float(word) for word in value.split()]
    except ValueError as error:
        raise _damaged(path, f"{key} = {value}") from error
    if not all(map(isfinite, found)):
        raise _damaged(path, f"{key} = {value}")
    return found


def _whole(path: Path, key: str, value: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", value.strip()):
        raise _damaged(path, f"{key}: {value}")
    return int(value)


def _damaged(path: Path, line: str) -> UnreadableError:
    """Shows a technical value, of other lines no more than the name: they may be a patient's."""
    shown = line if len(line) <= 80 else f"{line[:77]}..."
    return UnreadableError(
        f"{path} is not a readable NRRD or MetaImage file: its header says {shown!r}; it is "
        "damaged: export it again"
    )


def _name(line: str) -> str:
    return re.split("[:=]", line.strip())[0].strip()[:40]
