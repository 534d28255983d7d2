"""Padding of a CT: every constant far below air, however few voxels hold it; never noise."""

import numpy as np
import pytest

from medrestore.core.ct_values import ct_padding, is_padding

SHAPE = (4, 64, 64)


def air(sigma: float = 30.0, dtype: type = np.float32) -> np.ndarray:
    return np.round(np.random.default_rng(0).normal(-1000, sigma, SHAPE)).astype(dtype)


@pytest.mark.parametrize("values", [(-2000,), (-3024, -2000), (-3024, -2048, -2000)])
def test_all_values_are_found(values: tuple[int, ...]) -> None:
    hu = air()
    for rim, value in enumerate(reversed(values)):
        hu[:, 3 * rim : 3 * rim + 3] = value
    assert ct_padding(hu) == values
    assert is_padding(hu, ct_padding(hu)).mean() == 3 * len(values) / 64


def test_a_few_voxels_of_a_second_value_are_found() -> None:
    hu = air()
    hu[:, :8] = -2000
    hu[0, 20, :20] = -3024
    assert ct_padding(hu) == (-3024, -2000)


def test_a_ramp_from_resampling_does_not_hide_them() -> None:
    hu = air()
    hu[:, :10] = -3024
    hu[:, 10] = np.linspace(-3000, -1000, 64)
    assert ct_padding(hu) == (-3024,)


@pytest.mark.parametrize("sigma", [150.0, 400.0])
def test_deep_noise_is_none(sigma: float) -> None:
    hu = air(sigma)  # rounded: its depths repeat too
    assert (hu < -1500).sum() > 5
    assert ct_padding(hu) == ()
    hu[:, :4] = -2000
    assert ct_padding(hu) == (-2000,)


def test_nothing_of_a_scan_in_tissue_or_without_a_number() -> None:
    assert ct_padding(np.zeros(SHAPE, np.float32)) == ()
    assert ct_padding(np.full(SHAPE, np.nan, np.float32)) == ()
    assert ct_padding(np.full(SHAPE, -np.inf, np.float32)) == ()
    assert not is_padding(air(), ()).any()
