"""Who a case is of, from a file or a pattern."""

from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.evaluation.pairing import people_of
from medrestore.evaluation.statistics import over_people

CASES = ("sub-01/t1", "sub-01/t2", "sub-02/t1")


def test_each_case_is_another_person_unless_told() -> None:
    assert people_of(CASES, None) == {case: case for case in CASES}


def test_a_pattern_names_the_person() -> None:
    assert list(people_of(CASES, "(sub-[0-9]+)").values()) == ["sub-01", "sub-01", "sub-02"]


def test_a_file_names_the_person(tmp_path: Path) -> None:
    path = tmp_path / "who.csv"
    path.write_text("person,case,age\nann,sub-01/t1,30\nann,sub-01/t2,30\nbob,sub-02/t1,40\n")
    assert list(people_of(CASES, str(path)).values()) == ["ann", "ann", "bob"]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("sub", "has 0 groups"),
        ("(sub)-(..)", "has 2 groups"),
        ("(sub", "neither a CSV file nor a regular expression"),
        ("(t2)", "does not say who sub-01/t1 is of .2 of 3 cases"),
        ("gone.csv", "cannot be read"),
    ],
)
def test_what_says_nothing_is_refused(told: str, says: str) -> None:
    with pytest.raises(mr.SettingsError, match=says):
        people_of(CASES, told)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("case,who\nsub-01/t1,ann\n", "line 2 of .* needs the columns case and person"),
        ("case,person\nsub-01/t1,\n", "line 2 of .* has no case or no person"),
        ("case,person\nsub-01/t1,ann\nsub-01/t1,bob\n", "is of ann and of bob"),
        ("case,person\nsub-01/t1,ann\n", "does not say who sub-01/t2"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "who.csv"
    path.write_text(text)
    with pytest.raises(mr.SettingsError, match=says):
        people_of(CASES, str(path))


def test_means_of_each_persons_cases() -> None:
    found = over_people(["b", "a", "b"], np.array([1.0, 5.0, 4.0]))
    assert found.tolist() == [2.5, 5.0]
