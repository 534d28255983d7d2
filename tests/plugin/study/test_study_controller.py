"""The controller without Qt: what is asked, kept and said."""

import numpy as np
import pytest

from medrestore.evaluation.reader_study.answers import read
from medrestore.plugin.study import stage
from medrestore.plugin.study.controller import StudyPage
from medrestore.plugin.study.session import FromFolders


@pytest.fixture
def source(folders):
    where = (str(folders / name) for name in ("noisy", "restored", "answers"))
    return FromFolders(*where, repeats=0.25)


def csv_of(folders, reader="A"):
    return folders / "answers" / f"study_{reader}.csv"


def test_a_whole_study(desk, source, folders):
    desk.controller.start(source, "A")
    assert desk.view.page is StudyPage.QUESTION
    assert (desk.view.number, desk.view.total) == (1, 5)
    assert desk.view.choices == ("left", "tie", "right")
    for place in range(1, 6):
        assert desk.view.number == place
        desk.answer("left", seconds=place)
    assert desk.view.page is StudyPage.SUMMARY and not desk.view.busy
    assert "All 5 answers are in study_A.csv" in desk.view.status
    assert any("preferred" in text or "no decided" in text for text in desk.view.summary)
    answers = read([csv_of(folders)])
    assert [one.seconds for one in answers] == [1, 2, 3, 4, 5]
    assert sum(one.repeat for one in answers) == 1
    assert desk.cleared == 1 and len(desk.shown) == 5
    desk.controller.back()
    assert desk.view.page is StudyPage.START


def test_nothing_on_the_page_names_a_file_or_a_method(desk, source):
    desk.controller.start(source, "A")
    for _ in range(5):
        said = " ".join(str(v) for v in vars(desk.view).values())
        assert not any(word in said for word in ("noisy", "restored", "doe", "lonely", ".nii"))
        desk.answer("right")


def test_both_pictures_have_one_window_and_one_place(desk, source):
    desk.controller.start(source, "A")
    shown = desk.shown[0]
    left, right = shown.arrays
    assert left.shape == right.shape and not np.array_equal(left, right)
    assert shown.window[0] < shown.window[1]
    assert shown.grid["scale"] == pytest.approx((3.0, 0.906, 0.906), abs=1e-3)


def test_an_answer_counts_once_confirmed(desk, source, folders):
    desk.controller.start(source, "A")
    desk.controller.confirm()
    desk.controller.choose("nonsense")
    desk.controller.choose("left")
    desk.controller.choose("right")
    assert read_or_none(folders) == []
    desk.controller.confirm()
    assert [one.answer for one in read_or_none(folders)] == ["right"]


def read_or_none(folders):
    lines = csv_of(folders).read_text().splitlines()
    return read([csv_of(folders)]) if len(lines) > 1 else []


def test_a_study_goes_on_where_it_was_stopped(desk, source, folders):
    desk.controller.start(source, "A")
    desk.answer("left")
    desk.answer("tie")
    desk.controller.stop()
    assert desk.view.page is StudyPage.START and "2 of 5" in desk.view.status
    assert desk.cleared == 1
    desk.controller.start(source, "A")
    assert desk.view.number == 3
    desk.controller.stop()
    desk.controller.start(source, "B")
    assert desk.view.number == 1


def test_the_next_pictures_are_loaded_while_the_reader_looks(desk, source, monkeypatch):
    loaded = []
    load = stage.load
    monkeypatch.setattr(
        stage,
        "load",
        lambda asked, *rest: loaded.append(asked.index) or load(asked, *rest),
    )
    desk.controller.start(source, "A")
    assert loaded == [1, 2] and len(desk.shown) == 1
    desk.answer("left")
    assert loaded == [1, 2, 3] and len(desk.shown) == 2


def test_time_runs_from_the_pictures_appearance(desk, source, folders):
    desk.at_once = False
    desk.controller.start(source, "A")
    desk.now = 50  # looking for scans, loading
    assert desk.view.busy
    desk.controller.choose("left")  # nothing to judge yet
    desk.controller.confirm()
    desk.catch_up()
    desk.answer("left", seconds=3)
    desk.catch_up()
    assert read([csv_of(folders)])[0].seconds == 3


def test_what_comes_after_stop_is_forgotten(desk, source):
    desk.at_once = False
    desk.controller.start(source, "A")
    desk.controller.stop()
    desk.catch_up()
    assert desk.view.page is StudyPage.START and not desk.shown
    desk.controller.start(source, "A")
    desk.controller.abandon()
    views = len(desk.views)
    desk.catch_up()
    assert len(desk.views) == views and not desk.shown


def test_a_picture_that_cannot_be_opened_is_tried_again_or_skipped(desk, source, folders):
    desk.at_once = False
    desk.controller.start(source, "A")
    task, done, _ = desk.waiting.pop(0)
    done(task())
    kept = {path: path.read_bytes() for path in (folders / "noisy").iterdir()}
    for path in kept:
        path.write_bytes(b"no scan")
    desk.catch_up()
    assert desk.view.stuck and desk.view.problem
    assert "cannot be opened" in desk.view.status and "doe" not in desk.view.status
    desk.answer("left")
    assert desk.view.number == 1
    desk.at_once = True
    desk.controller.skip()
    assert desk.view.number == 2 and desk.view.stuck
    for path, content in kept.items():
        path.write_bytes(content)
    desk.controller.retry()
    assert not desk.view.stuck and len(desk.shown) == 1
    assert read([csv_of(folders)])[0].answer == "skipped"


def test_pictures_on_two_grids_are_refused(desk, source, folders):
    from scans import mr_array, write_nifti

    for number in range(4):
        write_nifti(folders / "noisy" / f"doe_{number}.nii.gz", mr_array((4, 12, 15)))
    desk.controller.start(source, "A")
    assert desk.view.stuck and "do not show the same voxels" in desk.view.status


def test_a_viewer_that_fails_is_a_sentence(desk, source, caplog):
    def broken(_):
        raise RuntimeError("no canvas")

    object.__setattr__(desk.controller._actions, "display", broken)
    desk.controller.start(source, "A")
    assert desk.view.stuck and "no canvas" in desk.view.status
    assert "no canvas" in caplog.text


def test_an_answer_that_cannot_be_kept_can_be_given_again(desk, source, folders, monkeypatch):
    desk.controller.start(source, "A")
    folder = folders / "answers"
    folder.rename(folders / "away")
    desk.answer("left")
    assert desk.view.problem and "cannot be written" in desk.view.status
    assert (desk.view.number, desk.view.chosen) == (1, "left")
    (folders / "away").rename(folder)
    desk.controller.confirm()
    assert desk.view.number == 2
    assert len(read([csv_of(folders)])) == 1


def test_scores(desk, source, folders):
    from dataclasses import replace

    desk.controller.start(replace(source, kind="score", repeats=0.0), "A")
    assert desk.view.choices == tuple("12345")
    while desk.view.page is StudyPage.QUESTION:
        assert len(desk.shown[-1].arrays) == 1
        desk.answer("4")
    assert len({shown.window for shown in desk.shown}) == 4  # one per case, whatever the method
    assert len(read([csv_of(folders)])) == 8
    assert "Mean scores" in desk.view.summary[0]


def test_the_summary_is_of_all_readers(desk, source, folders):
    for reader in "AB":
        desk.controller.start(source, reader)
        while desk.view.page is StudyPage.QUESTION:
            desk.answer("left")
        said = " ".join(desk.view.summary)
        desk.controller.back()
    assert "A and B agree on" in said and "A agrees with themselves" in said
