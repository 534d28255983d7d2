"""No grid of tiles or stacks in the maps of the shipped models, on input that has none."""

from __future__ import annotations

import numpy as np
import pytest

import medrestore as mr
from medrestore.models.model import available

pytestmark = pytest.mark.slow

SIDE, DEPTH = 176, 30


@pytest.fixture(scope="module", params=[card.name for card in available()])
def maps(request: pytest.FixtureRequest) -> tuple:
    """A uniform volume with noise of 5 % (50 HU), restored with samples."""
    card = next(card for card in available() if card.name == request.param)
    rng = np.random.default_rng(0)
    if card.modality == "MR":
        real, imaginary = rng.normal(0, 5.0, (2, DEPTH, SIDE, SIDE))
        array, noise = np.hypot(100 + real, imaginary), 0.05
    else:
        array, noise = 40 + rng.normal(0, 50.0, (DEPTH, SIDE, SIDE)), 50.0
    truth = 100.0 if card.modality == "MR" else 40.0
    volume = mr.Volume(array.astype(np.float32), mr.Geometry(array.shape, np.eye(4)), card.modality)
    steps = 10 if card.family.fewest_samples else 2
    return card, mr.denoise(volume, model=card.name, noise=noise, samples=4, steps=steps), truth


def rippled(profile: np.ndarray, period: int) -> float:
    """Largest departure of the mean over periods from the mean, relative to it."""
    whole = profile[: len(profile) // period * period].reshape(-1, period)
    folded = whole.mean(axis=0)
    return float(np.abs(folded / folded.mean() - 1).max())


@pytest.mark.parametrize("axis", [1, 2])
def test_no_peak_at_the_period_of_the_tiles(maps: tuple, axis: int) -> None:
    card, result, _ = maps
    stride = card.run_stride
    inner = result.std.array[:, 16:-16, 16:-16]
    profile = inner.mean(axis=tuple({0, 1, 2} - {axis}))
    elsewhere = max(rippled(profile, stride + more) for more in (5, 6))  # odd and even
    assert rippled(profile, stride) < 0.02 + elsewhere


@pytest.mark.parametrize("axis", [1, 2])
def test_columns_are_alike(maps: tuple, axis: int) -> None:
    """Networks that halve the plane tell odd from even columns, by a percent or two of the std."""
    card, result, _ = maps
    profile = result.std.array[:, 16:-16, 16:-16].mean(axis=tuple({0, 1, 2} - {axis}))
    assert rippled(profile, 2) < (0.03 if card.facts.get("family") else 0.015)


def test_flat_through_the_slices(maps: tuple) -> None:
    """Four samples leave a slice's mean uncertain to about 1 %, distilled ones to 1.5 %.

    The ends are left out: they have neighbours on one side only, and more of the noise stays.
    """
    card, result, _ = maps
    profile = result.std.array[2:-2, 16:-16, 16:-16].mean(axis=(1, 2))
    assert np.ptp(profile) < 0.08 * profile.mean()
    window, stride = card.depth
    if window > 1:
        assert rippled(profile, stride) < 0.02 + rippled(profile, stride - 3)


def test_as_honest_at_the_ends_of_the_scan(maps: tuple) -> None:
    """Std over error of the first and last slice, where both are larger, is that of the others."""
    _, result, truth = maps
    inner = (slice(None), slice(16, -16), slice(16, -16))
    error, std = result.restored.array[inner] - truth, result.std.array[inner]
    ratio = np.sqrt((std**2).mean(axis=(1, 2)) / (error**2).mean(axis=(1, 2)))
    print(np.round(ratio, 2))
    assert ratio[[0, -1]] == pytest.approx(np.median(ratio), rel=0.2)
