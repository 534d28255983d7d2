"""What MR training pairs hold: the σ they state, after every filter, for slices and volumes."""

import pytest
import torch

from medrestore.devices import training_device
from medrestore.training.mr_noise import MrNoise, random_encoding
from medrestore.training.targets import Pair


def pairs(volumes: bool = False, level: float = 5000.0, **shares: float) -> Pair:
    """Flat patches far above the noise, where a magnitude's noise is Gaussian."""
    plain = {"correlated": 0.0, "with_g_factor": 0.0, "several_coils": 0.0}
    noise = MrNoise((0.01, 0.05), seed=1, volumes=volumes, **(plain | shares))
    return noise(torch.full((24, 1, 5, 48, 40), level), torch.full((24,), 1000.0))


@pytest.mark.parametrize("volumes", [False, True])
@pytest.mark.parametrize("share", ["correlated", "with_g_factor", "several_coils"])
def test_sigma_is_the_std_of_what_was_added(share: str, volumes: bool) -> None:
    pair = pairs(volumes, **{share: 1.0})
    told = pair.condition.sigma
    assert pair.clean.shape == told.shape == (24, 5 if volumes else 1, 48, 40)
    noisy = pair.condition.y if volumes else pair.condition.centre
    z = (noisy - pair.clean) / told
    assert z.std().item() == pytest.approx(1, abs=0.015)
    assert z.std(dim=(1, 2, 3)).tolist() == pytest.approx([1.0] * 24, abs=0.12)
    assert z.mean().item() == pytest.approx(0, abs=0.06)  # a bias of (2L − 1)σ²/2x remains


def test_a_volume_has_a_sigma_that_varies_along_z() -> None:
    sigma = pairs(True, with_g_factor=1.0).condition.sigma
    assert (sigma[:, 0] - sigma[:, -1]).abs().max() > 0.1 * sigma.mean()


@pytest.mark.parametrize("volumes", [False, True])
def test_a_misjudged_sigma_is_given_and_nothing_else_changes(volumes: bool) -> None:
    right, wrong = pairs(volumes), pairs(volumes, misjudged=1.0)
    assert torch.equal(wrong.condition.y, right.condition.y)
    assert torch.equal(wrong.clean, right.clean)
    factors = (wrong.condition.sigma / right.condition.sigma).flatten(1)
    assert torch.allclose(factors, factors[:, :1])
    assert 0.05 < factors[:, 0].log().std() < 0.12


def test_encoded_patches_are_correlated_and_several_coils_raise_the_air() -> None:
    white, encoded = pairs(), pairs(correlated=1.0)

    def lag(pair: Pair) -> float:
        z = (pair.condition.centre - pair.clean) / pair.condition.sigma
        return float((z[..., 1:] * z[..., :-1]).mean())

    assert abs(lag(white)) < 0.02
    assert lag(encoded) > 0.15
    one, several = (
        (p.condition.centre / p.condition.sigma).square().mean().item()
        for p in (pairs(level=0.0), pairs(level=0.0, several_coils=1.0))
    )
    assert one == pytest.approx(2.0, rel=0.02)  # Rayleigh: 2σ²
    assert several > 3.5  # at least two coils


def test_the_target_is_what_the_acquisition_shows() -> None:
    """Real patches lose detail to zero-filling, flat ones nothing; magnitudes stay positive."""
    generator = torch.Generator().manual_seed(0)
    encoding = random_encoding((6, 5, 40, 40), generator)
    flat = encoding.signal(torch.full((6, 5, 40, 40), 3.0))
    assert torch.allclose(flat, torch.tensor(3.0), atol=1e-3)
    detailed = 2 + torch.rand(6, 5, 40, 40, generator=generator)
    shown = encoding.signal(detailed)
    assert (shown >= 0).all()
    assert (shown.var(dim=(1, 2, 3)) < detailed.var(dim=(1, 2, 3))).all()
    real, imaginary = encoding.noise((6, 5, 40, 40), generator)
    silent = imaginary.abs().amax(dim=(1, 2, 3)) == 0
    assert torch.equal(silent, encoding.real.flatten() > 0)
    assert real.std().item() == pytest.approx(1, abs=0.03)


def test_partial_fourier_is_drawn_of_zero_filled_matrices_too() -> None:
    """Windows along y that reach farther on one side, some of them not to its end."""
    encoding = random_encoding((200, 1, 40, 40), torch.Generator().manual_seed(0))
    window = encoding.windows[1][:, 0]
    half = window.shape[1] // 2
    right = (window[:, 1:half] > 0).sum(dim=1)
    left = (window[:, -half + 1 :] > 0).sum(dim=1)
    partial = left < right
    assert 0.25 < partial.float().mean() < 0.55
    whole = (right[partial] == half - 1).float().mean()
    assert 0.3 < whole < 0.7
    assert (right[~partial] == left[~partial]).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_own_noise_shrinks_with_the_part_of_k_space_that_is_kept(share: float) -> None:
    """Scans of known own noise: the pair says how noisy its target is, encoded or not."""
    generator = torch.Generator().manual_seed(0)
    scan = 5000 + 40 * torch.randn(32, 1, 5, 48, 40, generator=generator)
    noise = MrNoise((0.03, 0.05), seed=1, correlated=share, with_g_factor=0.0, several_coils=0.0)
    pair = noise(scan, torch.full((32,), 1000.0), own=torch.full((32,), 40.0))
    assert pair.target_std is not None
    ratio = (pair.clean - 5000) / pair.target_std
    assert ratio.std().item() == pytest.approx(1, abs=0.03 if share == 0 else 0.08)
    taken = (pair.condition.centre - 5000) / pair.condition.sigma
    assert taken.std().item() == pytest.approx(1, abs=0.03 if share == 0 else 0.05)


def test_the_same_seed_gives_the_same_pairs() -> None:
    shares = {"correlated": 0.4, "with_g_factor": 0.5, "several_coils": 0.3}
    assert torch.equal(pairs(**shares).condition.y, pairs(**shares).condition.y)


@pytest.mark.gpu
@pytest.mark.skipif(training_device() == "cpu", reason="training is on CUDA or the CPU")
def test_a_gpu_states_its_sigma_too() -> None:
    shares = {"correlated": 0.3, "with_g_factor": 0.3, "several_coils": 0.2}
    noise = MrNoise((0.01, 0.05), seed=1, device="cuda", volumes=True, **shares)
    patches = torch.full((64, 1, 5, 48, 40), 5000.0, device="cuda")
    pair = noise(patches, torch.full((64,), 1000.0, device="cuda"))
    z = (pair.condition.y - pair.clean) / pair.condition.sigma
    assert z.is_cuda
    assert z.std().item() == pytest.approx(1, abs=0.015)
