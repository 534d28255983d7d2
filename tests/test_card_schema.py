"""Model cards: read by the schema, refused with the missing key, opened when they are older."""

import json
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser

from medrestore.errors import ModelError
from medrestore.models import schema
from medrestore.models.bundle import write_card
from medrestore.models.card import Card
from medrestore.models.card_page import page
from medrestore.resources import models_folder
from tiny import tiny_card

FOLDERS = sorted(path.parent.parent for path in models_folder().glob("*/configs/card.json"))


def written(folder: Path, facts: dict[str, Any]) -> Path:
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "card.json").write_text(json.dumps(facts))
    return folder


def facts(**changes: Any) -> dict[str, Any]:
    return {**tiny_card("mr_new", "MR"), "version": 1, "weights_sha256": "0" * 64, **changes}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_schema_knows_every_key_of_the_shipped_cards(folder: Path) -> None:
    card = Card.read(folder)
    assert set(card.known.other) <= {"condition_dropped"}  # of one training
    assert card.known.training.people and card.known.limits
    method = next(iter(card.known.intervals.factors))
    assert card.intervals(method).people == card.known.intervals.people > 0


@pytest.mark.parametrize("key", ["sigma_range", "predictor", "intervals", "weights_sha256"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    known = facts()
    del known[key]
    with pytest.raises(ModelError, match=f"mr_new lacks {key}"):
        Card.read(written(tmp_path / "mr_new", known))


def test_a_section_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="mr_new, intervals, lacks factors"):
        Card.read(written(tmp_path / "mr_new", facts(intervals={"how": "not at all"})))
    with pytest.raises(ModelError, match="mr_other, training, is no table"):
        Card.read(written(tmp_path / "mr_other", facts(training="long")))


def test_keys_of_a_later_medrestore_are_left_alone(tmp_path: Path) -> None:
    card = Card.read(written(tmp_path / "mr_new", facts(colour="blue")))
    assert card.known.other == {"colour": "blue"} and card.facts["colour"] == "blue"


def test_an_older_version_is_brought_up_to_date(tmp_path: Path, monkeypatch: Any) -> None:
    older = facts(version=0)
    older["title"] = older.pop("summary")
    folder = written(tmp_path / "mr_old", older)
    with pytest.raises(ModelError, match="has version 0, this medrestore reads version 1"):
        Card.read(folder)
    upgraded = {0: lambda old: {**old, "summary": old["title"], "version": 1}}
    monkeypatch.setattr(schema, "UPGRADES", upgraded)
    assert Card.read(folder).summary == older["title"]


def test_monai_opens_a_shipped_bundle() -> None:
    folder = next(path for path in FOLDERS if path.name == "mr_slice")
    parser = ConfigParser()
    parser.read_config(folder / "configs" / "inference.json")
    parser["bundle_root"] = str(folder)
    parser.get_parsed_content("imports")
    model = parser.get_parsed_content("model")
    assert model.card.name == "mr_slice"
    assert parser.get_parsed_content("predictor") is model.predictor


def test_figures_by_anatomy_are_shown(tmp_path: Path) -> None:
    table = {"titles": ["anatomy", "people"], "rows": [["knee", "2"]]}
    known = {"what": "Held out.", "command": "measure", "date": "2026-12-01", "seed": 0, **table}
    folder = written(tmp_path / "mr_new", facts())
    write_card(folder, facts(by_anatomy=known))
    text = (folder / "docs" / "README.md").read_text()
    assert "## By anatomy\n\nHeld out. `measure`, 2026-12-01, seed 0." in text
    assert "| anatomy | people |\n|---|---|\n| knee | 2 |" in text


def test_a_page_says_what_was_not_calibrated() -> None:
    known = facts()
    known["intervals"] |= {"relative_sigma": [0.05], "people": 1}
    known["region_factors"] = {"voxels": [16, 100], "factors": {"predictor": [1.0, 1.0]}}
    known["intervals"]["factors"] = {"predictor": [[0.6, 1.2, 1.6, 2.0]]}
    known["region_factors"] |= {"level": 0.9, "people": 1, "people_held_out": 1}
    text = page(known)
    assert "Noise outside 5.0% of the scale" in text
    assert "rest on 1 person" in text
    assert "more than 200 voxels" in text and "1.00 stands" in text
    known["region_factors"]["factors"]["predictor"] = [1.0, 1.2]
    assert "1.00 stands" not in page(known)
    known["intervals"]["factors"] = {}
    assert "Noise outside" not in page(known)
