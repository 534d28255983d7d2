"""Who a case is of: several scans of a person are one observation."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["over_people", "people_of"]

COLUMNS = ("case", "person")


def people_of(cases: Sequence[str], told: str | None) -> dict[str, str]:
    """The person of each case.

    Parameters
    ----------
    cases : sequence of str
        Names of the cases.
    told : str, optional
        A CSV file with the columns ``case`` and ``person``, or a regular expression with one group
        that is searched for in the case's name, e.g. ``"(sub-[0-9]+)"``. Without it, each case is
        another person.

    Raises
    ------
    SettingsError
        If it is neither, or says nothing of a case.
    """
    if told is None:
        return {case: case for case in cases}
    found = _from_file(Path(told)) if _names_file(told) else _from_pattern(cases, told)
    missing = [case for case in cases if case not in found]
    if missing:
        raise SettingsError(
            f"{told} does not say who {missing[0]} is of ({len(missing)} of {len(cases)} cases); "
            "name the person of every case"
        )
    return {case: found[case] for case in cases}


def over_people(people: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over the cases of each person, (cases, …) → (people, …), as they first come."""
    order = list(dict.fromkeys(people))
    index = np.array([order.index(person) for person in people])
    return np.stack([values[index == i].mean(axis=0) for i in range(len(order))])


def _names_file(told: str) -> bool:
    return told.lower().endswith(".csv") or Path(told).is_file()


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


def _from_pattern(cases: Sequence[str], told: str) -> dict[str, str]:
    try:
        pattern = re.compile(told)
    except re.error as error:
        raise SettingsError(
            f"{told!r} is neither a CSV file nor a regular expression: {error}"
        ) from error
    if pattern.groups != 1:
        raise SettingsError(
            f"the pattern {told!r} has {pattern.groups} groups; put one pair of parentheses around "
            "what names the person, e.g. '(sub-[0-9]+)'"
        )
    matches = {case: pattern.search(case) for case in cases}
    return {case: match[1] for case, match in matches.items() if match is not None and match[1]}
