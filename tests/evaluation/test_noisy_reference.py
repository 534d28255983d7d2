"""References with noise of their own, against cases whose answer is known."""

import numpy as np
import pytest

from medrestore.evaluation.fidelity import rmse
from medrestore.evaluation.floor import clean_rmse, excess_rmse, rician_mean, rmse_floor

OWN, ADDED = 0.4, 0.7


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(0)
    clean = rng.normal(0, 2, (1, 1000, 1000))
    reference = clean + OWN * rng.standard_normal(clean.shape)
    noisy = reference + ADDED * rng.standard_normal(clean.shape)
    return clean, reference, noisy, np.ones(clean.shape, dtype=bool)


def wiener(noisy, signal: float = 4.0):
    """The posterior mean for a Gaussian signal of this variance."""
    return noisy * signal / (signal + OWN**2 + ADDED**2)


def test_clean_rmse_finds_the_error_against_what_nobody_saw(scene) -> None:
    clean, reference, noisy, mask = scene
    for image in (noisy, wiener(noisy), np.tanh(noisy), clean):
        found = clean_rmse(image, reference, noisy, mask, OWN, ADDED)
        if image is clean:  # knows the truth without the noise: the formula's zero
            assert found < 0.03
        else:
            assert found == pytest.approx(rmse(image, clean, mask), rel=5e-3)


def test_clean_rmse_of_a_clean_reference_is_the_rmse(scene) -> None:
    _, reference, noisy, mask = scene
    image = wiener(noisy)
    same = rmse(image, reference, mask)
    assert clean_rmse(image, reference, noisy, mask, 0.0, ADDED) == pytest.approx(same, rel=1e-12)


def test_nothing_is_left_above_the_floor_for_who_knows_the_anatomy(scene) -> None:
    clean, reference, noisy, mask = scene
    share = OWN**2 / (OWN**2 + ADDED**2)
    best = clean + share * (noisy - clean)  # E[reference | x, y]
    floor = rmse_floor(OWN, ADDED)
    assert rmse(best, reference, mask) == pytest.approx(floor, rel=5e-3)
    assert excess_rmse(floor, floor) == 0.0
    image = wiener(noisy)
    apart = rmse(image, best, mask)
    assert excess_rmse(rmse(image, reference, mask), floor) == pytest.approx(apart, rel=2e-2)


def test_the_rician_mean_is_that_of_magnitudes() -> None:
    rng = np.random.default_rng(1)
    real, imaginary = rng.standard_normal((2, 2_000_000))
    for signal in (0.0, 0.5, 1.0, 3.0, 10.0):
        drawn = np.hypot(signal + 0.5 * real, 0.5 * imaginary).mean()
        found = float(rician_mean(np.array([signal]), 0.5)[0])
        assert found == pytest.approx(drawn, abs=1.5e-3)
    assert float(rician_mean(np.array([0.0]), 1.0)[0]) == pytest.approx(np.sqrt(np.pi / 2))
    np.testing.assert_array_equal(rician_mean(np.array([2.0, 0.0]), 0.0), [2.0, 0.0])
