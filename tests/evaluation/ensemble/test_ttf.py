"""The task transfer function of rods blurred by a known Gaussian."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import medrestore as mr
from medrestore.evaluation.ensemble.inserts import ttf
from medrestore.evaluation.ensemble.scene import Insert, drawn

PIXEL = 0.8
SIDE = 49


def rod(diameter_mm: float = 18.0, contrast: float = 100.0) -> np.ndarray:
    made = Insert("rod", (0, SIDE // 2, SIDE // 2), diameter_mm, contrast)
    return drawn([made], (1, SIDE, SIDE), (3.0, PIXEL, PIXEL))[0].astype(np.float64)


def measured(image: np.ndarray, truth: np.ndarray, diameter_mm: float = 18.0):
    return ttf(image, truth, diameter_mm, (PIXEL, PIXEL))


@pytest.mark.parametrize("spread", [0.8, 1.0, 1.3])
@pytest.mark.parametrize("contrast", [-100.0, 30.0])
def test_a_gaussian_blur_is_its_own_transfer(spread: float, contrast: float) -> None:
    truth = rod(contrast=contrast)
    found = measured(gaussian_filter(truth, spread / PIXEL, truncate=6), truth)
    expected = np.exp(-2 * np.pi**2 * spread**2 * found.frequency**2)
    assert np.abs(found.value - expected).max() < 0.02
    assert found.falls_to(0.5) == pytest.approx(np.sqrt(np.log(2) / 2) / np.pi / spread, rel=0.03)
    if spread > 0.9:  # else it lies beyond Nyquist
        of_tenth = np.sqrt(np.log(10) / 2) / np.pi / spread
        assert found.falls_to(0.1) == pytest.approx(of_tenth, rel=0.03)
    assert found.contrast == pytest.approx(1, abs=0.015)


def test_half_the_contrast_is_no_blur() -> None:
    truth = rod()
    found = measured(0.5 * truth, truth)
    assert found.value == pytest.approx(1.0, abs=1e-9)
    assert found.contrast == pytest.approx(0.5)
    assert np.isnan(found.falls_to(0.5))
    assert found.frequency[-1] <= 0.5 / PIXEL


def test_noise_has_no_mean_in_it() -> None:
    truth, rng = rod(contrast=20.0), np.random.default_rng(0)
    blurred = gaussian_filter(truth, 1.2, truncate=6)
    many = [measured(blurred + rng.normal(0, 2, truth.shape), truth).value for _ in range(60)]
    found = measured(blurred, truth)
    error = np.std(many, axis=0) / np.sqrt(len(many))
    assert (np.abs(np.mean(many, axis=0) - found.value) < 4 * error + 0.01).all()
    assert np.median(error[1:]) > 0.003  # there was noise to speak of


def test_slices_are_averaged() -> None:
    truth = rod()
    stack = np.stack([0.8 * truth, 1.2 * truth])
    assert measured(stack, truth).contrast == pytest.approx(1.0)


def test_a_rod_too_small_or_without_room_is_refused() -> None:
    with pytest.raises(mr.InputError, match="does not do"):
        measured(rod(3.0), rod(3.0), 3.0)
    with pytest.raises(mr.InputError, match="does not do"):
        measured(rod(30.0), rod(30.0), 30.0)
    with pytest.raises(mr.InputError, match="no trace of the rod"):
        measured(np.zeros((SIDE, SIDE)), rod())
