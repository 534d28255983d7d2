"""The header of an NRRD file, looked through before ITK reads it (teem.sourceforge.net/nrrd)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from medrestore.errors import InputError, UnreadableError
from medrestore.io.header_text import (
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

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["vet_nrrd"]


RATIOS = {"raw": 1, "gzip": DEFLATE_BEST_RATIO, "gz": DEFLATE_BEST_RATIO, "hex": 1}
"""Bytes of voxels per byte of file, by NRRD encoding; text takes at least two bytes a voxel."""
TEXT = ("ascii", "text", "txt")
VECTORS = {"space directions": None, "space origin": 1, "measurement frame": None}
"""NRRD's fields of vectors: how many, where it is not one per axis or one per space axis."""
NUMBERS = ("spacings", "thicknesses", "axis mins", "axismins", "axis maxs", "axismaxs")
WORDS = ("kinds", "centers", "centerings")
VECTOR = re.compile(r"none|\([^()]{1,200}\)")
LONGEST_VALUE = 1024


def vet_nrrd(path: Path, start: bytes) -> None:
    """Raises `UnreadableError` or `InputError`; ``start`` holds the header and maybe more."""
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
        wanted = VECTORS[name]
        good = len(found) == wanted if wanted else len(found) <= max(axes, 3)
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
