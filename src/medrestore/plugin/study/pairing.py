"""Cases from two folders: scans that belong together have the same place and stem.

``scan.nii.gz`` belongs to ``scan.nii.gz``, and to ``scan_restored.nii.gz`` as `medrestore denoise`
and `medrestore batch` write it; a DICOM series is known by its folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import InputError
from medrestore.evaluation.pairing import by_stem, scans_by_place
from medrestore.plugin.study.plan import Case

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Paired", "method_names", "missing", "pair"]


class Paired(NamedTuple):
    """Cases, and scans that are left out, by their place in their folder."""

    cases: tuple[Case, ...]
    alone: tuple[str, ...]

    def notes(self) -> tuple[str, ...]:
        """What a person should know before starting; names would tell too much."""
        if not self.alone:
            return ()
        scans = "1 scan" if len(self.alone) == 1 else f"{len(self.alone)} scans"
        return (f"{len(self.cases)} pairs; {scans} without a partner left out",)


def pair(first: Path, second: Path, base: Path) -> Paired:
    """Find the pairs of two folders; headers are read.

    Parameters
    ----------
    first, second : Path
        A folder per method.
    base : Path
        Where the plan will lie: paths are relative to it.

    Raises
    ------
    InputError
        If a folder is missing, they are the same, or nothing pairs.
    """
    for folder in (first, second):
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; choose the folder with the scans of a method")
    if first.resolve() == second.resolve():
        raise InputError("both folders are the same; choose one folder for each method")
    names = method_names(first, second)
    one, other = scans_by_place(first), scans_by_place(second)
    if not one.keys() & other.keys():  # other sub-folders, perhaps
        one, other = by_stem(one), by_stem(other)
    common = sorted(one.keys() & other.keys())
    if not common:
        raise InputError(
            f"no scan of {first.name} has a partner in {second.name}: files belong together by "
            "their names, like a.nii.gz and a.nii.gz or a_restored.nii.gz"
        )
    digits = len(str(len(common)))
    cases = [
        Case(
            f"{number:0{digits}d}",
            {name: _relative(of[key], base) for name, of in zip(names, (one, other), strict=True)},
        )
        for number, key in enumerate(common, 1)
    ]
    return Paired(tuple(cases), tuple(sorted(one.keys() ^ other.keys())))


def missing(cases: Iterable[Case], base: Path) -> list[str]:
    """Images of a plan that are not there."""
    paths = [path for case in cases for path in case.images.values()]
    return [path for path in paths if not (base / path).exists()]


def method_names(first: Path, second: Path) -> tuple[str, str]:
    """The folders' names, with those of their parents where they are the same."""
    one, other = first.resolve(), second.resolve()
    if one.name != other.name:
        return one.name, other.name
    return f"{one.parent.name}/{one.name}", f"{other.parent.name}/{other.name}"


def _relative(path: Path, base: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), base.resolve())).as_posix()
    except ValueError as error:  # another drive, on Windows
        raise InputError(
            f"{path} and {base} lie on different drives; keep the answers on the drive of the scans"
        ) from error
