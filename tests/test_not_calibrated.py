"""A model whose coverage nobody measured says so wherever an interval is shown."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan
from medrestore.cli import main
from medrestore.core.families import networks
from medrestore.core.intervals import Intervals
from medrestore.core.meter import SILENT
from medrestore.core.method import ESTIMATED
from medrestore.engine.plan import Plan
from medrestore.models.bundle import write_card
from medrestore.models.card import Card
from medrestore.plugin.drawings import Drawing
from medrestore.plugin.layers import KEY, displayed, record_of, to_layer
from medrestore.plugin.messages import opened_summary, preview_summary, summary
from medrestore.plugin.regions import RegionTable, as_csv, measure, reading
from medrestore.plugin.result_layers import result_layers
from medrestore.restorer import RESTORER
from medrestore.results.record import reopen
from medrestore.settings.settings import Settings
from medrestore.training.finish import write_bundle
from scans import write_nifti
from tiny import speak, tiny_card, write_tiny_models

NAME = "mr_unfinished"
SENTENCE = f"{NAME} is not calibrated: {ESTIMATED}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Beside tiny models one without factors."""
    folder = write_tiny_models(tmp_path_factory.mktemp("models"))
    card = tiny_card(NAME, "MR")
    card["intervals"] = {"relative_sigma": [1.0], "people": 0, "factors": {}}
    nets = networks(card)
    speak(*nets)
    write_bundle(folder / NAME, card, *nets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDRESTORE_MODELS", str(folder))
        yield folder / NAME


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    array = np.abs(100 + rng.normal(0, 5, (4, 40, 40)))
    return write_nifti(tmp_path_factory.mktemp("scan") / "scan.nii.gz", array)


def planned(scan: Path, name: str = NAME, **asked: object) -> Plan:
    return make_plan(mr.read(scan, "MR"), Settings(model=name, noise=0.05, **asked))


@pytest.fixture(scope="module")
def result(model: Path, scan: Path) -> mr.Result:
    return RESTORER.run(planned(scan, samples=2, keep_samples=True), mr.read(scan, "MR"))


def test_the_plan_says_it_once_and_others_do_not(model: Path, scan: Path) -> None:
    for samples in (0, 2):
        plan = planned(scan, samples=samples)
        assert not plan.calibrated and plan.warnings.count(SENTENCE) == 1
        assert Card.read(model).intervals(plan.settings.method) == Intervals.gaussian()
        finished = planned(scan, "mr_tiny", samples=samples)
        assert finished.calibrated and "calibrated" not in "".join(finished.warnings)
    other = planned(scan, "mr_tiny", sampler="heun", steps=4)
    assert other.calibrated and not other.warnings  # a voxel's interval is the predictor's
    guided = planned(scan, "mr_tiny", measurement=1.0)
    assert guided.calibrated
    assert "".join(guided.warnings).count("not calibrated") == 1  # regions


def test_the_record_keeps_it_and_older_ones_are_read(model: Path, scan: Path) -> None:
    plan = planned(scan, samples=0)
    facts = json.loads(plan.to_json())
    assert facts["calibrated"] is False and SENTENCE in facts["warnings"]
    assert not Plan.from_json(json.dumps(facts)).calibrated
    del facts["calibrated"]
    assert Plan.from_json(json.dumps(facts)).settings == plan.settings


def test_the_command_line(model: Path, scan: Path, tmp_path: Path, capsys) -> None:
    asked = ["--modality", "MR", "--noise", "0.05", "--samples", "0"]
    texts = {}
    for name in (NAME, "mr_tiny"):
        out = str(tmp_path / name)
        assert main(["denoise", str(scan), "-o", out, "--model", name, *asked]) == 0
        texts[name] = capsys.readouterr().out
    assert "bounds meant for 90 % of the voxels, not calibrated\n" in texts[NAME]
    assert texts[NAME].count(SENTENCE) == 1
    assert "bounds to cover 90 % of the voxels\n" in texts["mr_tiny"]
    assert "calibrated" not in texts["mr_tiny"]
    record = json.loads((tmp_path / NAME / "scan_run.json").read_text())
    assert SENTENCE in record["warnings"] and record["plan"]["calibrated"] is False
    assert main(["models"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "not calibrated" in rows[NAME] and "calibrated" not in rows["mr_tiny"]


def test_the_page_of_a_batch(model: Path, scan: Path, tmp_path: Path) -> None:
    for name, said in ((NAME, True), ("mr_tiny", False)):
        out = tmp_path / name
        mr.denoise_folder(scan.parent, out, modality="MR", model=name, noise=0.05, samples=0)
        page = (out / "report.html").read_text()
        assert (SENTENCE in page or SENTENCE.replace("'", "&#39;") in page) == said
        assert ("90 % interval, not calibrated" in page) == said and "90 % interval" in page


def test_regions_in_python_and_in_the_viewer(model: Path, result: mr.Result, qtbot) -> None:
    mask = np.zeros(result.plan.shape, bool)
    mask[1:3, 10:20, 10:20] = True
    assert result.region(mask).calibrated is False
    shown = displayed(result.restored.with_array(mask.astype(np.float32))) > 0
    drawing = Drawing(shown.astype(int), (), np.eye(4), shown.shape)
    on_layer = {"metadata": {KEY: record_of(result.restored)}}
    rows = measure(result, on_layer, drawing, 0, SILENT)
    (row,) = csv.DictReader(io.StringIO(as_csv(rows)))
    assert (row["level"], row["calibrated"]) == ("0.9", "no")
    table = RegionTable()
    qtbot.addWidget(table)
    table.show_rows(rows)
    assert table.horizontalHeaderItem(1).text() == "Mean, 90 % (not calibrated)"
    card = Card.read(model)
    known = Card(card.folder, card.facts | {"region_factor": 1.2})
    assert known.knows_regions("predictor") and not known.knows_regions("ddim+guided:2")
    by_size = {"voxels": [1, 100], "factors": {"moment-matched:2": [1.0, 1.3]}}
    known = Card(card.folder, card.facts | {"region_factors": by_size})
    assert known.knows_regions("moment-matched:4") and not known.knows_regions("predictor")
    assert known.region_factor("moment-matched:4", 10) == pytest.approx(1.15)


def test_the_viewer(result: mr.Result) -> None:
    for text in (
        summary(result, cancelled=False),
        opened_summary(result),
        preview_summary(result, result.plan, "slice 2"),
    ):
        assert SENTENCE.removeprefix(NAME) in text  # as a sentence, with a capital
    assert "90 % (not calibrated): " in reading(result, (1, 5, 5))
    _, source, _ = to_layer(result.scan)
    made = result_layers(result, source)
    layers = {meta["metadata"][KEY]["role"]: meta for _, meta, _ in made}
    for name in ("lower", "upper"):
        assert layers[name]["name"].startswith(f"{name} 90 %, not calibrated · ")
        assert layers[name]["metadata"][KEY]["meaning"].endswith(f"Not calibrated: {ESTIMATED}.")
    finished = dataclasses.replace(
        result, plan=dataclasses.replace(result.plan, calibrated=True, warnings=())
    )
    assert "calibrated" not in reading(finished, (1, 5, 5))


def test_a_saved_run_that_is_opened_again(result: mr.Result, scan: Path, tmp_path: Path) -> None:
    result.save(tmp_path)
    assert not reopen(tmp_path / "scan_run.json", scan).plan.calibrated


def test_an_evaluation_and_the_cards_own_page(model: Path, result: mr.Result) -> None:
    report = mr.evaluate(result.scan.with_array(result.scan.array + 1), result.scan, result)
    assert f"not calibrated: {ESTIMATED} before" in report.notes
    write_card(model, {k: v for k, v in Card.read(model).facts.items() if k != "version"})
    assert f"Not calibrated: {ESTIMATED}." in (model / "docs" / "README.md").read_text()
    metadata = json.loads((model / "configs" / "metadata.json").read_text())
    assert metadata["task"] == "MR denoising with uncalibrated uncertainty"
