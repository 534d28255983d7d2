"""Other libraries' schedulers on our network, against our own samplers and the exact law."""

import math
from typing import Any

import pytest
import torch
from benchmarks.samplers.adapter import angle_of, respaced, run
from monai.networks.schedulers import DDIMScheduler, DDPMScheduler, PNDMScheduler, RFlowScheduler

from medrestore.core.noise_field import NoiseField
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample
from medrestore.core.schedules import angles
from medrestore.core.spectrum import Spectrum, kernel_of
from medrestore.core.white_noise import START
from medrestore.errors import SettingsError

MEAN, STD = 0.4, 0.3
"""Of the residual; the standard deviation of `method.md` §7's table."""


def denoise(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
    """The exact denoiser of N(MEAN, STD²)."""
    c, s = math.cos(t), math.sin(t)
    return MEAN + c * STD**2 / (c**2 * STD**2 + s**2) * (z_t - c * MEAN)


def ours(method: str, steps: int, field: NoiseField, schedule: str = "cosine") -> torch.Tensor:
    condition = torch.zeros(len(field.pairs), 1, *field.shape)
    white = kernel_of(Spectrum.white())
    step = SAMPLERS[method]
    return sample(step, denoise, condition, field, lambda t: white, steps, schedule=schedule).r


TENSORS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""diffusers hands torch's tensors to numpy 2 in the older way."""


def theirs(scheduler: Any, field: NoiseField) -> torch.Tensor:
    noise = field.white(0, START)
    generator = torch.Generator().manual_seed(3)
    return run(scheduler, denoise, torch.zeros_like(noise), noise, generator).r


def monai(kind: type, prediction: str = "epsilon", n: int = 1000, **more: Any) -> Any:
    return kind(n, "linear_beta", clip_sample=False, prediction_type=prediction, **more)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_monai_ddim_respaced_is_our_ddim(prediction: str, schedule: str) -> None:
    field = NoiseField(0, [(0, 0), (1, 0)], (16, 16))
    found = theirs(respaced(monai(DDIMScheduler, prediction), angles(5, schedule)), field)
    # the start is at ᾱ = 1e-5 instead of 0, hence 0.3 % of the signal
    torch.testing.assert_close(found, ours("ddim", 5, field, schedule), rtol=0, atol=4e-3)


@pytest.mark.parametrize("steps", [2, 5])
def test_monai_ddpm_respaced_spreads_as_our_ddpm(steps: int) -> None:
    field = NoiseField(0, [(k, 0) for k in range(8)], (64, 64))
    found = theirs(respaced(monai(DDPMScheduler), angles(steps)), field)
    expected = ours("ddpm", steps, field)
    assert found.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert found.std().item() == pytest.approx(expected.std().item(), rel=0.03)
    assert expected.std().item() < 0.8 * STD  # theory: few ancestral steps lose spread


@pytest.mark.parametrize("kind", [DDPMScheduler, DDIMScheduler])
def test_run_as_it_is_follows_the_scheduler(kind: type) -> None:
    """With no timestep skipped, MONAI's grids are right, and many steps give the right spread."""
    scheduler = monai(kind, n=200, beta_start=5e-4, beta_end=0.1)
    assert angle_of(scheduler, 199) == pytest.approx(math.pi / 2, abs=0.01)
    assert math.cos(angle_of(scheduler, 7)) ** 2 == pytest.approx(scheduler.alphas_cumprod[7])
    scheduler.set_timesteps(200)
    seen = []

    def watched(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        seen.append(t)
        return denoise(z_t, t, condition)

    field = NoiseField(0, [(0, 0)], (64, 64))
    noise = field.white(0, START)
    r = run(scheduler, watched, noise, noise, torch.Generator().manual_seed(1)).r
    assert seen == [angle_of(scheduler, k) for k in range(199, -1, -1)]
    assert r.std().item() == pytest.approx(STD, rel=0.06)


def test_respacing_leaves_the_original_alone() -> None:
    scheduler = monai(DDIMScheduler)
    respaced(scheduler, angles(4))
    assert len(scheduler.alphas_cumprod) == len(scheduler.timesteps) == 1000


def test_what_cannot_run_says_why() -> None:
    with pytest.raises(SettingsError, match="clip_sample=False"):
        respaced(DDIMScheduler(1000), angles(4))
    with pytest.raises(SettingsError, match="alphas_cumprod"):
        theirs(RFlowScheduler(), NoiseField(0, [(0, 0)], (4, 4)))
    for skip in (True, False):
        with pytest.raises(SettingsError, match="PNDMScheduler evaluates elsewhere"):
            respaced(PNDMScheduler(1000, skip_prk_steps=skip), angles(8))


@TENSORS
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DDIMScheduler", {"clip_sample": False}),
        ("DDIMScheduler", {"clip_sample": False, "prediction_type": "v_prediction"}),
        ("EulerDiscreteScheduler", {}),
        ("DPMSolverMultistepScheduler", {"solver_order": 1, "final_sigmas_type": "zero"}),
    ],
)
def test_diffusers_first_order_schedulers_respaced_are_our_ddim(name: str, options: dict) -> None:
    """DDIM, Euler in σ = tan t and first-order DPM-Solver++ are one method."""
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    field = NoiseField(0, [(0, 0)], (16, 16))
    scheduler = getattr(diffusers, name)(num_train_timesteps=1000, **options)
    found = theirs(respaced(scheduler, angles(6)), field)
    torch.testing.assert_close(found, ours("ddim", 6, field), rtol=0, atol=5e-3)


def test_diffusers_ddpm_respaced_spreads_as_our_ddpm() -> None:
    diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed")
    field = NoiseField(0, [(k, 0) for k in range(8)], (64, 64))
    found = theirs(respaced(diffusers.DDPMScheduler(clip_sample=False), angles(5)), field)
    assert found.std().item() == pytest.approx(ours("ddpm", 5, field).std().item(), rel=0.03)
