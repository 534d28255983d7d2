"""From CSV to figures, words and the command line."""

import json

import pytest
from made_answers import preference_of, score_of

from medrestore.cli import main
from medrestore.errors import InputError
from medrestore.evaluation.reader_study.analysis import analyse
from medrestore.evaluation.reader_study.answers import COLUMNS, HEADER, parse, read
from medrestore.evaluation.reader_study.summary import sentences, tables

CASES = ("a", "b", "c", "d", "e")


def write(path, answers):
    path.write_text(HEADER + "".join(one.line() for one in answers), encoding="utf-8")
    return path


def two_readers():
    """A votes restored ×4, noisy ×1; B restored ×3, tie, noisy; A is asked two of them again."""
    picks = {"A": "RRRRN", "B": "RRRTN"}
    answers = []
    for reader, votes in picks.items():
        for i, (case, vote) in enumerate(zip(CASES, votes, strict=True), 1):
            sides = ("noisy", "restored") if i % 2 else ("restored", "noisy")
            wanted = {"R": "restored", "N": "noisy"}.get(vote)
            answer = "tie" if wanted is None else ("left", "right")[sides.index(wanted)]
            answers.append(preference_of(reader, i, case, answer, *sides))
    answers.append(preference_of("A", 6, "a", "left", "restored", "noisy", repeat=True))  # the same
    answers.append(preference_of("A", 7, "e", "right", "noisy", "restored", repeat=True))  # not
    return answers


def test_a_line_comes_back_as_it_was(tmp_path):
    odd = preference_of('Ünsal, "U"', 1, "a;b", "tie", left="a, b")
    assert parse(HEADER + odd.line(), "file") == [odd]
    assert parse("\ufeff".join(["", HEADER]).lstrip("\ufeff"), "file") == []
    assert HEADER.strip().split(",") == list(COLUMNS)


def test_preferences(tmp_path):
    found = analyse(two_readers())
    [one] = found.comparisons
    assert (one.first, one.second, one.cases) == ("noisy", "restored", 5)
    votes = one.all_readers
    assert (votes.wins, votes.losses, votes.ties) == (2, 7, 1)  # repeats do not count
    assert one.by_reader["A"].losses == 4
    assert one.difference.mean == pytest.approx((2 + 0.5) / 10)
    assert [(r.name, r.answers, r.repeats) for r in found.readers] == [("A", 5, 2), ("B", 5, 0)]
    [between] = found.between
    assert (between.items, between.same) == (5, 0.8)
    # Categories noisy, tie, restored. Linear: observed disagreement 1/5; expected from the margins
    # A (1, 0, 4)/5, B (1, 1, 3)/5: (1·1·1 + 1·3·2 + 4·1·2 + 4·1·1)/25 = 19/25.
    assert between.linear == pytest.approx(1 - (1 / 5) / (19 / 25))
    [within] = found.within
    assert (within.readers, within.items, within.same) == (("A",), 2, 0.5)
    assert found.icc is None


def test_scores():
    given = {"A": ([2, 2, 3, 1, 2], [4, 4, 5, 3, 4]), "B": ([3, 2, 3, 2, 2], [5, 4, 4, 4, 4])}
    answers = [
        score_of(reader, i + 5 * m + 1, case, method, of_method[i])
        for reader, values in given.items()
        for m, (method, of_method) in enumerate(zip(("noisy", "restored"), values, strict=True))
        for i, case in enumerate(CASES)
    ]
    found = analyse(answers)
    assert found.scores["noisy"].mean == 2.2 and found.scores["restored"].mean == 4.1
    [one] = found.comparisons
    assert one.difference.mean == pytest.approx(-1.9)
    assert one.p_value == pytest.approx(2 / 2**5)
    assert found.left is None and one.all_readers is None
    assert found.icc.value > 0.7
    assert "noisy 2.20 and restored 4.10" in sentences(found)[0]
    json.dumps(found.facts(), allow_nan=False)


