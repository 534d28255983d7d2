"""Negative voxels of MR: undershoot of interpolation is none of a signed image's."""

import numpy as np
import pytest
from scipy import ndimage

from medrestore.core.mr_values import signs
from scans import body, mr_array

SHAPE = (6, 72, 80)


def sharp(noise: float) -> np.ndarray:
    """A masked scan with hard edges, where interpolation undershoots most."""
    return np.where(body(SHAPE) > 0, mr_array(SHAPE, noise), 0).astype(np.float64)


@pytest.mark.parametrize("noise", [0.005, 0.05])
@pytest.mark.parametrize("order", [3, 5])
def test_undershoot_of_splines_is_no_sign(order: int, noise: float) -> None:
    for scan in (sharp(noise), mr_array(SHAPE, noise)):
        turned = ndimage.rotate(scan, 7, axes=(1, 2), order=order, reshape=False)
        assert (turned < 0).any()
        assert not signs(turned).signed
        finer = ndimage.zoom(scan, (1, 2, 2), order=order)
        assert (finer < 0).any() and not signs(finer).signed


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_a_real_part_is_signed(noise: float) -> None:
    channel = 400 * noise * np.random.default_rng(0).standard_normal(SHAPE)
    assert signs(400 * body(SHAPE) + channel).signed


def test_inverted_tissue_is_signed() -> None:
    scan = sharp(0.02)
    scan[:, 30:36, 30:36] *= -1  # 0.6 % of the voxels
    assert signs(scan).signed


def test_normalised_scans_are_signed() -> None:
    for scan in (mr_array(SHAPE), sharp(0.05)):
        assert signs(scan - scan.mean()).signed
        assert signs((scan - scan.mean()) / scan.std()).signed
        assert signs(-scan).signed


def test_a_little_that_is_deep_is_told() -> None:
    scan = sharp(0.02)
    scan[2, 30:40, 30:40] = -300
    found = signs(scan)
    assert not found.signed and found.deep == pytest.approx(100 / scan.size)
    assert signs(mr_array(SHAPE)).deep == 0
