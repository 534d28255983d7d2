"""UIDs in the names of files and folders: archives use them, and no record or report shows them."""

from __future__ import annotations

import hashlib
import re

__all__ = ["cut_uids", "without_uids"]

UID = re.compile(r"(?<!\d)(?<!\d\.)\d+(?:\.\d+){4,}")
"""Numbers joined by dots (PS3.5, 9); five at least, so that versions and addresses stay."""


def without_uids(text: str) -> str:
    """The text with ``uid-`` and 8 hexadecimal digits for each UID: the same for the same UID.

    The digits are the first of its SHA-256: they tell two UIDs apart, and do not give them away.
    """
    return UID.sub(lambda uid: f"uid-{hashlib.sha256(uid[0].encode()).hexdigest()[:8]}", text)


def cut_uids(name: str) -> str:
    """Name without its UIDs and the marks about them; may be empty."""
    return UID.sub("", name).strip("._- ") if UID.search(name) else name
