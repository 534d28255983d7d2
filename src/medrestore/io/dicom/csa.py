"""Siemens' private image header (0029,1010), "CSA header": names with lists of values."""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["csa_values"]

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
