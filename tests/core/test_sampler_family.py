"""Every sampler on a Gaussian residual, where the law of its samples is known exactly.

`benchmarks/samplers/closed_form.py` runs the samplers' own code on unit impulses of noise; nothing
is drawn, so tolerances are those of arithmetic.
"""

import importlib.util
import itertools
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from medrestore.core.method import (
    evaluations,
    passes,
    shares_start,
    without_network,
)
from medrestore.core.noise_field import NoiseField
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample, shared_start
from medrestore.core.samplers.langevin import langevin_update
from medrestore.core.schedules import SCHEDULES, angles
from medrestore.core.spectrum import Kernel, Spectrum, kernel_of
from medrestore.settings.settings import Settings

VARIANCE = torch.tensor([0.1, 0.5, 1.0, 1.5, 4.0], dtype=torch.float64)
LENGTHS = np.array([16, 32, 64])


@pytest.fixture(scope="module")
def exact() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "samplers" / "closed_form.py"
    spec = importlib.util.spec_from_file_location("closed_form", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def order(errors: list[float]) -> float:
    """Slope of log error over log step."""
    return -float(np.polyfit(np.log(LENGTHS), np.log(np.abs(errors)), 1)[0])


def test_the_names_are_the_same_everywhere() -> None:
    assert all(name == one.name for name, one in SAMPLERS.items())
    for name in SAMPLERS:
        assert Settings(sampler=name, steps=2).method == f"{name}:2"
    karras = Settings(sampler="moment-matched", steps=2, schedule="karras")
    assert karras.method == "moment-matched@karras:2"


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_moment_matching_is_exact_on_every_schedule(exact, schedule, steps) -> None:
    law = exact.law("moment-matched", steps, VARIANCE, mean=0.7, schedule=schedule)
    torch.testing.assert_close(law.variance, VARIANCE, rtol=1e-9, atol=0)
    torch.testing.assert_close(law.mean, torch.full_like(VARIANCE, 0.7), rtol=1e-9, atol=0)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_consistency_sampling_is_exact_at_any_length(exact, schedule, steps) -> None:
    law = exact.law("consistency", steps, VARIANCE, mean=0.7, schedule=schedule)
    torch.testing.assert_close(law.variance, VARIANCE, rtol=1e-9, atol=0)
    torch.testing.assert_close(law.mean, torch.full_like(VARIANCE, 0.7), rtol=1e-9, atol=0)
    assert law.evaluations == steps


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_heun_keeps_a_unit_residual_exactly(exact, steps: int) -> None:
    one = torch.ones(1, dtype=torch.float64)
    assert exact.law("heun", steps, one).variance.item() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("variance", [0.5, 2.0])
@pytest.mark.parametrize(
    ("sampler", "expected"), [("heun", 2.0), ("ddim", 1.0), ("ddpm", 1.0), ("ve-sde", 1.0)]
)
def test_order_of_convergence_to_the_exact_spread(exact, sampler, expected, variance) -> None:
    """The exact flow ends at √λ·z; the exact reverse SDE at variance λ."""
    truth = torch.tensor([variance], dtype=torch.float64)
    laws = [exact.law(sampler, int(n), truth) for n in LENGTHS]
    errors = [float((one.variance / truth).sqrt()) - 1 for one in laws]
    assert abs(errors[-1]) < 0.06
    assert order(errors) == pytest.approx(expected, abs=0.25)


def test_heun_converges_to_the_mean_in_second_order(exact) -> None:
    truth = torch.tensor([0.5], dtype=torch.float64)
    errors = [exact.law("heun", int(n), truth, mean=1.0).mean.item() - 1 for n in LENGTHS]
    assert order(errors) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("steps", [2, 3, 20])
def test_reverse_diffusion_has_the_spread_of_its_recursion(exact, steps: int) -> None:
    """The score of variance-exploding noise is −x/(σ² + λ): Var x follows step by step.

    It starts at σ_u², without λ, and ends with r̂ = λ/(λ + σ²)·x.
    """
    variance = torch.tensor([0.3], dtype=torch.float64)
    levels = [math.tan(t) for t in angles(steps)[1:-1]]
    power = levels[0] ** 2
    for high, low in itertools.pairwise(levels):
        shrink = 1 - (high**2 - low**2) / (high**2 + 0.3)  # x + (σ_t² − σ_u²)·score, exactly
        power = shrink**2 * power + high**2 - low**2
    last = 0.3 / (0.3 + levels[-1] ** 2)
    law = exact.law("ve-sde", steps, variance, mean=0.7)
    assert law.variance.item() == pytest.approx(last**2 * power, rel=1e-9)
    assert law.mean.item() == pytest.approx(0.7, rel=1e-12)
    assert law.evaluations == steps


@pytest.mark.parametrize("variance", [0.2, 1.0, 4.0])
@pytest.mark.parametrize("t", [0.3, 0.8, 1.4])
def test_langevin_updates_settle_at_the_marginal(exact, variance: float, t: float) -> None:
    """Var z_t = Λ = cos²t λ + sin²t; step α leaves Λ/(1 − α/2Λ), a discretisation known exactly."""
    size, mean = 0.5, 0.3
    gain = float(exact.gain(torch.tensor(variance, dtype=torch.float64), t))
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    keeps = langevin_update(one, gain * one, t, size, zero).item()
    adds = langevin_update(zero, zero, t, size, one).item()
    marginal = math.cos(t) ** 2 * variance + math.sin(t) ** 2
    bias = 1 / (1 - size * math.sin(t) ** 2 / (2 * marginal))
    assert adds**2 / (1 - keeps**2) == pytest.approx(marginal * bias, rel=1e-6)
    assert bias <= 1 / (1 - size / 2)
    centre = math.cos(t) * mean * one  # with r̂ = mean there, nothing moves
    assert langevin_update(centre, mean * one, t, size, zero).item() == pytest.approx(centre.item())


@pytest.mark.parametrize(("sampler", "steps"), [("predictor-corrector", 200), ("langevin", 400)])
def test_langevin_methods_reach_the_variance_in_many_steps(exact, sampler, steps) -> None:
    law = exact.law(sampler, steps, VARIANCE)
    assert (law.variance / VARIANCE).sqrt().numpy() == pytest.approx(1, abs=0.03)


def test_the_corrector_restores_spread_that_the_predictor_lost(exact) -> None:
    alone = exact.law("ddpm", 8, VARIANCE, mean=0.5)
    corrected = exact.law("predictor-corrector", 8, VARIANCE, mean=0.5)
    assert ((VARIANCE - corrected.variance).abs() < 0.8 * (VARIANCE - alone.variance)).all()
    torch.testing.assert_close(corrected.mean, alone.mean)


def stationary() -> tuple:
    """The exact denoiser of a white residual of variance 0.25, and its kernels."""

    def denoise(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        c, s = math.cos(t), math.sin(t)
        return c * 0.25 / (c**2 * 0.25 + s**2) * (z_t - c * condition) + condition

    def kernel(t: float) -> Kernel:
        c, s = math.cos(t), math.sin(t)
        return kernel_of(Spectrum.white(0.25 * s**2 / (c**2 * 0.25 + s**2)))

    return denoise, kernel


class Counter:
    """A meter that counts."""

    def __init__(self) -> None:
        self.ticks = 0

    def start(self, total: int, label: str) -> None:
        raise AssertionError("a sampler does not begin stages")

    def tick(self, n: int = 1) -> None:
        self.ticks += n


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_evaluations_are_as_many_as_announced(sampler: str, steps: int) -> None:
    denoise, kernel = stationary()
    calls = []

    def counted(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        calls.append(t)
        return denoise(z_t, t, condition)

    field, condition, meter = NoiseField(0, [(0, 0)], (8, 8)), torch.zeros(1, 1, 8, 8), Counter()
    drawn = sample(SAMPLERS[sampler], counted, condition, field, kernel, steps, meter=meter)
    assert len(calls) == meter.ticks == evaluations(sampler, steps)
    assert all(0 < t <= math.pi / 2 for t in calls)
    if not shares_start(sampler, 2):
        return
    start = shared_start(denoise, condition, field)
    again = Counter()
    shared = sample(
        SAMPLERS[sampler], counted, condition, field, kernel, steps, start=start, meter=again
    )
    assert again.ticks == meter.ticks - 1
    assert torch.equal(shared.r, drawn.r)
    assert torch.equal(shared.r_hat, drawn.r_hat)


def test_what_samples_share() -> None:
    """Of a mean, all samples use one evaluation at π/2; one step of it takes none at all."""
    assert passes("moment-matched", 1, 8) == 0 and without_network("moment-matched", 1)
    assert passes("moment-matched", 4, 8) == 1 + 8 * 3
    assert passes("heun", 3, 2) == 1 + 2 * 4
    assert [one.name for one in SAMPLERS.values() if one.makes_samples] == ["consistency"]
    assert passes("consistency", 1, 8) == 8 and not without_network("consistency", 1)
    assert passes("consistency", 2, 8) == 16
    assert passes("consistency", 2, 0) == passes("moment-matched", 2, 0) == 0


@pytest.mark.parametrize("schedule", ["cosine", "karras"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_same_seed_same_voxels_whatever_the_batch(sampler: str, schedule: str) -> None:
    denoise, kernel = stationary()

    def draw(seed: int, pairs: list[tuple[int, int]]) -> torch.Tensor:
        field = NoiseField(seed, pairs, (12, 10))
        condition = torch.full((len(pairs), 1, 12, 10), 0.4)
        step = SAMPLERS[sampler]
        return sample(step, denoise, condition, field, kernel, 4, schedule=schedule).r

    together = draw(5, [(0, 3), (1, 3), (0, 4)])
    assert torch.equal(together, draw(5, [(0, 3), (1, 3), (0, 4)]))
    assert torch.equal(together[1:2], draw(5, [(1, 3)]))
    assert not torch.allclose(together[0], together[1])
    assert not torch.allclose(together[0], together[2])
    assert not torch.allclose(together[1:2], draw(6, [(1, 3)]))
