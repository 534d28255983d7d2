"""Diffusion weighting of a classic image, from standard or private elements.

Only tells volumes apart: nothing is computed from it, and b-matrices are left alone. Directions
are what the scanner wrote, in whatever frame it uses (patient, or GE's read/phase/slice).

Elements: Siemens "MR DICOM diffusion" (NA-MIC wiki, DICOM for DWI and DTI); GE, Philips and United
Imaging in their DICOM conformance statements; Canon and Hitachi write the standard ones
(PS3.3 C.8.13.5.9).
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.io.dicom.dataset import DAMAGE
from medrestore.io.dicom.values import stated_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Diffusion", "csa_values", "diffusion_of"]

CSA_IMAGE_HEADER = (0x0029, 0x1010)


def csa_values(header: Any) -> dict[str, list[Any]]:
    """Name → values; empty where the header is absent or unreadable."""
    element = header.get(CSA_IMAGE_HEADER)
    data = element.value if element is not None else None
    if not data or not isinstance(data, bytes):
        return {}
    from nibabel.nicom import csareader  # warns at import: callers are `quiet`

    reader: Any = csareader  # untyped
    try:
        return {name: tag["items"] for name, tag in reader.read(data)["tags"].items()}
    except (reader.CSAError, struct.error, AssertionError, ValueError, TypeError):
        return {}


GE_OFFSET = 10**9
"""Newer GE software adds this to b-values."""
BIGGEST = 10**6
"""s/mm²; more is another element's value, or none."""


class Diffusion(NamedTuple):
    """The weighting of one image.

    Parameters
    ----------
    b_value : float
        s/mm²; 0 where not stated.
    direction : tuple of float or None
        x, y and z; None where there is none (b = 0, a trace) or it is not stated.
    name : str
        The scanner's own name or number of the direction, where it has one.
    """

    b_value: float = 0.0
    direction: tuple[float, ...] | None = None
    name: str = ""


def diffusion_of(header: Any) -> Diffusion:
    """Standard elements (0018,9087), (0018,9089) first, then those of each vendor."""
    b_value = _first(header.get("DiffusionBValue"), "FD")
    direction = stated_numbers(header, "DiffusionGradientOrientation", 3, [])
    if b_value is not None and direction is not None:
        return Diffusion(b_value, direction)
    private = _Private(header)
    for vendor in (_siemens, _ge, _philips, _uih):
        found = vendor(private) if private else None
        if found is not None:
            return Diffusion(
                found.b_value if b_value is None else b_value,
                found.direction if direction is None else direction,
                found.name,
            )
    return Diffusion(b_value or 0.0, direction)


def _siemens(private: _Private) -> Diffusion | None:
    """B_value and DiffusionGradientDirection: (0019,xx0C), (0019,xx0E), else the CSA header."""
    if private.has(0x0019, "SIEMENS MR HEADER"):
        get = private.getter(0x0019, "SIEMENS MR HEADER")
        b_value, direction = _first(get(0x0C), "IS"), _vector(get(0x0E), "FD")
    elif private.has(0x0029, "SIEMENS CSA HEADER"):
        csa = csa_values(private.header)
        b_value = _first(csa.get("B_value"), "IS")
        direction = _vector(csa.get("DiffusionGradientDirection"), "IS")
    else:
        return None
    return None if b_value is None else Diffusion(b_value, direction)


def _ge(private: _Private) -> Diffusion | None:
    """(0043,xx39), first of four values; directions in User Data 20 to 22, (0019,xxBB..BD)."""
    coded = _numbers(private.getter(0x0043, "GEMS_PARM_01")(0x39), "IS")
    if not coded:
        return None
    b_value = _sane(coded[0] - GE_OFFSET if coded[0] >= GE_OFFSET else coded[0])
    if not b_value:  # user data of other sequences is anything
        return None if b_value is None else Diffusion()
    user = private.getter(0x0019, "GEMS_ACQU_01")
    return Diffusion(b_value, _components([user(0xBB + i) for i in range(3)], "DS"))


def _philips(private: _Private) -> Diffusion | None:
    """Diffusion B-Factor (2001,xx03), Direction (2001,xx04) and (2005,xxB0..B2), its number."""
    get = private.getter(0x2001, "Philips Imaging DD 001")
    b_value = _first(get(0x03), "FL")
    if b_value is None:
        return None
    part = private.getter(0x2005, "Philips MR Imaging DD 001")
    number = _first(private.getter(0x2005, "Philips MR Imaging DD 005")(0x13), "IS")
    name = f"{_text(get(0x04))} {'' if number is None else int(number)}".strip()
    return Diffusion(b_value, _components([part(0xB0 + i) for i in range(3)], "FL"), name)


def _uih(private: _Private) -> Diffusion | None:
    get = private.getter(0x0065, "Image Private Header")
    b_value = _first(get(0x09), "FD")
    return None if b_value is None else Diffusion(b_value, _vector(get(0x37), "FD"))


class _Private:
    """The private blocks of a header, found in one pass over its tags."""

    def __init__(self, header: Any) -> None:
        self.header = header
        self.blocks: dict[tuple[int, str], int] = {}
        for tag in header.keys():
            group, element = tag >> 16, tag & 0xFFFF
            if group % 2 and 0x10 <= element <= 0xFF:
                creator = header.get_item(tag).value  # as bytes: conversion takes its time
                self.blocks[group, _text(creator).upper()] = element << 8

    def __bool__(self) -> bool:
        return bool(self.blocks)

    def has(self, group: int, creator: str) -> bool:
        return (group, creator.upper()) in self.blocks

    def getter(self, group: int, creator: str) -> Callable[[int], Any]:
        """Values of a block by element number; None where block or element is absent."""
        block = self.blocks.get((group, creator.upper()))

        def get(element: int) -> Any:
            return None if block is None else _value(self.header, (group, block + element))

        return get


def _value(header: Any, tag: Any) -> Any:
    """An element's value; None where it is absent, or garbled: no reason to refuse an image."""
    try:
        found = header.get(tag)
        return None if found is None else found.value
    except DAMAGE:
        return None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return "" if value is None else str(value).strip(" \0")


def _numbers(value: Any, vr: str) -> tuple[float, ...]:
    """Finite numbers of a value; bytes (VR lost, UN) are decoded as the VR they should have.

    Lost VRs come from implicit little-endian files; big-endian ones always state theirs.
    """
    if isinstance(value, bytes) and vr in ("FL", "FD"):
        size = 4 if vr == "FL" else 8
        whole = value[: len(value) // size * size]
        items: Any = struct.unpack(f"<{len(whole) // size}{'f' if size == 4 else 'd'}", whole)
    elif isinstance(value, bytes | str):
        items = _text(value).split("\\")
    else:
        items = value if hasattr(value, "__iter__") else [value]
    try:
        found = tuple(float(item) for item in items if item is not None and item != "")
    except (TypeError, ValueError):
        return ()
    return found if all(map(math.isfinite, found)) else ()


def _sane(value: float) -> float | None:
    return value if 0 <= value <= BIGGEST else None


def _first(value: Any, vr: str) -> float | None:
    found = _numbers(value, vr)
    return _sane(found[0]) if found else None


def _vector(value: Any, vr: str) -> tuple[float, ...] | None:
    found = _numbers(value, vr)
    return found if len(found) == 3 else None


def _components(values: list[Any], vr: str) -> tuple[float, ...] | None:
    found = [part for value in values for part in _numbers(value, vr)[:1]]
    return tuple(found) if len(found) == 3 else None
