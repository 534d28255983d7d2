"""Checks that results can be written, before minutes of work and not after."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.errors import OutputError
from medrestore.io.formats import FORMATS
from medrestore.results.naming import RECORD, extras_format, written_as
from medrestore.results.result import LAYERS

if TYPE_CHECKING:
    import os

    from medrestore.io.formats import Format
    from medrestore.volume import Source, Volume

__all__ = ["check_destination", "check_file", "check_folder", "check_source"]


def check_destination(
    volume: Volume,
    out: str | os.PathLike[str],
    *,
    format: str = "source",
    overwrite: bool = False,
) -> None:
    """Make sure that a result of ``volume`` can be saved into the folder ``out``.

    Parameters
    ----------
    volume : Volume
        The scan; its name and format decide the names of the results.
    out : path
        The folder, which need not exist and is not made.
    format, overwrite
        As for `Result.save`.

    Raises
    ------
    OutputError
        If the folder cannot be written, results are there and must not be replaced, or the format
        does not suit the scan.
    """
    check_source(volume.source, out, format=format, overwrite=overwrite)


def check_source(
    source: Source,
    out: str | os.PathLike[str],
    *,
    format: str = "source",
    overwrite: bool = False,
) -> None:
    """The same, from a scan's format and name alone; raises `OutputError`."""
    kind = written_as(source.format, format)
    form, folder, stem = FORMATS[kind], Path(out), source.name
    check_folder(folder)
    for name in (*LAYERS, "std_map") if form.series else LAYERS:
        _check_output(folder / f"{stem}_{name}{form.result}", overwrite, form)
    form = extras_format(kind)
    for name in ("noise", "samples"):
        _check_output(folder / f"{stem}_{name}{form.result}", overwrite, form)
    _check_target(folder / f"{stem}{RECORD}", overwrite)


def check_file(path: Path, overwrite: bool = False) -> None:
    """Make sure that a file can be written; raises `OutputError`."""
    check_folder(path.parent)
    _check_target(path, overwrite)


def check_folder(folder: Path) -> None:
    """Make sure that files can be made in a folder, or in the nearest one that exists.

    Raises
    ------
    OutputError
        If not. Nothing is left behind.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise OutputError(f"{folder} cannot be made: {existing} is a file; choose another folder")
    try:
        with tempfile.TemporaryDirectory(prefix=".medrestore-", dir=existing):
            pass
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror or error}; choose another folder"
        ) from error


def _check_output(path: Path, overwrite: bool, form: Format) -> None:
    if form.store or form.series:
        _check_tree(path, overwrite, form)
    else:
        _check_target(path, overwrite)


def _check_target(path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise OutputError(f"{path} is a folder and in the way; choose another folder")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another folder, or allow --overwrite")


def _check_tree(path: Path, overwrite: bool, form: Format) -> None:
    present = list(path.iterdir()) if path.is_dir() else []
    if path.is_file():
        raise OutputError(f"{path} is a file and in the way; choose another folder")
    if present and not overwrite:
        raise OutputError(f"{path} exists already; choose another folder, or allow --overwrite")
    strange = next((file for file in present if not form.replaceable(file)), None)
    if strange is not None:
        raise OutputError(
            f"{path} holds {strange.name}, which medrestore did not write; choose another folder"
        )
