"""A scan with noise of its own as truth: what is measured is the error against the noise-free x."""

from types import SimpleNamespace

import numpy as np
import pytest

from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import Spectrum
from medrestore.engine.arrays import Arrays
from medrestore.training.probe import Probe
from medrestore.training.region_factors import region_errors
from medrestore.training.spread import _scored
from medrestore.training.target_noise import independent

OWN, ADDED, TAU, SHAPE = 6.0, 12.0, 10.0, (6, 128, 128)


@pytest.fixture(scope="module")
def ideal() -> Probe:
    """White anatomy of std τ, restored to its posterior mean under all the noise there is."""
    rng = np.random.default_rng(4)
    x, w, n = ((std * rng.standard_normal(SHAPE)).astype(np.float32) for std in (TAU, OWN, ADDED))
    scan, noisy = x + w + 40, x + w + n + 40
    truth, total, left = independent(scan, OWN, noisy, ADDED, ADDED, magnitude=False)
    assert total == pytest.approx(np.hypot(OWN, ADDED)) and left is not None
    e = truth - x - 40
    assert np.corrcoef(e.ravel(), (noisy - x).ravel())[0, 1] == pytest.approx(0, abs=0.02)
    assert e.std() == pytest.approx(OWN * np.hypot(1, OWN / ADDED), rel=0.02)
    assert left.std == pytest.approx(e.std(), rel=0.02) and left.field.std() == pytest.approx(
        e.std(), rel=0.02
    )
    gain = TAU**2 / (TAU**2 + total**2)
    s = np.full(SHAPE, TAU * total / np.hypot(TAU, total), np.float32)
    mu = (gain * (noisy - 40) + 40).astype(np.float32)
    arrays = Arrays(mu, s, mu - s, mu + s, None, mu, s, np.full(6, 0.5, np.float32), 0)
    noise = SimpleNamespace(sigma=total, map=None)
    plan = SimpleNamespace(scale=1000.0, modality="CT", noise=noise, chosen=range(6))
    inside = np.ones(SHAPE, bool)
    sigma = np.full(SHAPE, total, np.float32)
    return Probe(arrays, truth, inside, noisy, sigma, tuple(range(6)), plan, "a", left)


def test_scores_of_an_ideal_restoration_are_gaussian(ideal: Probe) -> None:
    error = _scored(ideal, 0.001)["predictor"].error
    found = np.quantile(error, [0.5, 0.8, 0.9, 0.95])
    assert found == pytest.approx([0.674, 1.282, 1.645, 1.96], rel=0.02)


def test_power_of_the_error_is_told_from_the_target_s(ideal: Probe) -> None:
    s, e = float(ideal.arrays.s.flat[0]), float(ideal.left.std.flat[0])
    share = ideal.error_share(ideal.window).mean(axis=0)
    wanted = np.full_like(share, s**2 / (s**2 + e**2))
    assert share[2:] == pytest.approx(wanted[2:], abs=0.04)
    assert share == pytest.approx(wanted, abs=0.15)  # few values in the lowest bands


def test_means_of_regions_allow_for_the_target_s(ideal: Probe) -> None:
    white = Spectra((np.pi / 2,), ((Spectrum.white(),),))
    found = region_errors(ideal, white, (1, 4, 4), most=2000)
    expected = np.hypot(found.closed_form, found.left)
    assert np.std(found.error / expected) == pytest.approx(1.0, abs=0.05)


def test_a_scan_without_noise_is_the_truth() -> None:
    scan = np.ones((2, 4, 4), np.float32)
    assert independent(scan, 0.0, scan + 1, 1.0, 1.0, magnitude=True) == (scan, 1.0, None)
