"""Muon: the update's singular values, and what it is faster at."""

import pytest
import torch

from medrestore.core.families import networks
from medrestore.training.muon import Muon, hidden_weights, orthogonal


@pytest.mark.parametrize(("bfloat16", "off"), [(False, 1e-3), (True, 0.03)])
@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (16, 16)])
def test_singular_values_come_near_one(
    shape: tuple[int, int], bfloat16: bool, off: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medrestore.training.muon.has_bfloat16", lambda device: bfloat16)
    torch.manual_seed(0)
    left, _ = torch.linalg.qr(torch.randn(shape[0], min(shape)))
    right, _ = torch.linalg.qr(torch.randn(shape[1], min(shape)))
    matrix = left @ torch.diag(torch.logspace(0, 1.2, min(shape))) @ right.T
    found = orthogonal(matrix)
    assert found.dtype == torch.float32
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6
    assert values.max() < 1.3
    # the singular vectors stay: leftᵀ X right is diagonal
    inner = left.T @ found @ right
    assert (inner - torch.diag(inner.diagonal())).abs().max() < off


def test_rare_directions_learn_as_fast_as_common_ones() -> None:
    """With inputs of very different size, the first update already moves all directions alike."""
    torch.manual_seed(0)
    scales = torch.logspace(0, -2, 6)
    truth = torch.diag(torch.ones(6))
    weight = torch.zeros(6, 6, requires_grad=True)
    inputs = torch.randn(4096, 6) * scales
    (inputs @ (weight - truth).T).square().mean().backward()
    Muon([weight], lr=0.1).step()
    moved = weight.detach().diagonal()
    assert weight.grad is not None
    assert weight.grad.diagonal().abs().max() > 1e3 * weight.grad.diagonal().abs().min()
    assert moved[:4].min() > 0.05
    assert moved.max() < 0.13


def test_hidden_weights_leave_out_first_and_last_layers() -> None:
    facts = {
        "predictor": {"slices": 3, "widths": [8, 12], "blocks": 1},
        "refiner": {"channels": [16, 32], "blocks": 1, "groups": 8},
    }
    predictor, refiner = networks(facts)
    chosen = {id(weight) for weight in hidden_weights(predictor)}
    assert id(predictor.head.weight) not in chosen
    assert id(predictor.mean.weight) not in chosen
    assert id(predictor.down[0][0].first.weight) in chosen
    chosen = {id(weight) for weight in hidden_weights(refiner)}
    assert id(refiner.unet.conv_in.conv.weight) not in chosen
    assert len(chosen) > 5
    assert all(weight.ndim == 4 for weight in hidden_weights(refiner))
