"""Smoothing of a slice, against SciPy's and against what white noise must become."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medrestore.core.smoothing import gaussian_taps, noise_voxels, smooth


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.0, 3**0.5, 4.0])
def test_it_is_a_gaussian_with_zeros_around(sigma: float) -> None:
    plane = np.random.default_rng(0).standard_normal((9, 40)).astype(np.float32)
    expected = gaussian_filter(plane, sigma, truncate=3.0, mode="constant") if sigma else plane
    assert smooth(plane, sigma) == pytest.approx(expected, abs=1e-5)


def test_noise_shrinks_as_foretold() -> None:
    """1/Σw² by hand for three taps, and 2√π·σ for a Gaussian in the continuum."""
    one, two = gaussian_taps(0.4)
    assert one + 2 * two == pytest.approx(1)
    assert noise_voxels(0.4) == pytest.approx(1 / (one**2 + 2 * two**2))
    assert noise_voxels(0.0) == 1
    assert noise_voxels(4.0) == pytest.approx(2 * np.sqrt(np.pi) * 4.0, rel=0.01)
