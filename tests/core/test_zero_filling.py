"""Zero-filling in closed form: values, places and noise on both grids."""

import numpy as np
import pytest

from medrestore.core.zero_filling import adjoint, interpolated, resampled

GRIDS = [((6, 8), (12, 16)), ((7, 9), (14, 18)), ((6, 8), (9, 13)), ((7, 8), (7, 15))]
PLACE = (9.3, 12.65)


def blob(shape: tuple[int, int], place: tuple[float, float], width: float) -> np.ndarray:
    """A Gaussian on a grid that covers (20, 28) voxels of the coarse one."""
    y, x = (np.arange(n) * (m / n) for n, m in zip(shape, (20, 28), strict=True))
    far = ((y - place[0]) ** 2)[:, None] + (x - place[1]) ** 2
    return np.exp(-far / (2 * width**2)).astype(np.float32)


@pytest.mark.parametrize(("coarse", "fine"), GRIDS)
def test_there_and_back_changes_nothing(coarse: tuple[int, int], fine: tuple[int, int]) -> None:
    array = np.random.default_rng(0).standard_normal((2, *coarse)).astype(np.float32)
    shown = resampled(array, fine)
    assert shown.shape == (2, *fine)
    assert shown.dtype == np.float32
    np.testing.assert_allclose(resampled(shown, coarse), array, atol=1e-6)
    assert resampled(array, coarse) is array


@pytest.mark.parametrize(("coarse", "fine"), GRIDS)
def test_a_weighted_sum_is_one_number_on_either_grid(
    coarse: tuple[int, int], fine: tuple[int, int]
) -> None:
    rng = np.random.default_rng(0)
    array = rng.standard_normal((2, *coarse)).astype(np.float32)
    weights = rng.standard_normal((2, *fine)).astype(np.float32)
    shown = np.sum(weights * resampled(array, fine), axis=(1, 2))
    there = adjoint(weights, coarse)
    assert there.shape == (2, *coarse)
    np.testing.assert_allclose(np.sum(there * array, axis=(1, 2)), shown, atol=1e-4)
    assert adjoint(weights, fine) is weights


@pytest.mark.parametrize("fine", [(40, 56), (33, 41), (27, 28)])
def test_anatomy_stays_where_it_is(fine: tuple[int, int]) -> None:
    """Voxel j of n lies at j·m/n of m: to a thousandth of a voxel, for even and odd sizes."""
    shown = resampled(blob((20, 28), PLACE, 1.6), fine)
    np.testing.assert_allclose(shown, blob(fine, PLACE, 1.6), atol=2e-4)
    mass = shown.sum()
    for axis, (n, m) in enumerate(zip(fine, (20, 28), strict=True)):
        along = shown.sum(axis=1 - axis) @ np.arange(n) / mass
        assert along * m / n == pytest.approx(PLACE[axis], abs=1e-3)


def test_noise_keeps_its_variance_and_is_correlated() -> None:
    noise = np.random.default_rng(1).standard_normal((8, 65, 65)).astype(np.float32)
    shown = resampled(noise, (130, 130))
    assert np.var(shown) == pytest.approx(np.var(noise), rel=1e-3)
    lag = np.mean(shown[..., 1:] * shown[..., :-1]) / np.var(shown)
    assert lag == pytest.approx(2 / np.pi, abs=0.02)  # sinc(1/2)


@pytest.mark.parametrize(("coarse", "fine"), GRIDS)
def test_a_map_stays_positive(coarse: tuple[int, int], fine: tuple[int, int]) -> None:
    std = np.random.default_rng(0).uniform(0.01, 5, (2, *coarse)).astype(np.float32)
    shown = interpolated(std, fine)
    assert shown.shape == (2, *fine)
    assert std.min() <= shown.min()
    assert shown.max() <= std.max()
    np.testing.assert_allclose(interpolated(np.ones_like(std), fine), 1)


def test_a_map_keeps_its_values_where_both_grids_have_a_voxel() -> None:
    std = np.random.default_rng(0).uniform(1, 5, (6, 8)).astype(np.float32)
    shown = interpolated(std, (12, 16))
    np.testing.assert_allclose(shown[::2, ::2], std, atol=1e-6)
    np.testing.assert_allclose(shown[-1, ::2], (std[-1] + std[0]) / 2, atol=1e-6)
