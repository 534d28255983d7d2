"""Text headers of NRRD and MetaImage, looked through before ITK reads them.

ITK believes a header: absurd ones end the process, allocate what they promise, or read any file
they name. What passes here has as many voxels as its files can hold, and files beside the header.
"""

from __future__ import annotations

import re
import zlib
from math import isfinite
from typing import TYPE_CHECKING

from medrestore.errors import InputError, UnreadableError
from medrestore.io.header_text import (
    LONGEST_HEADER,
    TYPE_BYTES,
    beside,
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

__all__ = ["check_packed", "vet"]

NRRD_MAGIC = b"NRRD000"


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


RATIOS = {"raw": 1, "gzip": DEFLATE_BEST_RATIO, "gz": DEFLATE_BEST_RATIO, "hex": 1}
"""Bytes of voxels per byte of file, by NRRD encoding; text takes at least two bytes a voxel."""
TEXT = ("ascii", "text", "txt")
VECTORS = {"space directions": None, "space origin": 1, "measurement frame": None}
"""NRRD's fields of vectors: how many, where it is not one per axis or one per space axis."""
NUMBERS = ("spacings", "thicknesses", "axis mins", "axismins", "axis maxs", "axismaxs")
WORDS = ("kinds", "centers", "centerings")
VECTOR = re.compile(r"none|\([^()]{1,200}\)")
LONGEST_VALUE = 1024


def _vet_nrrd(path: Path, start: bytes) -> None:
    """Vet an NRRD header (teem.sourceforge.net/nrrd), which ``start`` holds, and maybe more."""
    found = lines(path, start, lambda line: not line)
    fields: dict[str, str] = {}
    listed: list[str] = []
    for line in found[1:]:
        if line.startswith("#"):
            continue
        if listed or fields.get("data file", "").startswith("LIST"):
            listed.append(line)
            continue
        key, separator, value = pair(path, line)
        if separator == ":=":
            continue  # a key of the user's own
        if separator != ":":
            raise damaged(path, name_of(line))
        name = key.lower().replace("datafile", "data file")
        if name in fields:
            raise damaged(path, name_of(line))
        fields[name] = value
    axes = whole(path, "dimension", fields.get("dimension", ""))
    if not 1 <= axes <= 5:
        raise InputError(f"{path} has {axes} axes; medrestore reads (x, y, z) or (x, y, z, t)")
    sizes = [whole(path, "sizes", word) for word in fields.get("sizes", "").split()]
    if len(sizes) != axes:
        raise damaged(path, f"sizes: {fields.get('sizes', '')}")
    for name, value in fields.items():
        _vet_axes(path, name, value, axes)
    skips = [
        whole(path, name, fields.get(alias, fields.get(name, "0")))
        for name, alias in (("line skip", "lineskip"), ("byte skip", "byteskip"))
    ]
    if skips[0] < 0 or skips[1] < -1 or max(skips) > path.stat().st_size + _room(path, fields):
        raise damaged(path, f"line skip {skips[0]}, byte skip {skips[1]}")
    encoding = fields.get("encoding", "").lower()
    ratio = TYPE_BYTES.get(fields.get("type", "").lower(), 0)
    if not ratio:
        raise damaged(path, f"type: {fields.get('type', '')}")
    if encoding not in (*RATIOS, *TEXT):
        raise UnreadableError(
            f"{path} has the encoding {encoding!r}; medrestore reads raw, gzip, hex and ascii"
        )
    sources = files(path, fields["data file"], listed) if "data file" in fields else [path]
    check_voxels(path, sizes, ratio, sources, ratio if encoding in TEXT else RATIOS[encoding])


def _vet_axes(path: Path, name: str, value: str, axes: int) -> None:
    """Refuse a field with more entries than axes, or other ones: ITK's parser overruns on them."""
    good = len(value) <= LONGEST_VALUE
    if name in NUMBERS or name in WORDS:
        good = good and len(value.split()) == axes
    if good and name in VECTORS:
        found = VECTOR.findall(value)
        count = VECTORS[name]
        good = len(found) == count if count else len(found) <= max(axes, 3)
        good = good and not VECTOR.sub("", value).strip()
        for vector in found:
            numbers = vector.strip("()").split(",") if vector != "none" else []
            good = good and len(numbers) <= max(axes, 3) and all(map(_is_number, numbers))
    if not good:
        raise damaged(path, name)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _room(path: Path, fields: dict[str, str]) -> int:
    """Bytes that may be skipped in a file beside the header."""
    name = fields.get("data file", "")
    return (path.parent / name).stat().st_size if name and beside(path, name) else 0


EITHER = 32 + zlib.MAX_WBITS
"""Makes zlib take its own header or gzip's."""


PER_AXIS = ("ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation")
PER_AXIS_SQUARED = ("TransformMatrix", "Orientation", "Rotation")


def _vet_meta(path: Path, start: bytes) -> None:
    """Vet a MetaImage header, which ``start`` holds, and maybe more."""
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
    sources = _meta_files(path, start, len(found), fields.get("ElementDataFile", ""))
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
    if fields.get("CompressedData", "")[:1] not in ("t", "T", "1"):
        return
    local = fields["ElementDataFile"].upper() == "LOCAL"
    offset = start.index(b"\n", start.index(b"ElementDataFile")) + 1 if local else 0
    for source in _meta_files(path, start, len(found), fields["ElementDataFile"]):
        _check_stream(source, offset)


def _meta_files(path: Path, start: bytes, count: int, target: str) -> list[Path]:
    """Files with the voxels: the header's own for ``LOCAL``; a list follows its lines."""
    if target.upper() == "LOCAL":
        return [path]
    return files(path, target, start.decode("latin-1").splitlines()[count:])


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
