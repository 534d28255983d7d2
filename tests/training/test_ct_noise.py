"""What CT training pairs hold: the σ they state, both parts of the noise, padding."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from medrestore.physics.ct import LowDose, Scanner
from medrestore.training.ct_noise import CtNoise, Kernel, with_noise_bank
from medrestore.training.data import PatchSampler, Stack
from medrestore.training.targets import Pair

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
    patches, scale, _, _ = sampler.batch(size)
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


def correlated(smoothing: float, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Unit noise, white or smooth in plane."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    noise = ndimage.gaussian_filter(noise, (*[0] * (len(shape) - 2), smoothing, smoothing))
    return np.asarray(noise / noise.std(), dtype=np.float32)


@pytest.mark.parametrize("level", [8.0, 12.0, 40.0])
def test_targets_are_independent_of_the_input_at_every_frequency(level: float) -> None:
    """Own noise smooth, added noise a mix of white and smooth: cross-spectrum of target and input.

    In units of what a target that keeps its own noise would have.
    """
    own, shape = 10.0, (40, 64, 64)
    scan = 40 + own * correlated(1.0, shape, 0)
    bank = np.stack(
        [[correlated(s, shape, 2 * k + e) for e in (1, 2)] for k, s in ((1, 0), (2, 1))]
    )
    stack = Stack(
        scan,
        1000.0,
        noise=bank.astype(np.float16),
        gain=np.stack((np.ones(shape), np.full(shape, 1e-3))).astype(np.float16),
        noise_std=own,
        kernel=1,
    )
    patches, scale, given, _ = PatchSampler([stack], 1, 0, 64, "CT", seed=0).batch(300)
    plain = {"thick": 0.0, "clipped": 0.0, "padded": 0.0, "hu": (level, level)}
    pair = CtNoise(seed=1, **plain)(*(torch.from_numpy(part) for part in (patches, scale, given)))
    assert pair.target_std is not None
    noise, taken = pair.clean - 40, pair.condition.centre - 40
    assert (noise / pair.target_std).std().item() == pytest.approx(1, abs=0.03)
    assert (taken / pair.condition.sigma).std().item() == pytest.approx(1, abs=0.03)
    spectra = [
        torch.fft.fft2(part) for part in (noise, taken, torch.from_numpy(patches[:, :1, 0]) - 40)
    ]
    target, seen, kept = (part[..., 1:, 1:] for part in spectra)
    frequency = torch.fft.fftfreq(64)[1:].abs()
    radius = torch.hypot(frequency[:, None], frequency[None])
    for low, high in ((0.0, 0.1), (0.1, 0.2)):  # beyond, smooth noise has no power
        band = (radius >= low) & (radius < high)
        cross = (target * seen.conj()).real[..., band].mean()
        bias = (kept * kept.conj()).real[..., band].mean()
        assert abs(float(cross / bias)) < 0.12


def test_a_misjudged_sigma_is_told_and_nothing_else_changes(bank: Stack) -> None:
    right, wrong = pairs(bank, 64), pairs(bank, 64, misjudged=1.0)
    ratio = wrong.condition.sigma / right.condition.sigma
    assert torch.equal(wrong.condition.y, right.condition.y)
    assert torch.equal(wrong.clean, right.clean)
    even = [len(one.unique()) == 1 for one in wrong.condition.sigma]
    assert 20 < sum(even) < 44
    factors = torch.stack([one.log().median() for one in ratio])
    assert 0.1 < factors.std() < 0.35


def test_patches_lie_between_the_kernels_of_the_bank(bank: Stack) -> None:
    """Neighbouring pixels' correlation: a smooth kernel's, a bone kernel's, and some between."""
    pair = pairs(bank, 200)
    z = (pair.condition.centre - pair.clean) / pair.condition.sigma
    lag = (z[..., 1:] * z[..., :-1]).mean(dim=(1, 2, 3)) / z.square().mean(dim=(1, 2, 3))
    ends = lag.quantile(0.05), lag.quantile(0.95)
    third = (ends[1] - ends[0]) / 3
    assert third > 0.05
    assert ((lag > ends[0] + third) & (lag < ends[1] - third)).float().mean() > 0.1


@pytest.mark.gpu
def test_a_gpu_draws_banks_and_pairs_of_the_same_level(bank: Stack) -> None:
    kernels = (Kernel(0.8), Kernel(1.2, 2.0))
    there = with_noise_bank(Stack(body(), 1000.0, 4.0), kernels, 0, VIEWS, device="cuda")
    assert there.gain is not None
    assert np.allclose(there.gain, bank.gain, rtol=5e-3, atol=1e-5)
    patches, scale, _, _ = PatchSampler([there], 3, 1, 64, "CT", seed=2).batch(16)
    noise = CtNoise((20, 40), seed=3, thick=0.0, clipped=0.0, padded=0.0, device="cuda")
    pair = noise(torch.from_numpy(patches).cuda(), torch.from_numpy(scale).cuda())
    z = (pair.condition.centre - pair.clean) / pair.condition.sigma
    assert z.std().item() == pytest.approx(1, abs=0.06)
