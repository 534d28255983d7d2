"""Models whose image is the mean of their samples, from the config to the restored scan."""

from pathlib import Path

import numpy as np
import pytest
import torch

import medrestore as mr
from medrestore.models.card import Card
from medrestore.models.model import load
from small import PEOPLE, quick, scan, trained, write_config

pytestmark = pytest.mark.slow

STEPS = 300
STD = 0.3
SLICES = {"image": 3, "score": 1}


@pytest.fixture(scope="module", params=sorted(SLICES))
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of a model that was trained."""
    family = request.param
    config = write_config(
        tmp_path_factory.mktemp(family),
        name=family,
        family=family,
        predictor={"mean": 0.45, "std": STD, "slices": SLICES[family]},
        stages={"refiner": {"steps": STEPS, "every": STEPS // 2, "rate": 0.003, "ema": 0.95}},
        batch=8,
    )
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        trained(config)
    return config


@pytest.fixture
def card(config: Path) -> Card:
    (folder,) = (config.parent / "models").iterdir()
    return Card.read(folder)


def test_the_card_says_what_was_trained_and_how_wide_intervals_are(card: Card) -> None:
    assert card.facts["family"] == card.name
    assert {name: stage["steps"] for name, stage in card.facts["training"]["stages"].items()} == {
        "refiner": STEPS
    }
    intervals = card.facts["intervals"]
    assert intervals["people"] == len(PEOPLE) and [*intervals["factors"]] == ["ddim:50"]
    factors = np.array(intervals["factors"]["ddim:50"])
    assert (np.diff(factors, axis=1) > 0).all() and (factors > 0).all()
    assert [*card.facts["region_factors"]["factors"]] == ["ddim:50"]


def test_it_goes_on_from_its_checkpoint(
    config: Path, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    before = load(card).refiner.state_dict()
    again = load(Card.read(trained(config))).refiner.state_dict()
    assert all(torch.equal(before[key], again[key]) for key in before)


def test_it_has_learned_what_scans_look_like(card: Card) -> None:
    """Better than untrained: of the scan alone where it was told that, else of its noise."""
    clean = scan(5)
    noisy = mr.simulate(clean, noise=0.05, seed=3)
    result = mr.denoise(noisy, str(card.folder), noise=0.05, samples=2)
    assert result.plan.settings.method == "ddim:50" and result.drawn == 2
    error, noise = (np.std(v.array - clean.array) for v in (result.restored, noisy))
    by_voxel = noise / np.hypot(1, 0.05 / STD)  # what is left by shrinking each to the mean
    of_two = np.sqrt(1 + 1 / 2)  # posterior samples as wrong as their mean, and independent
    limits = {"image": 0.42 * STD * result.plan.scale, "score": 0.9 * of_two * by_voxel}
    assert error < limits[card.name]
    assert 0.3 < result.std.array.mean() / error < 3
