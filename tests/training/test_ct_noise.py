"""What CT training pairs hold: the σ they state, both parts of the noise, padding."""

import numpy as np
import pytest
import torch

from medrestore.physics.ct import LowDose, Scanner
from medrestore.training.corrupt import CtNoise, Pair
from medrestore.training.data import PatchSampler, Stack
from medrestore.training.noise_bank import Kernel, with_noise_bank

VIEWS = 120


def body(slices: int = 3) -> np.ndarray:
    """An elliptic water body with two dense rods: rays through both are starved."""
    y, x = np.mgrid[-48:48, -48:48].astype(np.float32)
    plane = np.where((y / 30) ** 2 + (x / 44) ** 2 < 1, 40.0, -1000.0).astype(np.float32)
    plane[np.hypot(y, np.abs(x) - 28) < 6] = 900
    return np.repeat(plane[None], slices, axis=0)


@pytest.fixture(scope="module")
def bank() -> Stack:
    kernels = (Kernel(0.8), Kernel(1.2, 2.0))
    return with_noise_bank(Stack(body(), 1000.0, 4.0), kernels, seed=0, views=VIEWS, at_once=2)


def pairs(bank: Stack, size: int = 16, volumes: bool = False, **settings: object) -> Pair:
    sampler = PatchSampler([bank], 3, 1, 64, "CT", seed=2)
    patches, scale, _ = sampler.batch(size)
    plain = {"thick": 0.0, "clipped": 0.0, "padded": 0.0}
    noise = CtNoise(seed=3, volumes=volumes, **(plain | {"hu": (20, 40)} | settings))
    return noise(torch.from_numpy(patches), torch.from_numpy(scale))


@pytest.mark.parametrize("volumes", [False, True])
@pytest.mark.parametrize("thick", [0.0, 1.0])
def test_pairs_state_the_noise_they_hold(bank: Stack, thick: float, volumes: bool) -> None:
    pair = pairs(bank, volumes=volumes, thick=thick)
    noisy = pair.condition.y if volumes else pair.condition.centre
    assert pair.clean.shape == pair.condition.sigma.shape == noisy.shape
    z = (noisy - pair.clean) / pair.condition.sigma
    assert z.std().item() == pytest.approx(1, abs=0.06)
    assert float(pair.condition.sigma.max() / pair.condition.sigma.min()) > 1.3


def test_the_bank_gives_the_noise_of_every_dose(bank: Stack) -> None:
    """A·g₁² + Nₑ·A²·g₂² against the closed form of the sinogram's variance A·eᵖ + Nₑ·A²·e²ᵖ."""
    assert bank.gain is not None
    slices = LowDose(torch.from_numpy(body(1)), 4.0, Scanner(VIEWS, 0.8))
    one, two = torch.from_numpy(bank.gain[:, 0].astype(np.float32))
    soft = torch.from_numpy(np.abs(body(1)[0]) < 200)
    for photons, n_e in ((1e6, 10.0), (2e3, 10.0)):  # plenty, and starved
        power = slices.paths.exp() / photons
        direct = slices.std_map(power + n_e * power.square())[0]
        quantum = slices.std_map(power)[0]
        a = quantum[soft].median().square()
        mixed = (a * one.square() + n_e * (a * two).square()).sqrt()
        assert torch.allclose(mixed[soft], direct[soft], rtol=0.02)


def test_starved_rays_take_over_as_the_level_rises(bank: Stack) -> None:
    def contrast(level: float) -> float:
        sigma = pairs(bank, hu=(level, level), electronic=(50.0, 50.0)).condition.sigma
        return float((sigma.amax(dim=(1, 2, 3)) / sigma.amin(dim=(1, 2, 3))).mean())

    assert contrast(200.0) > 1.3 * contrast(1.0)


def test_the_level_is_the_patch_mean_whatever_the_mix(bank: Stack) -> None:
    for electronic in ((1e-3, 1e-3), (1e3, 1e3)):
        pair = pairs(bank, volumes=True, hu=(60.0, 60.0), electronic=electronic)
        root = pair.condition.sigma.square().mean(dim=(1, 2, 3)).sqrt()
        assert 40 < root.min()
        assert root.max() < 90


def test_padding_is_stored_without_noise(bank: Stack) -> None:
    pair = pairs(bank, 64, padded=1.0)
    held = torch.isin(pair.clean, torch.tensor([-1024.0, -2000.0, -3024.0]))
    assert torch.equal(pair.condition.centre[held], pair.clean[held])
    assert 0.05 < held.float().mean() < 0.6
    assert (pair.condition.centre[~held] != pair.clean[~held]).float().mean() > 0.99
    assert len(pair.clean[held].unique()) == 3


def test_slices_share_noise_when_thick(bank: Stack) -> None:
    def shared(thick: float) -> float:
        pair = pairs(bank, 32, volumes=True, thick=thick)
        z = (pair.condition.y - pair.clean) / pair.condition.sigma
        distinct = (z[:, 0] != z[:, 1]).any(dim=-1).any(dim=-1)  # ends repeat their slice
        return float((z[:, 0] * z[:, 1])[distinct].mean())

    assert abs(shared(0.0)) < 0.1
    assert shared(1.0) > 0.2


@pytest.mark.gpu
def test_a_gpu_draws_banks_and_pairs_of_the_same_level(bank: Stack) -> None:
    kernels = (Kernel(0.8), Kernel(1.2, 2.0))
    there = with_noise_bank(Stack(body(), 1000.0, 4.0), kernels, 0, VIEWS, device="cuda")
    assert there.gain is not None
    assert np.allclose(there.gain, bank.gain, rtol=5e-3, atol=1e-5)
    patches, scale, _ = PatchSampler([there], 3, 1, 64, "CT", seed=2).batch(16)
    noise = CtNoise((20, 40), seed=3, thick=0.0, clipped=0.0, padded=0.0, device="cuda")
    pair = noise(torch.from_numpy(patches).cuda(), torch.from_numpy(scale).cuda())
    z = (pair.condition.centre - pair.clean) / pair.condition.sigma
    assert z.std().item() == pytest.approx(1, abs=0.06)
