"""What cards say of samples that were measured beside another model's."""

import json
import shutil
from pathlib import Path

import pytest
from benchmarks.families import cards
from benchmarks.families.method import Method
from benchmarks.headline import headline

from medrestore.cli import main
from medrestore.models.model import find_card


def row(label: str, model: str, data: str, psnr: float) -> dict:
    about = {"data": data, "family": label, "method": "2 steps", "model": model, "people": 5}
    told = {"sampler": label, "steps": 2, "samples": 8, "psnr": psnr, "psnr_each": f"{psnr}"}
    spread = {
        "sample_ratio": 0.987,
        "std_ratio": 1.04,
        "cover90": 0.9,
        "seed": 3,
        "date": "d",
        "machine": "m",
    }
    return about | told | spread


ROWS = [
    row(label, model, data, psnr)
    for label, model, first in (("ddim", "mr_tiny", 31.0), ("moment-matched", "mr_slice", 35.0))
    for data, psnr in (("MR 3 %", first), ("MR 9 %", first - 5.05))
]
OWN = Method("ddim", "2 steps", "mr_tiny", own=True)


def test_a_line_holds_the_models_own_figures_and_the_references() -> None:
    rows = [
        {"noise": noise, "method": method, "psnr_mean": psnr - noise / 10, "sample_ratio": ratio}
        for method, psnr, ratio in (("a:1", 40.0, 0.9), ("a:2", 0.0, 0.0), ("b:4", 41.0, 1.0))
        for noise in (20.0, 40.0)
    ]
    assert headline(rows, "CT", 8) == (
        "8 samples by a:1: PSNR 38.0, 36.0 dB (b:4: 39.0, 37.0), std ratio 0.90, 0.90 at 20, 40 HU"
    )


def test_the_table_fills_the_cards_of_models_that_nothing_else_measures(
    tiny_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(tiny_models, tmp_path / "models")
    monkeypatch.setenv("MEDRESTORE_MODELS", str(tmp_path / "models"))
    before = find_card("mr_tiny", "MR").facts
    cards.update(ROWS, [Method("ddim", "2 steps", "mr_tiny"), Method("ddim", "2", "ct_tiny")])
    assert find_card("mr_tiny", "MR").facts == before
    cards.update(ROWS, [OWN, Method("x", "y", "mr_absent", own=True)])
    after = find_card("mr_tiny", "MR")
    assert {k: v for k, v in after.facts.items() if k != "evaluation"} == before
    said = after.facts["evaluation"]["headline"]
    assert "ddim:2: PSNR 31.0, 25.9 dB (mr_slice moment-matched:2: 35.0, 29.9)" in said
    same = [row | {"sampler": "ddim"} for row in ROWS]  # told apart by their models
    said = cards.evaluation(same, OWN)["headline"]
    assert "ddim:2: PSNR 31.0, 25.9 dB (mr_slice ddim:2: 35.0, 29.9)" in said
    page = (after.folder / "docs" / "README.md").read_text()
    assert "| mean of 5 | 3% | ddim:2 | 31.00 | 1.04 | 0.900 |" in page
    main(["models"])
    assert "std ratio 1.04" in " ".join(capsys.readouterr().out.split())
    main(["models", "--json"])
    assert any("evaluation" in card for card in json.loads(capsys.readouterr().out))


def test_without_the_reference_nothing_is_said() -> None:
    assert cards.evaluation(ROWS[:2], OWN) == {}
    assert cards.evaluation(ROWS[2:], OWN) == {}
