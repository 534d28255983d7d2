"""A latent's autoencoder in training: its loss, its critic, and the recipe end to end."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

import medrestore as mr
from medrestore.core.autoencoder import Autoencoder
from medrestore.models.card import Card
from medrestore.models.model import load
from medrestore.training.autoencoder import Adversary, autoencoder_step, divergence
from small import quick, trained, write_config

PATCH = 32


def white(generator: torch.Generator, batch: int = 8) -> torch.Tensor:
    return torch.randn(batch, 1, PATCH, PATCH, generator=generator)


def told(batch: int = 8) -> torch.Tensor:
    return torch.zeros(batch, 24, PATCH // 2, PATCH // 2)


def test_divergence_is_that_of_gaussians() -> None:
    mean, log_var = torch.tensor([0.3, -1.2, 0.0]), torch.tensor([-4.0, 0.5, 0.0])
    exact = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0)).mean()
    assert divergence(mean, log_var).item() == pytest.approx(exact.item(), rel=1e-6)


@pytest.mark.parametrize(("smooth", "lost"), [(False, 0.75), (True, 0.25)])
def test_what_an_untrained_autoencoder_loses(smooth: bool, lost: float) -> None:
    """Three quarters of white noise, beside what the latent is unsure of.

    The latent of 2×2 blocks of one value would have twice their std; given theirs, it is decoded
    to half of them until the decoder has learned better.
    """
    generator = torch.Generator().manual_seed(0)

    def examples() -> tuple[torch.Tensor, torch.Tensor]:
        r = white(generator, 64)
        mean = F.avg_pool2d(r, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
        return mean if smooth else r, told(64)

    loss, figures = autoencoder_step(examples, generator)(Autoencoder(16, 1))
    unsure = math.exp(-4) / 4 / (0.25 if smooth else 1)
    assert figures["lost"].item() == pytest.approx(lost + unsure, abs=0.01)
    assert loss.isfinite() and "doubt" not in figures


def test_the_autoencoder_learns_where_the_power_is() -> None:
    """Stripes of period 2 are lost by block means; a trained latent holds them."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    net, stripes = Autoencoder(16, 1), torch.tensor([1.0, -1.0]).repeat(PATCH // 2)

    def examples() -> tuple[torch.Tensor, torch.Tensor]:
        columns = F.avg_pool2d(white(generator), 2).repeat_interleave(2, 2)
        return 2 * columns.repeat_interleave(2, 3) * stripes, told()

    step, lost = autoencoder_step(examples, generator), []
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(60):
        loss, figures = step(net)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        lost.append(figures["lost"].item())
    assert lost[0] > 0.95 and lost[-1] < 0.2


def test_latents_vary_as_residuals_do() -> None:
    generator = torch.Generator().manual_seed(0)
    net, r = Autoencoder(16, 1), 0.3 + 2 * white(generator)
    blocks = F.pixel_unshuffle(r, 2)
    with torch.no_grad():
        net.standardise(net.encode(blocks, told()), r)
        z = net.encode(blocks, told())
        assert z.mean().item() == pytest.approx(0, abs=1e-5)
        assert z.std().item() == pytest.approx(r.std().item(), rel=1e-5)
        net.standardise(z, r)
        assert torch.allclose(net.encode(blocks, told()), z, atol=1e-5)


def test_the_critic_tells_texture_and_only_texture() -> None:
    """Smooth fields of unit power are found out; fields of the same law are not."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    doubts = {}
    for kind in ("smooth", "same"):
        critic = Adversary(torch.device("cpu"), channels=8, rate=2e-3)

        def made(kind: str = kind) -> torch.Tensor:
            field = white(generator)
            return 3 * F.avg_pool2d(field, 3, 1, 1) if kind == "smooth" else field

        for _ in range(60):
            critic.learn(white(generator), made(), told())
        with torch.no_grad():
            doubts[kind] = critic.doubt(made(), told()).item()
    assert doubts["smooth"] > 0.6 > 0.45 > doubts["same"]


@pytest.mark.slow
def test_trained_from_one_file_and_behind_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    few = {"steps": 4, "every": 2}
    coder = {"channels": 16, "blocks": 1}
    refiner = {"channels": [16, 32], "blocks": 1, "groups": 8, "window": 16, "stride": 12}
    stages = {"autoencoder": few, "refiner": few}
    config = write_config(
        tmp_path,
        family="latent",
        predictor={"slices": 3, "widths": [16, 24], "blocks": 1},
        refiner=refiner | {"autoencoder": coder},
        stages={"predictor": few, **stages},
    )
    first = Card.read(trained(config))
    assert list(first.facts["training"]["stages"]) == ["predictor", "autoencoder", "refiner"]
    assert first.spectra.angles[0] == 0 and 0.5 < first.spectra.at(0.0).variance < 1.2
    assert first.latent is not None and first.latent.angles[0] > 0
    assert 0.3 < first.latent.at(math.pi / 2).variance < 3
    assert "moment-matched:2" in first.spectra.gains

    second = Card.read(trained(config, name="other", behind=str(first.folder), stages=stages))
    assert second.facts["training"]["behind"] == "small"
    assert list(second.facts["training"]["stages"]) == ["autoencoder", "refiner"]
    one, other = (load(card).predictor.state_dict() for card in (first, second))
    assert all(torch.equal(one[name], other[name]) for name in one)

    noise = np.random.default_rng(1).normal(500, 25, (4, 41, 37)).astype(np.float32)
    scan = mr.Volume(noise, mr.Geometry(noise.shape, np.eye(4)), "MR")
    result = mr.denoise(scan, model=str(second.folder), noise=0.05, samples=2, keep_samples=True)
    assert result.samples.shape == (2, *noise.shape) and np.isfinite(result.samples).all()
