"""Guided denoisers on Gaussians, where what they ought to say follows in closed form."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch

from medrestore.core.families import FAMILIES
from medrestore.core.guidance import classifier_free, measured
from medrestore.core.method import passes
from medrestore.core.noise_field import NoiseField
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import Spectrum, kernel_of
from medrestore.errors import ModelError

PRIOR, TAU = 0.8, 0.5
"""Variance of r; std of the noise of what was measured."""


def precision(t: float) -> float:
    """Of r given z_t."""
    return 1 / PRIOR + 1 / math.tan(t) ** 2


def left(t: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), 1 / precision(t), dtype=torch.float64)


def alone(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
    """E[r | z_t] of r ~ N(0, PRIOR)."""
    return z_t * math.cos(t) / math.sin(t) ** 2 / precision(t)


def told(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
    """E[r | z_t, y], y the first channel; zeros in the second say that there is none."""
    y, there = condition[:, :1], condition[:, 1:]
    evidence = z_t * math.cos(t) / math.sin(t) ** 2 + there * y / TAU**2
    return evidence / (precision(t) + there / TAU**2)


def seen(y: float, size: int = 4) -> torch.Tensor:
    return torch.stack((torch.full((size, size), y), torch.ones(size, size)))[None].double()


@pytest.mark.parametrize("t", [0.1, 0.9, math.pi / 2])
def test_around_the_unconditional_mean_measurement_is_the_posterior_mean(t: float) -> None:
    z, c = torch.randn(1, 1, 4, 4, dtype=torch.float64), seen(0.7)
    tau = torch.full((1, 1, 4, 4), TAU, dtype=torch.float64)
    led = measured(alone, c[:, :1], tau, left, 1.0)
    torch.testing.assert_close(led(z, t, c), told(z, t, c), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weight", [0.5, 3.0])
def test_the_weight_tempers_the_likelihood(weight: float) -> None:
    """p(y | r)^λ is that of noise of variance τ²/λ."""
    z, y = torch.randn(1, 1, 4, 4, dtype=torch.float64), torch.randn(1, 1, 4, 4).double()
    tau = torch.full_like(y, TAU)
    led = measured(alone, y, tau, left, weight)(z, 0.7, y)
    same = measured(alone, y, tau / math.sqrt(weight), left, 1.0)(z, 0.7, y)
    torch.testing.assert_close(led, same)


@pytest.mark.parametrize("sampler", ["ddim", "heun"])
def test_samples_of_a_guided_prior_are_those_of_the_posterior(sampler: str) -> None:
    """Mean PRIOR/(PRIOR + τ²)·y, variance (1/PRIOR + 1/τ²)⁻¹."""
    field = NoiseField(0, [(k, 0) for k in range(64)], (16, 16))
    y = torch.full((64, 1, 16, 16), 1.2)
    tau = torch.full_like(y, TAU)
    led = measured(alone, y, tau, lambda t: left(t).float(), 1.0)
    white = kernel_of(Spectrum.white())
    drawn = sample(SAMPLERS[sampler], led, y, field, lambda t: white, 60).r
    variance = 1 / (1 / PRIOR + 1 / TAU**2)
    assert float(drawn.mean()) == pytest.approx(PRIOR / (PRIOR + TAU**2) * 1.2, abs=0.02)
    assert float(drawn.std()) == pytest.approx(math.sqrt(variance), rel=0.05)


@pytest.mark.parametrize("steps", [2, 5])
def test_moment_matching_stays_exact_with_what_guidance_leaves(steps: int) -> None:
    """As s²/σ² = 1/τ², spectra that are led leave (1/C + 1/τ²)⁻¹ of a variance C."""
    prior = Spectra((math.pi / 2,), ((Spectrum.white(PRIOR),),))
    ratio = 1 / TAU**2
    for t in (0.2, 1.0, math.pi / 2):
        assert prior.at(t).variance == pytest.approx(1 / precision(t), rel=1e-6)
        told_of = replace(prior, led=1.0).at(t, ratio)
        assert told_of.variance == pytest.approx(1 / (precision(t) + ratio), rel=1e-6)
        assert told_of.density == pytest.approx((1.0,) * 8)
    field = NoiseField(0, [(k, 0) for k in range(64)], (16, 16))
    y = torch.full((64, 1, 16, 16), 1.2)
    led = measured(alone, y, torch.full_like(y, TAU), lambda t: left(t).float(), 1.0)
    kernel = partial(replace(prior, led=1.0).kernels, ratios=[ratio])
    drawn = sample(SAMPLERS["moment-matched"], led, y, field, kernel, steps).r
    assert float(drawn.mean()) == pytest.approx(PRIOR / (PRIOR + TAU**2) * 1.2, abs=0.02)
    assert float(drawn.std()) == pytest.approx((1 / PRIOR + ratio) ** -0.5, rel=0.02)


def without(condition: torch.Tensor) -> torch.Tensor:
    return condition * torch.tensor([1.0, 0.0], dtype=condition.dtype).view(1, 2, 1, 1)


def test_weights_of_classifier_free_guidance() -> None:
    z, c, t = torch.randn(1, 1, 4, 4, dtype=torch.float64), seen(0.7), 0.8
    assert classifier_free(told, without, 1.0) is told
    torch.testing.assert_close(classifier_free(told, without, 0.0)(z, t, c), alone(z, t, c))
    two = classifier_free(told, without, 2.0)(z, t, c)
    torch.testing.assert_close(two, 2 * told(z, t, c) - alone(z, t, c))


@pytest.mark.parametrize("weight", [0.5, 2.0])
@pytest.mark.parametrize("t", [0.3, 1.3])
def test_classifier_free_guidance_is_the_score_of_the_sharpened_density(
    weight: float, t: float
) -> None:
    """∇ log p(z)·p(c | z)^w = ∇ log p(z) + w (∇ log p(z | c) − ∇ log p(z)), by finite differences.

    z is N(0, V) alone and N(m, W) given c, both known; r̂ = (z + sin²t ∇ log p)/cos t.
    """
    c, cos, sin2 = seen(0.7, 2), math.cos(t), math.sin(t) ** 2
    mean = PRIOR / (PRIOR + TAU**2) * 0.7
    spread = 1 / (1 / PRIOR + 1 / TAU**2)

    def log_density(z: torch.Tensor) -> torch.Tensor:
        free = -0.5 * z**2 / (cos**2 * PRIOR + sin2)
        given = -0.5 * (z - cos * mean) ** 2 / (cos**2 * spread + sin2)
        return free + weight * (given - free)

    z = torch.tensor([[-0.9, 0.2], [0.6, 1.4]], dtype=torch.float64)[None, None]
    step = 1e-5
    score = (log_density(z + step) - log_density(z - step)) / (2 * step)
    expected = (z + sin2 * score) / cos
    found = classifier_free(told, without, weight)(z, t, c)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


def test_both_guides_together_lead_a_dropped_condition_back_to_the_posterior() -> None:
    z, c, t = torch.randn(1, 1, 4, 4, dtype=torch.float64), seen(-0.4), 0.5
    tau = torch.full((1, 1, 4, 4), TAU, dtype=torch.float64)
    led = measured(classifier_free(told, without, 0.0), c[:, :1], tau, left, 1.0)
    torch.testing.assert_close(led(z, t, c), told(z, t, c))


class Counter:
    """A meter that counts."""

    ticks = 0

    def start(self, total: int, label: str) -> None:
        raise AssertionError("a denoiser begins no stage")

    def tick(self, n: int = 1) -> None:
        self.ticks += n


@pytest.mark.parametrize(("weight", "times"), [(0.0, 1), (1.0, 1), (2.5, 2)])
def test_evaluations_are_as_many_as_announced(weight: float, times: int) -> None:
    calls, meter = [], Counter()

    def counted(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        calls.append(t)
        return told(z_t, t, condition)

    led = classifier_free(counted, without, weight, meter)
    field, white = NoiseField(0, [(0, 0)], (4, 4)), kernel_of(Spectrum.white())
    sample(SAMPLERS["heun"], led, seen(0.1).float(), field, lambda t: white, 4, meter=meter)
    assert len(calls) == meter.ticks == times * passes("heun", 4, 1)
    assert passes("heun", 4, 8, weight) == times * passes("heun", 4, 8)
    assert passes("heun", 1, 8, weight) == passes("heun", 4, 0, weight) == 0


def test_which_kinds_of_models_know_what_they_would_say_untold() -> None:
    heard = torch.randn(1, 5, 4, 4)
    assert not FAMILIES["residual"].knows_null_condition({})
    with pytest.raises(ModelError, match="image or score"):
        FAMILIES["residual"].null_condition(heard)
    assert FAMILIES["image"].knows_null_condition({})
    assert not FAMILIES["image"].knows_null_condition({"condition_dropped": 0.0})
    assert not FAMILIES["image"].null_condition(heard).any()
    assert FAMILIES["score"].knows_null_condition({"condition_dropped": 0.0})
    assert FAMILIES["score"].null_condition(heard[:, :2])[:, 1:].isinf().all()
