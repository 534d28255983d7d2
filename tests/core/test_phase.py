"""Phase is a circle cut open; magnitudes are not, however they are quantised or cut off."""

import numpy as np
import pytest

from medrestore.core.mr_values import is_phase
from scans import body, mr_array

SHAPE = (4, 64, 72)
RNG = np.random.default_rng(0)


def phase(masked: bool = False, noise: float = 0.05) -> np.ndarray:
    """Radians in −π…π: smooth in a body, noise (or 0, masked) around it."""
    _, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    smooth = 6 * np.sin(3 * x + 2 * y) + 4 * x + noise * RNG.standard_normal(SHAPE)
    around = 0.0 if masked else RNG.uniform(-np.pi, np.pi, SHAPE)
    return np.angle(np.exp(1j * np.where(body(SHAPE) > 0, smooth, around)))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("scale", "offset", "whole"),
    [(1, 0, False), (4096 / np.pi, 0, True), (2048 / np.pi, 2048, True), (1000, 0, True),
     (180 / np.pi, 180, False), (127 / np.pi, 128, True)],
    ids=["±π", "±4096", "0…4095", "±3141", "0…360", "8 bits"],
)  # fmt: skip
def test_phase_in_any_unit(masked: bool, scale: float, offset: float, whole: bool) -> None:
    stored = scale * phase(masked) + offset
    assert is_phase(np.round(stored) if whole else stored)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.2])
def test_magnitudes(noise: float) -> None:
    scan = mr_array(SHAPE, noise)
    assert not is_phase(scan)
    assert not is_phase(np.round(scan / scan.max() * 255))
    assert not is_phase(np.clip(scan, 0, np.percentile(scan, 90)))


def test_signed_magnitudes_and_pure_noise() -> None:
    scan = mr_array(SHAPE)
    assert not is_phase(scan - scan.mean())
    assert not is_phase(np.where(scan > 300, -scan, scan))
    assert not is_phase(RNG.standard_normal(SHAPE))


def test_nothing_to_see() -> None:
    assert not is_phase(np.zeros(SHAPE))
    assert not is_phase(np.full(SHAPE, np.nan))


def test_even_noise_in_another_range_is_no_circle() -> None:
    assert not is_phase(RNG.uniform(10, 100, SHAPE))
