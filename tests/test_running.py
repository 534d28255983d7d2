"""What a result warns of is said in Python too: once, of its own kind, at the caller's line."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan, run_plan
from medrestore.cli import main
from medrestore.restorer import RESTORER
from medrestore.settings.settings import Settings
from scans import write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models")

QUIET, LOUD = 0.05, 0.4
"""Noise that the tiny models were made for (0.002 to 0.2), and noise above that."""
SENTENCE = "is above what mr_tiny was trained for"


def scan() -> mr.Volume:
    rng = np.random.default_rng(0)
    array = np.abs(100 + rng.normal(0, 5, (4, 40, 40))).astype(np.float32)
    return mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), "MR")


def caught(call) -> list[warnings.WarningMessage]:
    """What is said in Python while something is done."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        call()
    return said


def with_sentence(said: list[warnings.WarningMessage]) -> list[warnings.WarningMessage]:
    """Those on the noise's range, not the verdict on noise told eight times too strong."""
    return [one for one in said if SENTENCE in str(one.message)]


def test_noise_out_of_range_is_said_once_at_the_callers_line() -> None:
    (said,) = with_sentence(caught(lambda: mr.denoise(scan(), noise=LOUD, samples=0)))
    assert said.category is mr.MedrestoreWarning and SENTENCE in str(said.message)
    assert said.filename == __file__


def test_a_plan_that_is_run_says_it_too_and_its_maker_does_not() -> None:
    plans = []
    assert caught(lambda: plans.append(make_plan(scan(), Settings(noise=LOUD, samples=0)))) == []
    (said,) = with_sentence(caught(lambda: run_plan(plans[0], scan())))
    assert (said.category, said.filename) == (mr.MedrestoreWarning, __file__)
    assert caught(lambda: RESTORER.run(plans[0], scan())) == []


def test_each_warning_of_the_result_is_said(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "scan.nii.gz", scan().array)
    results = []

    def go() -> None:
        results.append(mr.denoise(mr.read(path, "MR"), noise=LOUD, samples=2))
        results[0].save(tmp_path / "out")

    said = caught(go)
    assert [str(one.message) for one in said] == list(results[0].warnings)
    again = caught(lambda: mr.rerun(tmp_path / "out" / "scan_run.json", path))
    assert {str(one.message) for one in said} <= {str(one.message) for one in again}
    assert {one.filename for one in again} == {__file__}


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    assert caught(lambda: mr.denoise(scan(), noise=QUIET, samples=0)) == []


def test_a_warning_can_be_made_an_error_or_be_left_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", mr.MedrestoreWarning)
        with pytest.raises(mr.MedrestoreWarning, match=SENTENCE):
            mr.denoise(scan(), noise=LOUD, samples=0)
        warnings.simplefilter("ignore", mr.MedrestoreWarning)
        assert SENTENCE in mr.denoise(scan(), noise=LOUD, samples=0).warnings[0]


def test_command_line_and_batch_say_it_once_in_their_own_way(tmp_path: Path, capsys) -> None:
    path = write_nifti(tmp_path / "in" / "scan.nii.gz", scan().array)
    asked = ["--modality", "MR", "--noise", str(LOUD), "--samples", "0"]
    commands = [["denoise", str(path), "-o", str(tmp_path / "one"), *asked]]
    commands += [["batch", str(path.parent), str(tmp_path / "all"), *asked]]
    assert caught(lambda: [main(command) for command in commands[:1]]) == []
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count(SENTENCE) == 1
    assert caught(lambda: [main(command) for command in commands[1:]]) == []
    log = (tmp_path / "all" / "batch.jsonl").read_text().splitlines()
    assert "".join(log).count(SENTENCE) == 1
    assert sum(SENTENCE in str(json.loads(line).get("warnings")) for line in log) == 1
