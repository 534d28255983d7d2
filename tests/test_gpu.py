"""CPU and GPU give the same results: run with `-m gpu` where there is one that torch can use.

Float32 means float32: TF32 is off for convolutions and products while these run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medrestore.core.compute import SAME_VOXELS_WITHIN
from medrestore.core.predictor import Condition
from medrestore.devices import accelerator, device_name, own_bytes
from medrestore.engine.device_check import place_of
from medrestore.engine.forecast import complete
from medrestore.engine.likelihood import log_likelihood
from medrestore.engine.memory_fallback import MemoryFallback
from medrestore.engine.pipeline import run
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.models.card import Card
from medrestore.models.model import Model, load
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Volume

DEVICE = accelerator() or "none"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(DEVICE == "none", reason="no accelerator that torch can use"),
]
MODELS = Path(__file__).parents[1] / "models"
NAMES = sorted(path.parent.parent.name for path in MODELS.glob("*/configs/card.json"))


@pytest.fixture(autouse=True)
def exact_float32() -> Iterator[None]:
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = convolutions
    torch.backends.cuda.matmul.allow_tf32 = products


@pytest.fixture(scope="module", params=NAMES)
def card(request: pytest.FixtureRequest) -> Card:
    return Card.read(MODELS / request.param)


@contextmanager
def no_more_than(size: int) -> Iterator[None]:
    """A cap on this process's share of the GPU, ``size`` bytes above what it holds."""
    module = torch.get_device_module(DEVICE)
    module.empty_cache()
    if DEVICE == "mps":
        held, total = module.driver_allocated_memory(), module.recommended_max_memory()
    else:
        held, total = module.memory_reserved(), module.get_device_properties().total_memory
    module.set_per_process_memory_fraction((held + size) / total)
    try:
        yield
    finally:
        module.set_per_process_memory_fraction(1.0)


def scan(card: Card) -> tuple[Volume, float, float]:
    """Blocks with noise, their σ and scale."""
    rng = np.random.default_rng(0)
    scale = 1000.0 if card.modality == "CT" else 200.0
    sigma, depth = 0.03 * scale, max(6, card.depth[0])
    blocks = rng.random((1, 10, 9)).repeat(depth, 0).repeat(12, 1).repeat(12, 2)
    array = 0.5 * scale * blocks + sigma * rng.standard_normal(blocks.shape)
    geometry = Geometry(array.shape, np.eye(4))
    return Volume(array.astype(np.float32), geometry, card.modality), sigma, scale


def restored(card: Card, model: Model, **settings) -> tuple:
    volume, sigma, scale = scan(card)
    asked = Settings(keep_samples=True, seed=5, **settings)
    plan = resolve(asked, volume, card, Noise(sigma), scale, model.device, model.precision)
    return run(plan, volume, model), sigma


@pytest.mark.parametrize("precision", SAME_VOXELS_WITHIN)
def test_predictor_and_refiner(card: Card, precision: str) -> None:
    volume, sigma, scale = scan(card)
    slices, window = card.depth[0], card.window[0]
    y = torch.from_numpy(volume.array[:slices, None, :window, :window]).repeat(1, card.slices, 1, 1)
    there, found = Condition(y, torch.full_like(y[:, :1], sigma), torch.tensor([[[[scale]]]])), []
    z = torch.randn(slices, 1, window, window, generator=torch.Generator().manual_seed(0))
    for device, kind in (("cpu", "float32"), (DEVICE, precision)):
        model = load(card, device, kind)
        c = Condition(*(part.to(device) for part in there))
        with torch.inference_mode():
            prediction = model.predict(c)
            seen = model.condition(c, prediction)
            denoise = model.denoiser(4, model.windows(slices), range(slices))
            r_hat = denoise(z.to(device), 0.8, seen) * prediction.log_s.exp()
        found.append([a.cpu() for a in (prediction.mu, prediction.log_s.exp(), r_hat)])
    for ours, theirs in zip(*found, strict=True):
        assert torch.isfinite(theirs).all()
        assert (ours - theirs).abs().max() <= SAME_VOXELS_WITHIN[precision] * sigma


@pytest.mark.parametrize("precision", SAME_VOXELS_WITHIN)
def test_a_whole_run(card: Card, precision: str) -> None:
    settings = {"samples": 2, "steps": 2, "noise": 0.03}
    ours, sigma = restored(card, load(card, "cpu"), **settings)
    theirs, _ = restored(card, load(card, DEVICE, precision), **settings)
    for name in ("restored", "std", "mu", "s", "samples"):
        difference = np.abs(getattr(ours, name) - getattr(theirs, name)).max()
        assert difference <= SAME_VOXELS_WITHIN[precision] * sigma, name


def test_batches_change_nothing(card: Card) -> None:
    volume, sigma, scale = scan(card)
    model = load(card, DEVICE)
    plan = resolve(
        Settings(samples=2, keep_samples=True), volume, card, Noise(sigma), scale, DEVICE
    )
    whole = run(plan, volume, model)
    small = run(replace(plan, batch=3, slab=1), volume, model)
    assert np.abs(whole.samples - small.samples).max() <= 1e-3 * sigma


def test_memory_that_runs_out_for_real(card: Card) -> None:
    """The run goes on with less and gives the same."""
    volume, sigma, scale = scan(card)
    model = load(card, DEVICE)
    plan = resolve(
        Settings(samples=1, keep_samples=True), volume, card, Noise(sigma), scale, DEVICE
    )
    whole = run(plan, volume, model)
    with no_more_than(48 * 2**20):
        engine = MemoryFallback(model, plan.slab, plan.batch)
        spared = run(plan, volume, engine)
    assert engine.notes
    assert np.abs(whole.samples - spared.samples).max() <= 1e-3 * sigma


def test_the_forecast_knows_the_gpu(card: Card) -> None:
    volume, sigma, scale = scan(card)
    model = load(card, DEVICE)
    plan = resolve(Settings(), volume, card, Noise(sigma), scale, DEVICE)
    done = complete(plan, card, lambda: model)
    assert done.seconds is not None and done.seconds >= 0
    assert 1 <= done.batch <= plan.batch


@pytest.mark.parametrize("precision", SAME_VOXELS_WITHIN)
def test_auto_takes_and_believes_it(card: Card, precision: str) -> None:
    assert place_of("auto", precision, card) == (DEVICE, precision, ())


def test_the_likelihood_of_a_scan() -> None:
    card = Card.read(MODELS / "mr_slice_score")
    volume, _, _ = scan(card)
    asked = {"model": str(MODELS / card.name), "slices": (0, 3), "steps": 4}
    ours, theirs = (log_likelihood(volume, device=one, **asked) for one in ("cpu", DEVICE))
    np.testing.assert_allclose(theirs.bits_per_voxel, ours.bits_per_voxel, atol=1e-3)


def test_it_has_a_name_and_says_what_is_free() -> None:
    assert device_name(DEVICE)
    assert (own_bytes(DEVICE) or 1) > 0
