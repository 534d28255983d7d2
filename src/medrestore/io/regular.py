"""Listing of what may be opened under a folder: regular files, through links too, each once."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Listing", "listing", "why_not_regular"]

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class Listing(NamedTuple):
    """Content of a folder.

    Parameters
    ----------
    files : list of Path
        Regular files, and folders that are taken as a whole; sorted within each folder.
    passed_over : list of (Path, str)
        Paths not looked at, and why.
    """

    files: list[Path]
    passed_over: list[tuple[Path, str]]


def why_not_regular(path: Path) -> str:
    """Name of what a path is instead of a file that can be read to its end; empty for a file.

    Opening a pipe or a device may wait for ever. Raises OSError if the path is not there.
    """
    kind = stat.S_IFMT(path.stat().st_mode)
    return "" if kind == stat.S_IFREG else KINDS.get(kind, "not a regular file")


def listing(folder: Path, whole: Callable[[Path], bool]) -> Listing:
    """Files in all sub-folders; hidden ones left out.

    Linked folders are followed, after all others, so that a folder that is reached both ways goes
    by its own name. None is listed twice, and a link to a folder that holds ``folder`` leads
    nowhere. ``whole`` is true of folders that are taken as a whole (Zarr stores).
    """
    found = Listing([], [])
    above = {_identity(parent) for parent in (folder.resolve(), *folder.resolve().parents)}
    seen: set[tuple[int, int]] = set()
    links = _list(folder, whole, seen, found)
    while links:
        link = links.pop(0)
        if (identity := _identity(link)) in above:
            found.passed_over.append((link, "a link to a folder that it lies in; not followed"))
        elif identity in seen:
            found.passed_over.append((link, "a link to a folder that is looked at already"))
        else:
            links += _list(link, whole, seen, found)
    return found


def _list(
    folder: Path, whole: Callable[[Path], bool], seen: set[tuple[int, int]], found: Listing
) -> list[Path]:
    """Add what lies under a folder to a listing; the linked folders in it."""
    links = []
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        seen.add(_identity(current))
        try:
            names = sorted(name for name in os.listdir(current) if not name.startswith("."))
        except OSError as error:
            found.passed_over.append((current, f"cannot be opened: {error.strerror or error}"))
            continue
        inner = []
        for path in (current / name for name in names):
            try:
                kind = why_not_regular(path)
            except OSError as error:
                found.passed_over.append((path, _missing(path, error)))
                continue
            if not kind or (kind == "a folder" and whole(path)):
                found.files.append(path)
            elif kind != "a folder":
                found.passed_over.append((path, f"{kind}, not a file"))
            elif path.is_symlink():
                links.append(path)
            else:
                inner.append(path)
        waiting += reversed(inner)
    return links


def _missing(path: Path, error: OSError) -> str:
    if path.is_symlink():
        return "a link to something that is not there"
    return f"cannot be opened: {error.strerror or error}"


def _identity(path: Path) -> tuple[int, int]:
    """Tells folders apart, whatever their names; nothing where they cannot be told."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino
