"""Plans and pairs of folders: what is found, and what is said where nothing is."""

import json

import pytest

from medrestore.errors import InputError, MedrestoreError, OutputError, SettingsError
from medrestore.plugin.study.plan import StudyCase, StudyPlan, read_plan, write_plan
from medrestore.plugin.study.session import FromFolders, FromPlan, begin, method_names, pair
from scans import ct_array, write_ct, write_nifti

CASES = (StudyCase("1", {"a": "a/1.nii", "b": "b/1.nii"}),)


def test_a_plan_comes_back_from_its_file(tmp_path):
    plan = StudyPlan("übung", "preference", "?", CASES, 7, 0, False, ("A",), (-150, 250))
    write_plan(plan, tmp_path / "study.json")
    again = read_plan(tmp_path / "study.json")
    assert again == plan and again.hash == plan.hash
    with pytest.raises(OutputError):
        write_plan(plan, tmp_path / "study.json")


def test_the_hash_is_of_what_readers_meet():
    plan = StudyPlan("trial", "preference", "?", CASES)
    assert StudyPlan("trial", "preference", "?", CASES, readers=("A",)).hash == plan.hash
    assert StudyPlan("trial", "preference", "?", CASES, seed=1).hash != plan.hash


def test_a_short_plan_is_enough(tmp_path):
    path = tmp_path / "chest.json"
    cases = [{"id": "1", "images": {"a": "a.nii", "b": "b.nii"}}]
    path.write_text(json.dumps({"kind": "preference", "cases": cases}))
    plan = read_plan(path)
    assert plan.name == "chest" and plan.question.endswith("?") and plan.seed == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "taste"}, "kind is 'taste'"),
        ({"cases": []}, "no cases"),
        ({"cases": [{"id": "1", "images": {"a": "a.nii"}}]}, "at least 2"),
        ({"cases": [{"id": "1", "images": {"a": "x", "b": 3}}]}, "by its path"),
        ({"cases": ["1"]}, "a case is"),
        ({"repeats": 20}, "share from 0 to 1"),
        ({"seed": "x"}, "'seed' is 'x'"),
        ({"window": [1]}, "two values"),
        ({"window": [3, 1]}, "lower value first"),
        ({"sead": 1}, "'sead' is unknown"),
        ({"format": "other"}, "no study plan"),
    ],
)
def test_a_plan_that_makes_no_sense(tmp_path, changes, says):
    facts = {"kind": "preference", "cases": [{"id": "1", "images": {"a": "x", "b": "y"}}]}
    path = tmp_path / "study.json"
    path.write_text(json.dumps(facts | changes))
    with pytest.raises(InputError, match=says):
        read_plan(path)


def test_files_that_are_no_plan(tmp_path):
    (tmp_path / "text.json").write_text("{")
    for name, says in (("text.json", "no JSON"), ("none.json", "cannot be read")):
        with pytest.raises(InputError, match=says):
            read_plan(tmp_path / name)
    with pytest.raises(SettingsError, match="two cases have the id '1'"):
        StudyPlan("t", "preference", "?", CASES * 2)


def test_pairs_by_stem(folders):
    found = pair(folders / "noisy", folders / "restored", folders / "answers")
    assert [case.id for case in found.cases] == ["1", "2", "3", "4"]
    assert found.cases[0].images == {
        "noisy": "../noisy/doe_0.nii.gz",
        "restored": "../restored/doe_0_restored.nii.gz",
    }
    assert found.unpaired == ("lonely",)
    assert found.notes() == ("4 pairs; 1 scan without a partner left out",)


def test_pairs_of_dicom_folders_and_of_other_subfolders(tmp_path):
    for person in ("p1", "p2"):
        write_ct(tmp_path / "full" / person, ct_array())
        write_nifti(tmp_path / "low" / "later" / f"{person}.nii.gz", ct_array())
    found = pair(tmp_path / "full", tmp_path / "low", tmp_path)
    assert [case.images["full"] for case in found.cases] == ["full/p1", "full/p2"]
    assert found.cases[0].images["low"] == "low/later/p1.nii.gz"


def test_method_names_differ(tmp_path):
    for place in ("a/out", "b/out"):
        (tmp_path / place).mkdir(parents=True)
    assert method_names(tmp_path / "a/out", tmp_path / "b/out") == ("a/out", "b/out")


def test_what_cannot_begin_says_what_to_do(folders):
    noisy, restored = str(folders / "noisy"), str(folders / "restored")
    out = str(folders / "answers")
    (folders / "empty").mkdir()
    (folders / "file").touch()
    for source, reader, says in (
        (FromFolders(noisy, restored, out), " ", "under Reader"),
        (FromFolders("", restored, out), "A", "choose the folder with the first"),
        (FromFolders(noisy, noisy, out), "A", "the same"),
        (FromFolders(noisy, str(folders / "none"), out), "A", "no folder"),
        (FromFolders(noisy, str(folders / "empty"), out), "A", "belong together by"),
        (FromFolders(noisy, restored, str(folders / "file" / "in")), "A", "cannot be made"),
        (FromPlan(""), "A", "choose a plan file"),
    ):
        with pytest.raises(MedrestoreError, match=says):
            begin(source, reader)
    begin(FromFolders(noisy, restored, out), "A")
    with pytest.raises(InputError, match="another study"):
        begin(FromFolders(noisy, restored, out, seed=1), "A")
    path = folders / "answers" / "study.json"
    path.write_text(path.read_text().replace('"readers": []', '"readers": ["B"]'))
    with pytest.raises(SettingsError, match="not among this study's readers: B"):
        begin(FromPlan(str(path)), "A")
    begin(FromPlan(str(path)), "B")
    (folders / "noisy" / "doe_1.nii.gz").unlink()
    with pytest.raises(InputError, match="1 of the plan's images"):
        begin(FromPlan(str(path)), "B")
