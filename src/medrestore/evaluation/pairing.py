"""Scans that belong together, from files and folders: they have the same place and stem.

``scan.nii.gz`` belongs to ``scan.nii.gz``, to ``scan_restored.nii.gz`` as `medrestore denoise` and
`medrestore batch` write it, and to ``scan_noisy.nii.gz`` as `medrestore simulate` does; a DICOM
series is known by its folder.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medrestore import io
from medrestore.errors import InputError, SettingsError
from medrestore.io.formats import is_store, suffix_of
from medrestore.io.uids import without_uids

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence


__all__ = ["RESTORED", "Case", "Cases", "by_stem", "cases_of", "people_of", "scans_by_place"]

RESTORED = "_restored"
NOISY = "_noisy"
BESIDE = (
    *("_std", "_lower", "_upper", "_exceeds", "_removed", "_inconsistent", "_samples", "_noise"),
    "_std_map",
)
"""Ends of the names that a run writes beside its restored scan."""
COLUMNS = ("case", "person")


class Case(NamedTuple):
    """One case: where its reference, its noisy and, by method, its restored scans are."""

    name: str
    reference: Path
    noisy: Path
    restored: dict[str, Path]


class Cases(NamedTuple):
    """Cases by name, and scans without partners, by their place in their folder; never a UID."""

    cases: tuple[Case, ...]
    unpaired: tuple[str, ...]


def cases_of(
    reference: str | os.PathLike[str],
    noisy: str | os.PathLike[str],
    restored: Mapping[str, str | os.PathLike[str]],
) -> Cases:
    """Find the cases of files or folders; headers are read.

    Where each is, or holds, one scan, these belong together whatever their names.

    Parameters
    ----------
    reference, noisy : path
        A scan or a folder of scans.
    restored : mapping of str to path
        The same for each method; a case needs a scan of every method.

    Raises
    ------
    InputError
        If a path is missing, holds no scan, or nothing belongs together.
    """
    paths = [Path(one) for one in (reference, noisy, *restored.values())]
    found = [_plain_keys(_scans(path)) for path in paths]
    if all(len(one) == 1 for one in found):
        (name,) = found[0]
        whole = paths[0].resolve().name if name == "." else name
        return Cases((_case(whole, [next(iter(o.values())) for o in found], restored),), ())
    common = _common(found)
    if not common:  # other sub-folders, perhaps
        found = [by_stem(one) for one in found]
        common = _common(found)
    if not common:
        *others, last = (path.name for path in paths[1:])
        raise InputError(
            f"no scan of {paths[0].name} has partners in {', '.join(others)} and {last}: "
            "files belong together by their names, like a.nii.gz, a_noisy.nii.gz and "
            "a_restored.nii.gz"
        )
    unpaired = sorted({key for one in found for key in one} - set(common))
    cases = [_case(key, [one[key] for one in found], restored) for key in common]
    return Cases(tuple(cases), tuple(without_uids(place) for place in unpaired))


def scans_by_place(folder: Path) -> dict[str, Path]:
    """Path of each scan by its place in the folder without suffix; places with several left out."""
    found: dict[str, list[Path]] = {}
    for scan in io.find(folder):
        place = scan.path.relative_to(folder)
        suffix = suffix_of(place) if scan.path.is_file() or is_store(scan.path) else ""
        key = place.as_posix().removesuffix(suffix) if suffix else place.as_posix()
        found.setdefault(key, []).append(scan.path)
    return _without_companions({key: paths[0] for key, paths in found.items() if len(paths) == 1})


def by_stem(found: dict[str, Path]) -> dict[str, Path]:
    """The same scans by the last part of their place, where it is theirs alone."""
    stems = [key.rpartition("/")[2] for key in found]
    named = zip(stems, found.items(), strict=True)
    return {stem if stems.count(stem) == 1 else key: path for stem, (key, path) in named}


def _scans(path: Path) -> dict[str, Path]:
    if path.is_dir() and not is_store(path):
        found = scans_by_place(path)
        if not found:
            raise InputError(f"{path} holds no scan; give a scan, or the folder with the scans")
        return found
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    name = path.name[: len(path.name) - len(suffix_of(path))]
    return {name.removesuffix(RESTORED): path}


def _without_companions(found: dict[str, Path]) -> dict[str, Path]:
    runs = {key.removesuffix(RESTORED) for key in found if key.endswith(RESTORED)}
    beside = {stem + end for stem in runs for end in BESIDE}
    scans = {key: path for key, path in found.items() if key not in beside}
    restored = {stem: scans.pop(stem + RESTORED) for stem in runs}
    return scans | restored  # a source that lies beside its restored scan gives way to it


def _plain_keys(found: dict[str, Path]) -> dict[str, Path]:
    """``scan_noisy`` as ``scan``, where there is no other ``scan``."""
    return {
        key if key.removesuffix(NOISY) in found else key.removesuffix(NOISY): path
        for key, path in found.items()
    }


def _common(found: list[dict[str, Path]]) -> list[str]:
    first, *others = found
    return sorted(key for key in first if all(key in one for one in others))


def _case(key: str, paths: list[Path], methods: Iterable[str]) -> Case:
    """The case; a scan compared with itself would look perfect."""
    name = without_uids(key)
    reference, noisy, *restored = paths
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError(
            f"{name}: reference, noisy and restored scan are not three different scans: "
            f"{', '.join(str(path) for path in paths)}; give each its own file or folder"
        )
    return Case(name, reference, noisy, dict(zip(methods, restored, strict=True)))


def people_of(cases: Sequence[str], rule: str | None) -> dict[str, str]:
    """The person of each case.

    Parameters
    ----------
    cases : sequence of str
        Names of the cases.
    rule : str, optional
        A CSV file with the columns ``case`` and ``person``, or a regular expression with one group
        that is searched for in the case's name, e.g. ``"(sub-[0-9]+)"``. Without it, each case is
        another person.

    Raises
    ------
    SettingsError
        If it is neither, or says nothing of a case.
    """
    if rule is None:
        return {case: case for case in cases}
    is_file = rule.lower().endswith(".csv") or Path(rule).is_file()
    found = _from_file(Path(rule)) if is_file else _from_pattern(cases, rule)
    missing = [case for case in cases if case not in found]
    if missing:
        raise SettingsError(
            f"{rule} does not say who {missing[0]} is of ({len(missing)} of {len(cases)} cases); "
            "name the person of every case"
        )
    return {case: found[case] for case in cases}


def _from_file(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path} cannot be read as CSV: {error}; check the file") from error
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        case, person = ((row.get(name) or "").strip() for name in COLUMNS)
        if not case or not person:
            raise SettingsError(
                f"line {number} of {path} has no case or no person; the file needs the columns "
                f"{' and '.join(COLUMNS)}, filled in every line"
            )
        if found.setdefault(case, person) != person:
            raise SettingsError(
                f"{path} says that {case} is of {found[case]} and of {person}; a case is of one "
                "person"
            )
    return found


def _from_pattern(cases: Sequence[str], rule: str) -> dict[str, str]:
    try:
        pattern = re.compile(rule)
    except re.error as error:
        raise SettingsError(
            f"{rule!r} is neither a CSV file nor a regular expression: {error}"
        ) from error
    if pattern.groups != 1:
        raise SettingsError(
            f"the pattern {rule!r} has {pattern.groups} groups; put one pair of parentheses around "
            "what names the person, e.g. '(sub-[0-9]+)'"
        )
    matches = {case: pattern.search(case) for case in cases}
    return {case: match[1] for case, match in matches.items() if match is not None and match[1]}
