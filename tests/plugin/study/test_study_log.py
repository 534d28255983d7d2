"""The answers on the disk: whole after a crash at any byte, and nobody else's."""

import os

import pytest

from medrestore.errors import InputError, OutputError
from medrestore.evaluation.reader_study.answers import HEADER, read
from medrestore.plugin.study.plan import StudyCase, StudyPlan
from medrestore.plugin.study.questions import AnswerLog, file_name, presentations

PLAN = StudyPlan(
    "trial",
    "preference",
    "?",
    tuple(StudyCase(str(i), {"a": f"a/{i}", "b": f"b/{i}"}) for i in range(4)),
)
ORDER = presentations(PLAN, "A")


def log_at(path, plan=PLAN, reader="A"):
    return AnswerLog(path, plan, reader, presentations(plan, reader))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study_A.csv"


def test_answers_come_back(path):
    log = log_at(path)
    for asked in ORDER[:2]:
        log.append(asked, "left", 1.234)
    [one, _] = read([path])
    assert (one.reader, one.plan, one.index, one.seconds) == ("A", PLAN.hash, 1, 1.23)
    assert one.time_utc.endswith("+00:00")
    assert log_at(path).answers == read([path])
    assert path.read_text().startswith(HEADER)
    assert str(path.parent) not in path.read_text()


def test_every_answer_is_on_the_disk_before_the_next(path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size) or fsync(handle)
    )
    log = log_at(path)
    log.append(ORDER[0], "left", 1)
    assert synced[-1] == path.stat().st_size


def test_a_crash_at_any_byte_loses_nothing_that_was_whole(path):
    log = log_at(path)
    lines = [HEADER] + [log.append(asked, "tie", 1).line() for asked in ORDER[:2]]
    content = path.read_bytes()
    assert content == "".join(lines).encode()
    ends = [sum(map(len, lines[: n + 1])) for n in range(3)]
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        again = log_at(path)
        assert len(again.answers) == max(0, sum(size >= end for end in ends) - 1)
        again.append(ORDER[len(again.answers)], "right", 2)
        assert read([path])[-1].answer == "right"


def test_a_full_disk_is_said_and_tried_again(path, monkeypatch):
    log = log_at(path)
    fsync = os.fsync

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        log.append(ORDER[0], "left", 1)
    monkeypatch.setattr(os, "fsync", fsync)
    log.append(ORDER[0], "right", 1)
    assert [one.answer for one in read([path])] == ["right"]


def test_two_windows_do_not_mix(path):
    one, other = log_at(path), log_at(path)
    one.append(ORDER[0], "left", 1)
    with pytest.raises(OutputError, match="another window"):
        other.append(ORDER[0], "right", 1)


def test_files_of_others_are_left_alone(path):
    log_at(path).append(ORDER[0], "left", 1)
    content = path.read_text()
    other = StudyPlan("trial", "preference", "?", PLAN.cases, seed=9)
    for plan, reader, says in ((other, "A", "another plan"), (PLAN, "a", "answers of A")):
        with pytest.raises(InputError, match=says):
            log_at(path, plan, reader)
    assert path.read_text() == content
    path.write_text(content.replace(f"A,1,{ORDER[0].case.id}", "A,1,77"))
    with pytest.raises(InputError, match="edited"):
        log_at(path)


def test_file_names_are_safe():
    assert file_name("study", "Dr. Müller / 2") == "study_Dr._Müller_2.csv"
    assert file_name("study", "../..") == "study_reader.csv"
