"""A new model's card says what its own run did, and is there once the model is finished."""

import json
from datetime import date
from pathlib import Path

import pytest

from medrestore.cli import main
from medrestore.core.method import ESTIMATED
from medrestore.errors import Cancelled, InputError
from medrestore.models.card import Card
from medrestore.models.model import load
from medrestore.training.config import Config
from medrestore.training.source import INDEX, licences, pack
from small import PEOPLE, quick, trained, write_config

MODELS = Path(__file__).parents[2] / "models"
STAGES = {"predictor": {"steps": 4, "every": 2}, "refiner": {"steps": 2, "every": 2}}
NOTES, LIMITS = ["trained on knees in May"], ["no hips"]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    quick(monkeypatch)
    return write_config(tmp_path, stages=STAGES, notes=NOTES, limits=LIMITS)


def said_of(folder: Path) -> tuple[list[str], list[str]]:
    facts = Card.read(folder).facts
    return facts["training"]["notes"], facts["limits"]


def test_texts_of_a_copied_config_are_not_on_the_new_card(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    folder = trained(config)
    card = Card.read(folder)
    assert said_of(folder) == ([], [])
    own = Config.read(folder / "configs" / "train.json")
    assert (own.notes, own.limits, own.written_of) == ((), (), card.sha256)
    assert not {*NOTES, *LIMITS} & {*(folder / "docs" / "README.md").read_text().splitlines()}

    # written of these weights they are on their card, and the weights stay what they are
    config.write_text(json.dumps(json.loads(config.read_text()) | {"written_of": card.sha256}))
    assert said_of(trained(config)) == (NOTES, LIMITS)
    assert Card.read(folder).sha256 == card.sha256
    assert "- no hips" in (folder / "docs" / "README.md").read_text()

    # the finished model's own config, copied for another: other weights, other card
    copy = json.loads((folder / "configs" / "train.json").read_text()) | {"seed": 1, "name": "b"}
    (tmp_path / "copy.json").write_text(json.dumps(copy))
    monkeypatch.chdir(tmp_path)
    assert main(["train", "copy.json"]) == 0
    told = capsys.readouterr().out
    assert said_of(tmp_path / "models" / "b") == ([], [])
    assert "are not on their card" in told and Card.read(tmp_path / "models" / "b").sha256 in told


def test_the_card_says_what_the_run_did(config: Path, tmp_path: Path) -> None:
    first = Card.read(trained(config))
    training = first.facts["training"]
    assert training["scans"] == [f"{name}.nii.gz" for name in PEOPLE]
    assert training["people"] == list(PEOPLE) and training["licences"] == ["made here (CC0)"]
    assert "start" not in training
    (session,) = training["stages"]["predictor"]["sessions"]
    assert (session["after"], session["to"], session["devices"]) == (0, 4, 1)
    assert session["begun"] == session["ended"] == date.today().isoformat()
    assert session["precision"] in ("float32", "bfloat16") and session["device"]
    page = (first.folder / "docs" / "README.md").read_text()
    assert f"Trained {date.today().isoformat()} on 1 × {session['device']} in" in page

    longer = STAGES | {"predictor": {"steps": 6, "every": 2}}
    stages = Card.read(trained(config, stages=longer)).facts["training"]["stages"]
    steps = [(one["after"], one["to"]) for one in stages["predictor"]["sessions"]]
    assert steps == [(0, 4), (4, 6)] and len(stages["refiner"]["sessions"]) == 1

    tuned = Card.read(trained(config, first.folder, name="tuned")).facts["training"]
    begun = Card.read(first.folder)
    assert tuned["start"] == {"model": "small", "weights_sha256": begun.sha256}


def test_licences_are_those_of_the_scans(config: Path, tmp_path: Path) -> None:
    read = Config.read(
        config,
        {
            "scans": [{"file": f"{name}.nii.gz", "person": name} for name in PEOPLE],
            "licences": ["of other scans (MIT)"],
        },
    )
    assert licences(read) == ["no licence stated: a.nii.gz, b.nii.gz"]
    rows = [
        {"file": "data/a.nii.gz", "lic": "CC0", "src": "archive", "person": "Anna"},
        {"file": "b.nii.gz", "licence": "MIT"},
        {"file": "c.nii.gz", "licence": "unused"},
    ]
    index = tmp_path / "data" / INDEX
    index.write_text(json.dumps(rows))
    assert licences(read) == ["Anna, archive (CC0)", "b (MIT)"]
    section = {"training": {"licences": ["before (BSD)", "b (MIT)"]}}
    start = Card(tmp_path, {**Card.read(MODELS / "mr_slice").facts, **section})
    assert licences(read, start) == ["before (BSD)", "b (MIT)", "Anna, archive (CC0)"]
    pack(read, tmp_path / "packed")
    there = Config.read(config, {"data": str(tmp_path / "packed"), "scans": _plain(read)})
    assert licences(there) == licences(read)
    index.write_text("{}")
    assert licences(read)[0].startswith("no licence stated")
    index.write_text("[1]")
    with pytest.raises(InputError, match="no list of rows with a file"):
        licences(read)


def _plain(config: Config) -> list[dict[str, str]]:
    return [{"file": scan.file, "person": scan.person} for scan in config.scans]


@pytest.mark.parametrize("folder", sorted(MODELS.iterdir()), ids=lambda folder: folder.name)
def test_configs_of_shipped_models_give_their_cards(folder: Path) -> None:
    card = Card.read(folder)
    config = Config.read(folder / "configs" / "train.json")
    assert config.written_of == card.sha256
    assert list(config.of_weights(card.sha256).notes) == card.facts["training"]["notes"]
    assert list(config.of_weights(card.sha256).limits) == card.facts["limits"]
    told = card.facts["training"]
    start = MODELS / told["start"]["model"] if "start" in told else folder
    before = Card.read(start).facts["training"]["licences"]
    assert {*licences(config)} <= {*told["licences"]} <= {*licences(config), *before}
    other = config.of_weights("0" * 64)
    assert (other.notes, other.limits, other.written_of) == ((), (), "0" * 64)


def test_trainings_under_way_name_a_licence_for_each_scan() -> None:
    for path in MODELS.glob("*/progress/train.json"):
        config = Config.read(path)
        assert all(scan.licence for scan in config.scans), path
        assert not config.written_of, path  # no weights are finished, so nothing is said of them


def test_a_model_is_there_once_it_is_finished(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise Cancelled("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("medrestore.training.finish.measure_spread", stopped)
        with pytest.raises(Cancelled):
            trained(config)
    assert not (tmp_path / "models").exists()
    folder = trained(config)
    before = Card.read(folder)
    assert before.intervals("predictor").people == len(PEOPLE)
    assert ESTIMATED not in (folder / "docs" / "README.md").read_text()
    assert not (tmp_path / "runs" / "small" / "draft").exists()

    with monkeypatch.context() as patch:
        patch.setattr("medrestore.training.finish.measure_spread", stopped)
        with pytest.raises(Cancelled):
            trained(config, stages=STAGES | {"predictor": {"steps": 6, "every": 2}})
    assert Card.read(folder).facts == before.facts
    load(before)  # the weights are still its own
