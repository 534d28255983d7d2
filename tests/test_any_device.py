"""A run stays on its device, without float64: what any accelerator needs, shown without one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from medrestore.core.tiles import taper
from medrestore.engine.forecast import complete
from medrestore.engine.pipeline import run
from medrestore.engine.plan import Noise, Plan
from medrestore.engine.resolve import resolve
from medrestore.models.card import Card
from medrestore.models.model import Model, load
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Volume
from on_meta import OnMeta, Strayed, without_metal

MODELS = Path(__file__).parents[1] / "models"
NAMES = sorted(path.parents[1].name for path in MODELS.glob("*/configs/card.json"))
EVERY_SAMPLER = [(name, sampler) for name in NAMES for sampler in Card.read(MODELS / name).samplers]


def on_meta(name: str, precision: str = "float32") -> Model:
    card = Card.read(MODELS / name)
    for window in (1, card.window[0], card.depth[0]):
        taper(window)  # worked out on the host, once in a process
    model = load(card, "meta", precision)
    assert model.refiner.training is False  # made on the host, too
    return model


def planned(model: Model, **settings: object) -> tuple[Plan, Volume]:
    """A scan of several windows and its plan."""
    card, shape = model.card, (max(model.card.depth[0], 2), 75, 61)
    scale = 1000.0 if card.modality == "CT" else 200.0
    array = np.full(shape, 0.5 * scale, np.float32)
    volume = Volume(array, Geometry(shape, np.eye(4)), card.modality)
    steps = max(2, card.family.fewest_steps)
    asked = Settings(**{"samples": max(1, card.family.fewest_samples), "steps": steps, **settings})
    noise = Noise(float(np.prod(card.sigma_range)) ** 0.5 * scale)
    return resolve(asked, volume, card, noise, scale, "meta", model.precision), volume


def stays(model: Model, **settings: object) -> None:
    """Run, and fail if an operator leaves the device or has no kernel on Apple's GPUs."""
    plan, volume = planned(model, **settings)
    with OnMeta() as device:
        arrays = run(plan, volume, model)
    assert arrays.restored.shape == volume.array.shape and arrays.drawn == plan.settings.samples
    assert torch.ops.aten.convolution.default in device.operators
    assert not without_metal(device.operators)


@pytest.mark.parametrize("name", NAMES)
def test_the_usual_run_of_every_model(name: str) -> None:
    stays(on_meta(name), keep_samples=True)


@pytest.mark.parametrize("name", ["mr_slice", "mr_patch3d", "mr_slice_latent", "mr_slice_score"])
def test_in_bfloat16(name: str) -> None:
    stays(on_meta(name, "bfloat16"))


@pytest.mark.parametrize("sampler", Card.read(MODELS / "mr_slice").samplers)
def test_every_sampler(sampler: str) -> None:
    stays(on_meta("mr_slice"), sampler=sampler)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sampler"), EVERY_SAMPLER)
def test_every_sampler_of_every_model(name: str, sampler: str) -> None:
    stays(on_meta(name), sampler=sampler)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ct_slice", {"samples": 0}),
        ("mr_slice", {"steps": 1}),
        ("mr_slice", {"measurement": 0.5, "estimate": "posterior-mean"}),
        ("mr_slice_ddpm", {"guidance": 2.0}),
        ("mr_slice_score", {"guidance": 0.5, "measurement": 0.5, "estimate": "sample"}),
    ],
)
def test_what_settings_add(name: str, settings: dict) -> None:
    stays(on_meta(name), **settings)


def test_the_forecasts_own_run() -> None:
    model = on_meta("mr_slice")
    plan, _ = planned(model)
    with OnMeta():
        done = complete(plan, model.card, lambda: model)
    assert done.seconds is not None and 1 <= done.batch <= plan.batch


def test_what_strays_is_caught() -> None:
    there, here = torch.ones(2, device="meta"), torch.ones(2)
    with OnMeta():
        assert (2 * there).is_meta
        assert torch.asarray(np.ones(2, np.float32), device="meta").is_meta
        assert there.cpu().tolist() == [1, 1]
        for strays in (
            lambda: torch.zeros(2),
            lambda: here + 1,
            lambda: torch.hann_window(4).to("meta"),
            lambda: there[torch.tensor([0])],
            lambda: there.double(),
            lambda: torch.asarray(np.ones(2), device="meta"),
            lambda: torch.zeros(2, dtype=torch.float64, device="meta"),
        ):
            with pytest.raises(Strayed):
                strays()
    assert without_metal({torch.ops.aten.geqrf.default}) == ["geqrf"]
