"""Closed-form spread of region means against the noise field it describes."""

import math

import numpy as np
import pytest

from medrestore.core.intervals import closed_form_std, sampled_std
from medrestore.core.noise_field import NoiseField
from medrestore.core.spectrum import Kernel, Spectrum, kernel_of

SMOOTH = kernel_of(Spectrum(1.0, (9.0, 9.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.2), (0.35, 0.0, 0.1)))
WHITE = kernel_of(Spectrum.white(0.5))


def test_white_noise_averages_down() -> None:
    inside = np.zeros((2, 40, 40), bool)
    inside[:, 5:15, 5:15] = True
    half, std = closed_form_std(inside, np.full(inside.shape, 2.0), (3, 4), WHITE, 0.9)
    assert std == pytest.approx(2 * math.sqrt(0.5) / math.sqrt(200), rel=1e-3)
    assert half == pytest.approx(1.645 * std, rel=1e-3)


@pytest.mark.parametrize("slices", [(4, 5, 6), (1, 4, 9)])
def test_it_is_what_the_samples_do(slices: tuple[int, ...]) -> None:
    """The same region of many sampled fields, slices of different kernels, adjacent or apart."""
    rng = np.random.default_rng(0)
    inside = rng.random((3, 24, 24)) < 0.4
    s = rng.uniform(1, 3, inside.shape).astype(np.float32)
    kernel = Kernel.stack([SMOOTH, WHITE, SMOOTH])
    _, std = closed_form_std(inside, s, slices, kernel, 0.9)
    means = []
    for k in range(120):
        r = NoiseField(7, [(k, z) for z in slices], (24, 24)).coloured(0, kernel)[:, 0].numpy()
        means.append((s * r)[inside].mean())
    assert np.std(means) == pytest.approx(std, rel=0.15)  # two standard errors of 120 draws


@pytest.mark.parametrize("samples", [2, 4, 8])
def test_an_interval_about_the_mean_of_the_samples_allows_for_it(samples: int) -> None:
    """Truth and samples from one Gaussian: about the true mean Student's t, else by √(1 + 1/n)."""
    rng = np.random.default_rng(3)
    draws = rng.standard_normal((4000, samples))
    truth, missed = rng.standard_normal(4000), 0
    for own, x in zip(draws, truth, strict=True):
        half, std = sampled_std(own, 0.9, about_their_mean=True)
        missed += abs(x - own.mean()) > half
        assert std == pytest.approx(own.std(ddof=1) * math.sqrt(1 + 1 / samples))
    assert missed / len(truth) == pytest.approx(0.1, abs=0.015)


def test_slices_apart_share_less() -> None:
    inside = np.ones((2, 20, 20), bool)
    s = np.ones(inside.shape, np.float32)
    near, far = (closed_form_std(inside, s, z, SMOOTH, 0.9)[1] for z in ((4, 5), (4, 20)))
    alone = closed_form_std(inside[:1], s[:1], (4,), SMOOTH, 0.9)[1]
    assert far == pytest.approx(alone / math.sqrt(2), rel=1e-6)
    assert near == pytest.approx(alone * math.sqrt((1 + 0.35) / 2), rel=1e-2)
