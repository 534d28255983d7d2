"""The noise power spectrum of noise whose spectrum is known in closed form."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import medrestore as mr
from medrestore.evaluation.ensemble.nps import nps, radial

SPACING = (0.8, 0.8)
SIGMA = 12.0


def white(seed: int, *shape: int) -> np.ndarray:
    return SIGMA * np.random.default_rng(seed).standard_normal(shape)


def test_white_noise_has_its_variance_times_the_area_of_a_pixel() -> None:
    anatomy = 300 * np.random.default_rng(9).random((32, 32))
    found = nps(anatomy + white(0, 64, 4, 32, 32), SPACING)
    # a ring of k independent points of 63·4 exponential variates: 5 standard errors, no more
    points = np.array([1, *np.maximum(np.pi * np.arange(1, len(found.power)), 2)])
    error = 5 / np.sqrt(points * 63 * 4)
    assert (np.abs(found.power / (SIGMA**2 * 0.64) - 1) < error).all()
    assert found.frequency[-1] == pytest.approx(0.5 / 0.8, abs=0.01)
    assert found.mean == pytest.approx(found.frequency.mean(), rel=0.02)


def test_its_integral_is_the_variance() -> None:
    values = 50 + white(1, 20, 24, 30)
    assert nps(values, (0.7, 0.9)).variance == pytest.approx(
        values.var(axis=0, ddof=1).mean(), rel=1e-10
    )


def test_filtered_noise_has_the_squared_filter() -> None:
    spread = 1.3  # pixels
    drawn = white(2, 120, 128, 128)
    filtered = np.stack([gaussian_filter(one, spread, mode="wrap") for one in drawn])
    found = nps(filtered[:, 32:96, 32:96], SPACING)
    expected = np.exp(-4 * np.pi**2 * (found.frequency * 0.8) ** 2 * spread**2) * SIGMA**2 * 0.64
    strong = expected > 0.05 * expected[0]
    strong[0] = False  # a single point: 13 % of standard error; the others have many
    assert strong.sum() > 10
    assert found.power[strong] == pytest.approx(expected[strong], rel=0.08)
    shifted = np.roll(expected, 1)[strong]  # a bin off is no agreement
    assert np.abs(found.power[strong] / shifted - 1).max() > 0.25


def test_a_wave_lies_at_its_frequency() -> None:
    x = np.arange(40) * 0.5
    phases = np.random.default_rng(3).uniform(0, 2 * np.pi, 200)
    waves = np.cos(2 * np.pi * 0.35 * x + phases[:, None])
    found = nps(np.broadcast_to(waves[:, None], (200, 40, 40)), (0.5, 0.5))
    assert found.peak == pytest.approx(0.35, abs=0.01)  # rings lie 0.05 apart
    assert found.variance == pytest.approx(0.5, rel=0.02)
    middle, column = 20, 20 + round(0.35 * 40 * 0.5)
    assert np.unravel_index(found.plane.argmax(), (40, 40)) in {
        (middle, column),
        (middle, 40 - column),
    }


def test_rings_are_centred_on_multiples_of_the_frequency_step() -> None:
    y, x = np.mgrid[-4:4, -4:4]
    frequency, value = radial(np.hypot(y, x), (0.1, 0.1))
    assert frequency == pytest.approx(0.1 * value)
    assert len(frequency) == 5 and np.abs(frequency - 0.1 * np.arange(5)).max() < 0.03


@pytest.mark.parametrize("shape", [(1, 32, 32), (4, 6, 32), (32, 32)])
def test_too_little_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(mr.InputError, match="at least 2 realisations of 8 × 8"):
        nps(np.zeros(shape), SPACING)
