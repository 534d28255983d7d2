"""The header of a MetaImage file, looked through before ITK reads it."""

from __future__ import annotations

import zlib
from math import isfinite
from typing import TYPE_CHECKING

from medrestore.errors import InputError
from medrestore.io.header_text import (
    LONGEST_HEADER,
    TYPE_BYTES,
    check_voxels,
    damaged,
    files,
    lines,
    name_of,
    pair,
    whole,
)
from medrestore.io.limits import DEFLATE_BEST_RATIO
from medrestore.io.packed import CHUNK

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_packed", "vet_meta"]

EITHER = 32 + zlib.MAX_WBITS
"""Makes zlib take its own header or gzip's."""


PER_AXIS = ("ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation")
PER_AXIS_SQUARED = ("TransformMatrix", "Orientation", "Rotation")


def vet_meta(path: Path, start: bytes) -> None:
    """Raises `UnreadableError` or `InputError`; ``start`` holds the header and maybe more."""
    found = lines(path, start, lambda line: line.lstrip().startswith("ElementDataFile"))
    fields: dict[str, str] = {}
    axes = 0
    for line in found:
        key, separator, value = pair(path, line)
        if key in fields or separator == ":=":
            raise damaged(path, name_of(line))
        fields[key] = value
        if key == "NDims":
            axes = whole(path, key, value)
            if not 1 <= axes <= 4:
                raise InputError(
                    f"{path} has {axes} axes; medrestore reads (x, y, z) or (x, y, z, t)"
                )
        expected = axes if key in PER_AXIS else axes**2 if key in PER_AXIS_SQUARED else None
        if expected is not None and len(_finite(path, key, value)) != max(expected, 1):
            raise damaged(path, name_of(line))
    sizes = [whole(path, "DimSize", word) for word in fields.get("DimSize", "").split()]
    if not axes or len(sizes) != axes:
        raise damaged(path, f"DimSize = {fields.get('DimSize', '')}")
    channels = whole(path, "ElementNumberOfChannels", fields.get("ElementNumberOfChannels", "1"))
    kind = fields.get("ElementType", "").upper()
    width = TYPE_BYTES.get(kind.removeprefix("MET_").removesuffix("_ARRAY").lower(), 0)
    skip = whole(path, "HeaderSize", fields.get("HeaderSize", "0"))
    if not width or not kind.startswith("MET_") or not 1 <= channels <= 64 or skip < -1:
        raise damaged(path, f"{kind} with {channels} channels, HeaderSize {skip}")
    target = fields.get("ElementDataFile", "")
    listed = start.decode("latin-1").splitlines()[len(found) :] if target[:4] == "LIST" else []
    sources = [path] if target.upper() == "LOCAL" else files(path, target, listed)
    ratio = DEFLATE_BEST_RATIO if fields.get("CompressedData", "")[:1] in "tT1" else 1
    if fields.get("BinaryData", "")[:1] in "fF0" and "BinaryData" in fields:
        ratio = width
    check_voxels(path, sizes, width * channels, sources, ratio)


def check_packed(path: Path) -> None:
    """Unpack compressed voxels once for their checksum: MetaIO goes on with what it has.

    Raises
    ------
    EOFError, zlib.error
        If they are cut off or damaged.
    """
    with path.open("rb") as file:
        start = file.read(LONGEST_HEADER)
    found = lines(path, start, lambda line: line.lstrip().startswith("ElementDataFile"))
    fields = {key: value for key, _, value in (pair(path, line) for line in found)}
    target = fields["ElementDataFile"]
    if fields.get("CompressedData", "")[:1] not in ("t", "T", "1"):
        return
    if target.upper() == "LOCAL":
        return _check_stream(path, start.index(b"\n", start.index(b"ElementDataFile")) + 1)
    for source in files(path, target, start.decode("latin-1").splitlines()[len(found) :]):
        _check_stream(source, 0)


def _check_stream(path: Path, offset: int) -> None:
    """One stream of zlib's or gzip's; what follows it is not looked at."""
    stream = zlib.decompressobj(EITHER)
    with path.open("rb") as file:
        file.seek(offset)
        while not stream.eof:
            packed = stream.unconsumed_tail or file.read(CHUNK)
            if not packed:
                raise EOFError("the packed voxels are cut off")
            stream.decompress(packed, CHUNK)


def _finite(path: Path, key: str, value: str) -> list[float]:
    try:
        found = [float(word) for word in value.split()]
    except ValueError as error:
        raise damaged(path, f"{key} = {value}") from error
    if not all(map(isfinite, found)):
        raise damaged(path, f"{key} = {value}")
    return found
