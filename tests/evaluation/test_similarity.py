"""Structural similarity in a mask."""

import numpy as np
import pytest

from medrestore.evaluation.fidelity import ssim


@pytest.fixture
def volume():
    y, x = np.mgrid[:40, :40]
    return np.stack([np.sin(y / 5) * np.cos(x / 4), np.cos(y / 6)]) * 0.5


def test_equal_images_are_similar_and_slices_outside_do_not_count(volume) -> None:
    mask = np.ones(volume.shape, dtype=bool)
    assert ssim(volume, volume, mask, (-1, 1)) == pytest.approx(1)
    other = volume.copy()
    other[1] = 0
    assert ssim(other, volume, mask, (-1, 1)) < 0.9
    mask[1] = False
    assert ssim(other, volume, mask, (-1, 1)) == pytest.approx(1)


def test_two_constants_differ_by_their_luminance(volume) -> None:
    """SSIM of constants a, b is (2ab + C₁)/(a² + b² + C₁), C₁ = (0.01 · range)²."""
    mask = np.ones(volume.shape, dtype=bool)
    a, b = np.full(volume.shape, 0.2), np.full(volume.shape, 0.6)
    c1 = (0.01 * 2) ** 2
    expected = (2 * 0.2 * 0.6 + c1) / (0.2**2 + 0.6**2 + c1)
    assert ssim(a, b, mask, (-1, 1)) == pytest.approx(expected)


def test_values_beyond_the_window_do_not_count(volume) -> None:
    mask = np.ones(volume.shape, dtype=bool)
    high = volume + 5
    assert ssim(high, high * 2, mask, (-1, 1)) == pytest.approx(1)
