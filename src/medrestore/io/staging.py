"""Writing whole files or none: everything goes to a temporary folder beside the target first."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medrestore.errors import OutputError
from medrestore.io.temporary import OLD, settle, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["staged_file", "staged_folder"]


@contextmanager
def staged_file(path: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary path with the target's name; renamed to the target when the block ends well.

    Companions that a format writes beside its header (``.raw`` beside ``.mhd``) move first, so
    that a header never names data that are not there.

    Raises
    ------
    OutputError
        If the target exists and ``overwrite`` is false, or its folder cannot be written.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another name or pass overwrite=True")
    with _writing(path), temporary_folder(path.parent) as folder:
        staged = folder / "new"
        staged.mkdir()
        yield staged / path.name
        settle(staged)
        companions = [file for file in sorted(staged.iterdir()) if file.name != path.name]
        _refuse_strangers(path, companions, overwrite)
        if companions and path.exists():  # a crash leaves no old header with new data
            os.replace(path, folder / "replaced")
        for written in (*companions, staged / path.name):
            os.replace(written, path.parent / written.name)
        settle(path.parent, deep=False)


def _refuse_strangers(path: Path, companions: list[Path], overwrite: bool) -> None:
    for written in companions:
        if (path.parent / written.name).exists() and not overwrite:
            raise OutputError(
                f"{path.parent / written.name} exists already, and {path.name} needs a file of "
                "that name; choose another name or pass overwrite=True"
            )


@contextmanager
def staged_folder(path: Path, overwrite: bool, ours: Callable[[Path], bool]) -> Iterator[Path]:
    """A temporary folder, renamed to the target when the block ends well.

    Parameters
    ----------
    path : Path
        The folder to write; may exist if it is empty.
    overwrite : bool
        Whether a folder with files in it may be replaced.
    ours : callable
        Tells whether a file is one that a former run wrote: a folder with anything else in it is
        never replaced.

    Raises
    ------
    OutputError
        If the folder may not be replaced, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; give the name of a folder")
    present = list(path.iterdir()) if path.exists() else []
    if present and not overwrite:
        raise OutputError(f"{path} is not empty; choose another folder or pass overwrite=True")
    strange = next((file for file in present if not ours(file)), None)
    if strange is not None:
        raise OutputError(
            f"{path} holds {strange.name}, which medrestore did not write; it is left alone: "
            "choose another folder"
        )
    with _writing(path), temporary_folder(path.parent) as temporary:
        new, old = temporary / "new", temporary / OLD / path.name
        new.mkdir()
        yield new
        settle(new)
        old.parent.mkdir()
        if path.exists():
            os.rename(path, old)
        try:
            os.rename(new, path)
        except OSError:
            if old.exists():
                os.rename(old, path)
            raise
        settle(path.parent, deep=False)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; check the folder, its "
            "permissions and the space left"
        ) from error
