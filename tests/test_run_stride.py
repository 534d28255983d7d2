"""Windows of the refiner lie as far apart in a run as its card says, then as its record says."""

import json

import numpy as np
import pytest

import medrestore as mr
from medrestore.api import make_plan
from medrestore.engine.pace import windows_of
from medrestore.engine.plan import Plan
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models that came with medrestore."""
    monkeypatch.delenv("MEDRESTORE_MODELS", raising=False)


@pytest.fixture
def plan(shipped: None) -> Plan:
    array = np.random.default_rng(0).normal(100, 9, (3, 160, 120)).astype(np.float32)
    scan = mr.Volume(array, mr.Geometry(array.shape, np.eye(4)), "MR")
    return make_plan(scan, Settings(model="mr_slice", noise="9 a.u.", samples=0))


def test_a_plan_has_the_stride_of_its_card_and_an_older_one_that_of_the_training(
    plan: Plan,
) -> None:
    card = plan.card()
    assert plan.stride == card.run_stride == 56
    assert windows_of(card, plan) == 3 * 2
    facts = json.loads(plan.to_json())
    assert Plan.from_json(json.dumps(facts)).stride == 56
    del facts["stride"]
    older = Plan.from_json(json.dumps(facts))
    model = load(card)
    tiled = [model.denoiser(4, model.windows(3), range(3), one.stride) for one in (plan, older)]
    assert [one.stride for one in tiled] == [56, card.window[1]]
    assert windows_of(card, older) == 3 * 3


def test_a_card_that_names_none_has_the_stride_of_its_training() -> None:
    card = find_card("mr_slice_latent", "MR")
    assert "run_stride" not in card.facts["refiner"]
    assert card.run_stride == card.window[1]
