"""Noise told from anatomy by its spectrum: in closed form, and on made anatomy."""

import numpy as np
import pytest
from scipy import fft, ndimage
from tests.core.k_space import acquired

from medrestore.core.intensity import foreground_scale
from medrestore.core.noise_level_bands import DETAIL, Bands, band_powers
from medrestore.core.noise_level_spectrum import Spectrum, fit_spectrum
from medrestore.modalities.mr import MR
from medrestore.physics.phantom import head_mr

SHARES = [(1.0, 1.0), (0.5, 0.5), (2 / 3, 2 / 3), (0.72, 1.0), (1.0, 0.46), (0.5, 0.85)]
WHITE, HAMMING = 1.0, 0.08


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    return head_mr((10, 192, 160), (3.2, 1.2, 1.2), seed=5)


def bands_of(power: np.ndarray, mean: float = 1e3, count: int = 2000) -> Bands:
    """Bands on the stored grid with this power, (8, 8)."""
    return Bands(power, count, mean, (1.0, 1.0), (128, 128), (128, 128))


def fitted(volume: np.ndarray) -> Spectrum:
    """What the bands of a volume say."""
    bands = band_powers(volume, foreground_scale(volume))
    assert bands is not None
    return fit_spectrum(bands)


@pytest.mark.parametrize("sigma", [1e-3, 1.0, 50.0])
def test_a_flat_spectrum_is_white_noise(sigma: float) -> None:
    found = fit_spectrum(bands_of(np.full((8, 8), sigma**2), mean=1e4))
    assert found.std == pytest.approx(sigma, rel=0.03)
    assert found.anatomy == 0
    assert found.edge == 1
    assert found.spread < 0.1


def test_anatomy_over_white_noise_is_left_out() -> None:
    """P = σ²(1 + A f⁻³), which is the model itself: the noise is its floor."""
    u, v = np.mgrid[:8, :8]
    square = np.maximum(u**2 + v**2, 1)
    power = 4.0 * (1 + 500 * square**-1.5)
    found = fit_spectrum(bands_of(power))
    assert found.std == pytest.approx(2.0, rel=0.05)
    assert power[DETAIL].mean() > 8 * 4.0  # what a variance of blocks would say


@pytest.mark.parametrize(
    "floors",
    [(WHITE, WHITE), (HAMMING, HAMMING), (HAMMING, WHITE), (WHITE, 0.5)],
    ids=["white", "Hamming", "Hamming along y", "half along x"],
)
@pytest.mark.parametrize("snr", [6.0, 30.0])
def test_filtered_noise_without_anatomy(floors: tuple[float, float], snr: float) -> None:
    """Within 8 %, folding of the magnitude included: Rician data of SNR 6 varies 1.4 % less."""
    flat = np.full((10, 160, 160), 100.0)
    found = fitted(acquired(flat, 100.0 / snr, (1.0, 1.0), floors))
    assert found.std == pytest.approx(100.0 / snr, rel=0.08)
    assert (found.edge < 0.7) == (floors != (WHITE, WHITE))


def test_blurred_noise_without_anatomy() -> None:
    """A Gaussian of one voxel, as resampling or smoothing leaves it."""
    noise = np.random.default_rng(0).standard_normal((10, 160, 160))
    blurred = ndimage.gaussian_filter(noise, (0, 1.0, 1.0), mode="wrap")
    blurred *= 5 / blurred.std()
    found = fitted((100 + blurred).astype(np.float32))
    assert found.std == pytest.approx(5, rel=0.1)
    assert found.edge < 0.05


def test_power_of_bands_is_that_of_an_orthonormal_transform() -> None:
    """White noise has σ² in every band; median and stride bias it by less than 5 %."""
    volume = (100 + 3 * np.random.default_rng(0).standard_normal((12, 200, 200))).astype(np.float32)
    bands = band_powers(volume, 100.0)
    assert bands is not None
    np.testing.assert_allclose(bands.power[DETAIL], 9.0, rtol=0.25)
    assert bands.power[DETAIL].mean() == pytest.approx(9.0, rel=0.05)
    assert bands.missing == (1.0, 1.0)
    one = fft.dctn(volume[0, :8, :8].astype(np.float64), norm="ortho")
    assert (one**2).sum() == pytest.approx((volume[0, :8, :8].astype(np.float64) ** 2).sum())


def test_a_body_of_few_blocks_says_nothing() -> None:
    volume = np.zeros((2, 64, 64), np.float32)
    volume[:, 20:40, 20:40] = 100
    assert band_powers(volume, 100.0) is None
    assert band_powers(np.ones((3, 6, 200), np.float32), 1.0) is None


@pytest.mark.parametrize("level", [0.03, 0.06, 0.12])
@pytest.mark.parametrize("shares", SHARES)
def test_zero_filled_noise(brain: np.ndarray, shares: tuple[float, float], level: float) -> None:
    sigma = level * foreground_scale(brain)
    found = MR.estimate_noise(acquired(brain, sigma, shares))
    assert found.sigma == pytest.approx(sigma, rel=0.15)
    for axis, share, n in zip("yx", shares, brain.shape[1:], strict=True):
        assert (f"of {n} along {axis}" in found.method) == (share < 1)


@pytest.mark.parametrize("level", [0.03, 0.06, 0.12])
@pytest.mark.parametrize("floors", [(HAMMING, HAMMING), (HAMMING, WHITE), (WHITE, HAMMING)])
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_filtered_noise(
    brain: np.ndarray, share: float, floors: tuple[float, float], level: float
) -> None:
    """Within 20 %, masked air: the tissue alone has to say it."""
    sigma = level * foreground_scale(brain)
    noisy = acquired(brain, sigma, (share, share), floors)
    noisy[brain < 0.02 * brain.max()] = 0
    found = MR.estimate_noise(noisy)
    assert found.sigma == pytest.approx(sigma, rel=0.2)
    assert "background" not in found.method
