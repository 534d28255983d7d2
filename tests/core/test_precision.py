"""Layout and precision: the same numbers, or numbers that agree as far as bfloat16 can."""

from pathlib import Path

import pytest
import torch

from medrestore.core.compute import trunk_in_bfloat16, weights_last
from medrestore.core.predictor import Condition, Predictor
from medrestore.devices import has_bfloat16, pick_precision
from medrestore.models.card import Card
from medrestore.models.model import load
from tiny import speak


def test_auto_takes_bfloat16_only_where_it_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medrestore.devices.has_bfloat16", lambda device: device == "cuda")
    assert pick_precision("auto", "cuda") == "bfloat16"
    assert pick_precision("auto", "cpu") == "float32"
    assert pick_precision("bfloat16", "cpu") == "bfloat16"
    assert pick_precision("float32", "cuda") == "float32"


def test_the_processor_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not has_bfloat16("cpu")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert has_bfloat16("cpu")


@pytest.mark.parametrize("network", [Predictor(3, (8, 12), 1), Predictor(3, (8, 12), 1, depth=4)])
def test_layout_changes_no_number(network: torch.nn.Module) -> None:
    speak(network)
    c = Condition(torch.randn(4, network.slices, 24, 20), torch.ones(4, 1, 24, 20), torch.ones(1))
    with torch.no_grad():
        before = network(c)
        weights_last(network)
        after = network(c)
    assert any(p.ndim > 3 and not p.is_contiguous() for p in network.parameters())
    assert torch.allclose(before.mu, after.mu, atol=1e-5)
    assert torch.allclose(before.log_s, after.log_s, atol=1e-5)


def test_layers_named_exact_stay_in_float32() -> None:
    network = Predictor(3, (8, 12), 1)
    speak(network)
    trunk_in_bfloat16(network, [network.mean, network.spread])
    assert network.head.weight.dtype == torch.bfloat16
    assert network.mean.weight.dtype == torch.float32
    assert network.spread[0].weight.dtype == torch.float32
    seen = []
    network.mean.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    with torch.no_grad():
        c = Condition(torch.randn(1, 3, 16, 16), torch.ones(1, 1, 16, 16), torch.ones(1))
        prediction = network(c)
    assert seen == [torch.float32]
    assert prediction.mu.dtype == prediction.log_s.dtype == torch.float32


@pytest.mark.parametrize("name", ["mr_slice", "ct_slice"])
def test_shipped_models_agree_within_three_hundredths_of_sigma(name: str) -> None:
    folder = Path(__file__).parents[2] / "models" / name
    exact, rounded = load(Card.read(folder)), load(Card.read(folder), precision="bfloat16")
    scale = 1000.0 if exact.card.modality == "CT" else 200.0
    sigma, side = 0.03 * scale, 96
    torch.manual_seed(0)
    blocks = torch.rand(1, 1, 8, 8).repeat_interleave(12, 2).repeat_interleave(12, 3)
    y = 0.5 * scale * blocks + sigma * torch.randn(1, exact.slices, side, side)
    c = Condition(y, torch.full((1, 1, side, side), sigma), torch.full((1, 1, 1, 1), scale))
    with torch.inference_mode():
        one, other = exact.predict(c), rounded.predict(c)
        assert (one.mu - other.mu).abs().max() <= 3e-2 * sigma
        assert (one.log_s.exp() - other.log_s.exp()).abs().max() <= 3e-2 * sigma
        seen, z = exact.condition(c, one), torch.randn(1, 1, side, side)
        hats = [
            m.denoiser(16, m.windows(1), (0,))(z, 0.8, seen) * one.log_s.exp()
            for m in (exact, rounded)
        ]
        assert (hats[0] - hats[1]).abs().max() <= 3e-2 * sigma
