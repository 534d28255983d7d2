"""The report's folder: what is in it, that it stands alone, that it is whole or absent."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_cases import SHAPE, gaussian_errors, mr_reference, result, volume

import medrestore as mr
from medrestore.evaluation.report import files
from medrestore.evaluation.report.files import write_report

REFERENCE = mr_reference()
PLOTS = {f"{name}.{kind}" for name in ("bland_altman", "differences") for kind in ("svg", "pdf")}
RELIABILITY = {"reliability.svg", "reliability.pdf"}
ALWAYS = {"figures.csv", "figures.json", "report.html"} | PLOTS


@pytest.fixture(scope="module")
def reports() -> list[mr.Report]:
    cases = []
    for seed, name in enumerate(("first <case>", "second & last")):
        noisy = volume((REFERENCE + 60 * gaussian_errors(seed)).astype(np.float32))
        std = np.full(SHAPE, 20, np.float32)
        restored = (REFERENCE + 20 * gaussian_errors(seed + 9)).astype(np.float32)
        cases.append(mr.evaluate(volume(REFERENCE), noisy, result(restored, std, 1.7), name))
    return cases


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots that cost no time."""
    empty = {"svg": b"<svg></svg>", "pdf": b"%PDF"}
    names = ("bland_altman", "differences")
    monkeypatch.setattr(files, "draw", lambda *_: dict.fromkeys(names, empty))


@pytest.fixture(scope="module")
def folder(reports: list[mr.Report], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(reports, tmp_path_factory.mktemp("made") / "report", seed=7).parent


def test_all_files_are_there_and_say_what_they_are(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == ALWAYS | RELIABILITY
    for path in folder.glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF")
    for path in folder.glob("*.svg"):
        assert "<svg" in path.read_text(encoding="utf-8")


def test_the_csv_has_a_row_per_case_method_and_window(
    folder: Path, reports: list[mr.Report]
) -> None:
    with (folder / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["method"], row["window"]) for row in rows] == [
        (report.case, method, "foreground")
        for report in reports
        for method in ("noisy", "restored")
    ]
    found = reports[1].of("restored")
    assert float(rows[3]["psnr_db"]) == pytest.approx(found.psnr_db, rel=1e-7)
    assert float(rows[3]["data_range"]) == pytest.approx(found.window.data_range)
    assert rows[3]["unit"] == "a.u."


def test_the_json_holds_everything(folder: Path, reports: list[mr.Report]) -> None:
    facts = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert facts["seed"] == 7
    assert facts["cases"][0] == reports[0].facts()
    assert facts["paired"][0]["figure"] == "PSNR"
    assert facts["paired"][0]["cases"] == 2


@pytest.mark.usefixtures("quick")
def test_what_is_not_finite_is_null(reports: list[mr.Report], tmp_path: Path) -> None:
    perfect = mr.evaluate(volume(REFERENCE), volume(REFERENCE + 9), volume(REFERENCE), "perfect")
    page = write_report([perfect], tmp_path / "out")
    text = (page.parent / "figures.json").read_text(encoding="utf-8")
    facts = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert facts["cases"][0]["fidelity"][1]["psnr_db"] is None
    assert {path.name for path in page.parent.iterdir()} == ALWAYS


def test_the_page_stands_alone(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert page.count('<img src="data:image/webp;base64,') == 2 * 6  # both cases, six pictures
    assert len(page) < 5e6
    assert "<script" not in page and '<link rel="stylesheet' not in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    assert "first &lt;case&gt;" in page and "<case>" not in page
    assert "seed 7" in page and "For research use only" in page


def test_the_same_figures_are_the_same_bytes(
    folder: Path, reports: list[mr.Report], tmp_path: Path
) -> None:
    again = write_report(reports, tmp_path / "again", seed=7).parent
    for path in folder.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.usefixtures("quick")
def test_an_earlier_report_is_replaced_only_if_asked(
    reports: list[mr.Report], tmp_path: Path
) -> None:
    write_report(reports, tmp_path)
    with pytest.raises(mr.OutputError, match="holds a report already"):
        write_report(reports[:1], tmp_path)
    before = (tmp_path / "figures.csv").read_bytes()
    write_report(reports[:1], tmp_path, overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == ALWAYS
    assert before.startswith((tmp_path / "figures.csv").read_bytes())


def test_there_is_no_reliability_without_a_std(reports: list[mr.Report], tmp_path: Path) -> None:
    plain = [replace(report, uncertainties={}) for report in reports]
    page = write_report(plain, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == ALWAYS
    assert "ENCE" not in page.read_text(encoding="utf-8")


def test_a_folder_with_other_files_is_left_alone(reports: list[mr.Report], tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").write_text("mine")
    with pytest.raises(mr.OutputError, match=r"holds scan\.nii\.gz"):
        write_report(reports, tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


@pytest.mark.usefixtures("quick")
def test_a_write_that_fails_leaves_the_earlier_report(
    folder: Path, reports: list[mr.Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    before = write_report(reports, out).read_bytes()
    monkeypatch.setattr(Path, "write_bytes", _full)
    with pytest.raises(mr.OutputError, match="cannot be written"):
        write_report(reports[:1], out, overwrite=True)
    assert (out / "report.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _full(path: Path, data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_no_case_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(mr.InputError, match="at least one"):
        write_report([], tmp_path)