def test_skipped_pictures_count_nowhere_else():
    answers = [*two_readers(), preference_of("B", 6, "f", "skipped")]
    found = analyse(answers)
    assert found.comparisons[0].cases == 5
    assert found.readers[1].skipped == 1
    assert sentences(found)[-1].startswith("1 question skipped")
    assert analyse([preference_of("A", 1, "a", "skipped")]).comparisons[0].all_readers.share is None


def test_three_methods_are_compared_two_by_two():
    answers = [
        preference_of("A", i, case, "left", *pair)
        for i, (case, pair) in enumerate(
            [(c, p) for c in CASES for p in (("x", "y"), ("z", "x"), ("y", "z"))], 1
        )
    ]
    found = analyse(answers)
    assert [(c.first, c.second) for c in found.comparisons] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert [c.all_readers.wins for c in found.comparisons] == [5, 0, 5]


def test_one_who_judges_sides_is_told_of():
    answers = [preference_of("A", i, str(i), "left") for i in range(1, 13)]
    assert any("judged sides" in text for text in sentences(analyse(answers)))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("trial,abc,preference", "3 columns"),
        ("t,p,guess,A,1,a,x,y,left,1,0,now", "kind is 'guess'"),
        ("t,p,score,A,1,a,x,,6,1,0,now", "answer is '6'"),
        ("t,p,preference,A,one,a,x,y,left,1,0,now", "no number"),
        ("t,p,preference,A,1,a,x,y,left,1,maybe,now", "repeat is 'maybe'"),
        ("t,p,preference,A,1,a,x,,left,1,0,now", "two methods"),
    ],
)
def test_a_damaged_line_is_named(line, says):
    with pytest.raises(InputError, match=r"file\.csv, line 2.*" + says):
        parse(HEADER + line + "\n", "file.csv")


def refused(capsys, *arguments):
    assert main(["reader-study", "analyse", *map(str, arguments)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_files_that_do_not_belong_together(tmp_path, capsys):
    ours = write(tmp_path / "a.csv", two_readers())
    other = preference_of("C", 1, "a", "left")
    stranger = write(tmp_path / "c.csv", [type(other)(**{**vars(other), "plan": "xyz"})])
    assert "2 different plans" in refused(capsys, ours, stranger)
    assert "give every file once" in refused(capsys, ours, ours)
    assert "no answers yet" in refused(capsys, write(tmp_path / "empty.csv", []))
    assert "cannot be read" in refused(capsys, tmp_path / "nowhere.csv")
    (tmp_path / "scan.csv").write_bytes(b"\xff\xfe\x00\x01")
    assert "UTF-8" in refused(capsys, tmp_path / "scan.csv")
    (tmp_path / "else.csv").write_text("a,b\n1,2\n")
    assert "first line" in refused(capsys, tmp_path / "else.csv")
    twice = write(tmp_path / "twice.csv", two_readers()[:1] * 2)
    assert "two answers number 1" in refused(capsys, twice)
    assert "required" in refused(capsys)


def test_the_command(tmp_path, capsys):
    answers = two_readers()
    paths = [
        str(write(tmp_path / f"{name}.csv", [one for one in answers if one.reader == name]))
        for name in "AB"
    ]
    assert main(["reader-study", "analyse", *paths]) == 0
    said = capsys.readouterr().out
    for word in ("study trial", "restored was preferred to noisy in 7 of 9", "κ linear", "1 tie"):
        assert word in said
    assert main(["reader-study", "analyse", *paths, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["comparisons"][0]["all_readers"]["losses"] == 7
    assert facts["comparisons"][0]["difference"]["cases"] == 5
    assert facts["between"][0]["readers"] == ["A", "B"]
    assert read(paths)[0].reader == "A"


def test_the_tables_are_rectangular():
    for titles, rows, _ in tables(analyse(two_readers())):
        assert rows and all(len(row) == len(titles) for row in rows)
