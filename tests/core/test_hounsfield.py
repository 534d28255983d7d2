"""Numbers that are HU, numbers that are not, and what was added to them."""

from collections.abc import Callable

import numpy as np
import pytest

from medrestore.core.ct_values import judge

SHAPE = (6, 96, 96)


def body(noise: float = 20.0) -> np.ndarray:
    """Air, a body of fat and muscle, lungs and bone, in HU."""
    rng = np.random.default_rng(0)
    _, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    hu = np.full(SHAPE, -1000.0)
    hu[x**2 + y**2 < 0.7] = -100
    hu[x**2 + y**2 < 0.5] = 50
    hu[(x + 0.3) ** 2 + y**2 < 0.04] = -850
    hu[(x - 0.3) ** 2 + y**2 < 0.01] = 700
    return hu + noise * rng.standard_normal(SHAPE)


def muscle(noise: float = 15.0) -> np.ndarray:
    return np.random.default_rng(1).normal(55, noise, SHAPE)


@pytest.mark.parametrize(
    "hu",
    [
        body(),
        np.round(body(60)),
        body(0),
        np.clip(body(), -1024, 3071),
        body()[:, 30:60, 60:],  # no air
        muscle(),
        np.where(np.random.default_rng(0).random(SHAPE) < 0.3, 900, 0) + muscle(),  # and bone
        muscle() - 905,  # lung
        np.random.default_rng(0).normal(-1000, 200, SHAPE),  # air alone
    ],
    ids=["body", "noisy", "clean", "12 bits", "inside", "muscle", "bone", "lung", "air"],
)
def test_hounsfield_units_are_accepted(hu: np.ndarray) -> None:
    found = judge(hu)
    assert not found.fault and not found.offset


def test_padding_that_was_compressed_with_loss_does_not_count() -> None:
    hu = body()
    hu[:, :24] = np.random.default_rng(0).normal(-3024, 150, hu[:, :24].shape)
    found = judge(hu)
    assert not found.fault and not found.doubt


def test_metal_does_not_count() -> None:
    hu = body()
    hu[2, 40:44, 40:44] = 30_000
    assert not judge(hu).fault


@pytest.mark.parametrize(
    "scaled",
    [
        lambda hu: np.clip((hu + 160) / 400, 0, 1),
        lambda hu: np.clip((hu + 1024) / 4095, 0, 1),
        lambda hu: hu / 1000,
        lambda hu: (hu - hu.mean()) / hu.std(),
        lambda hu: np.round(np.clip((hu + 160) / 400 * 255, 0, 255)),
        lambda hu: np.clip(hu + 160, 0, 400),
        lambda hu: (np.clip(hu, -1000, 3000) + 1000) * 16,
    ],
    ids=["0…1", "0…1 of all", "HU/1000", "z-score", "byte", "window", "16 bits"],
)
def test_other_scales_are_not(scaled: Callable[[np.ndarray], np.ndarray]) -> None:
    found = judge(scaled(body()))
    assert found.fault and not found.offset


@pytest.mark.parametrize("noise", [5.0, 15.0, 30.0])
@pytest.mark.parametrize("cut", [False, True])
def test_a_lost_intercept_is_named(noise: float, cut: bool) -> None:
    stored = np.round(body(noise) + 1024)
    found = judge(np.clip(stored, 0, 4095) if cut else stored)
    assert found.offset == 1024 and "intercept was lost" in found.fault


def test_another_intercept_is_not_guessed() -> None:
    found = judge(np.clip(np.round(body() + 1000), 0, 4095))
    assert found.fault and not found.offset


def test_nothing_below_water_is_doubted() -> None:
    assert "no air and no fat" in judge(np.abs(muscle()) + 1).doubt
    assert not judge(body()).doubt
