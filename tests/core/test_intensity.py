"""The noise-free foreground scale: what noise adds is taken out of the histogram."""

import numpy as np
import pytest

from medrestore.core.intensity import foreground_scale, noise_free_scale, sigma_of_fraction
from medrestore.errors import InputError

RNG = np.random.default_rng(0)
TISSUES = {
    "bright tail": np.concatenate([RNG.gamma(6, 60, 200_000), np.zeros(200_000)]),
    "two tissues": np.repeat([0.0, 300.0, 800.0], 150_000) + RNG.normal(0, 20, 450_000),
}


def noisy(clean: np.ndarray, sigma: float) -> np.ndarray:
    real, imaginary = np.random.default_rng(1).normal(0, sigma, (2, *clean.shape))
    return np.hypot(clean + real, imaginary).astype(np.float32)


def within(fraction: float) -> float:
    """Relative error allowed; an edge as sharp as that of one tissue is lost in much noise."""
    return 0.03 if fraction < 0.1 else 0.05


@pytest.fixture(params=TISSUES)
def clean(request) -> np.ndarray:
    return np.abs(TISSUES[request.param])


@pytest.mark.parametrize("fraction", [0.01, 0.03, 0.09, 0.15])
def test_the_scale_is_that_of_the_noise_free_scan(clean, fraction):
    true = foreground_scale(clean)
    y = noisy(clean, fraction * true)
    assert noise_free_scale(y, fraction * true) == pytest.approx(true, rel=within(fraction))


def test_without_the_correction_it_would_not_be():
    clean = TISSUES["two tissues"]
    true = foreground_scale(clean)
    assert foreground_scale(noisy(clean, 0.15 * true)) > 1.2 * true


@pytest.mark.parametrize("fraction", [0.03, 0.09, 0.15])
def test_a_fraction_is_of_the_noise_free_foreground(clean, fraction):
    true = foreground_scale(clean)
    sigma, scale = sigma_of_fraction(noisy(clean, fraction * true), fraction)
    assert sigma == pytest.approx(fraction * true, rel=within(fraction))
    assert sigma == pytest.approx(fraction * scale)


def test_little_noise_is_left_in():
    y = TISSUES["bright tail"]
    assert noise_free_scale(y, 0.0) == foreground_scale(y)
    assert sigma_of_fraction(y, 0.0) == (0.0, foreground_scale(y))


def test_voxels_without_a_value_and_spikes_do_not_count():
    clean = TISSUES["bright tail"]
    y = noisy(clean, 40.0)
    known = noise_free_scale(y, 40.0)
    y[:100], y[100:110] = np.nan, 1e6
    assert noise_free_scale(y, 40.0) == pytest.approx(known, rel=0.02)


def test_nothing_to_scale_by_is_said():
    with pytest.raises(InputError, match="no signal"):
        noise_free_scale(np.zeros((4, 5, 6), np.float32), 1.0)
