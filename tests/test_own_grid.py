"""To the grid a scan was acquired on, and back to the one shown."""

from dataclasses import replace

import numpy as np
import pytest

from medrestore.core.zero_filling import resampled
from medrestore.engine.arrays import Arrays
from medrestore.engine.own_grid import acquired, shown
from medrestore.engine.plan import Level, Noise, Plan
from medrestore.settings.settings import Settings
from medrestore.volume import Geometry, Volume

COARSE, FINE = (20, 15), (40, 27)
AFFINE = np.array([[0, 0.1, -0.5, 20], [0, 0.6, 0.1, -30], [3.0, 0, 0, 5], [0, 0, 0, 1]])


def scan(times: int = 1) -> Volume:
    """A zero-filled scan of three slices, without noise."""
    rng = np.random.default_rng(0)
    image = 100 + 5 * rng.standard_normal((times, 3, *COARSE)).astype(np.float32)
    array = resampled(image, FINE)
    return Volume(array if times > 1 else array[0], Geometry((3, *FINE), AFFINE), "MR")


def plan_of(volume: Volume, noise: Noise, **changes: object) -> Plan:
    """A plan as `resolve` would make it, for no model that exists."""
    times = len(volume.array) if volume.is_4d else 1
    plan = Plan(
        settings=Settings(samples=2, steps=2, sampler="moment-matched", keep_samples=True),
        model="none",
        model_sha256="",
        modality="MR",
        mode="slice",
        shape=volume.geometry.shape,
        times=times,
        scale=110.0,
        noise=noise,
        device="cpu",
        batch=1,
        slices=None,
        evaluations=3,
        grid=COARSE,
    )
    return replace(plan, **changes)


def made_by(plan: Plan, volume: Volume) -> Arrays:
    """What a model that takes nothing away would make: std 2, interval ±3."""
    out = Arrays.blank(plan)
    image = (volume.array if volume.is_4d else volume.array[None])[:, list(plan.chosen)]
    out.mu[:], out.restored[:], out.std[:], out.s[:] = image, image, 2, 1
    out.lower[:], out.upper[:] = image - 3, image + 3
    assert out.samples is not None
    out.samples[:] = image
    return out.finished(2, volume.is_4d)


def test_the_field_of_view_stays() -> None:
    volume = scan()
    plan, smaller = acquired(plan_of(volume, Noise(4.0)), volume)
    assert plan.shape == smaller.geometry.shape == smaller.array.shape == (3, *COARSE)
    assert plan.noise.sigma == 4.0
    here, there = smaller.geometry, volume.geometry
    np.testing.assert_allclose(here.world((1, 0, 0)), there.world((1, 0, 0)))
    np.testing.assert_allclose(here.world((2, 10, 5)), there.world((2, 20, 9)))
    np.testing.assert_allclose(here.world((0, *COARSE)), there.world((0, *FINE)), atol=1e-9)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("slices", [None, (1,)])
def test_there_and_back_changes_nothing(times: int, slices: tuple[int, ...] | None) -> None:
    volume = scan(times)
    levels = (Level(Noise(4.0), 110.0),) * times if times > 1 else ()
    plan = plan_of(volume, Noise(4.0), slices=slices, levels=levels)
    arrays = shown(made_by(*acquired(plan, volume)), plan, volume, 0.0)
    wanted = volume.array[..., list(plan.chosen), :, :]
    for image in (arrays.restored, arrays.mu, *arrays.samples):
        np.testing.assert_allclose(image, wanted, atol=2e-4)
    np.testing.assert_allclose(arrays.std, np.full_like(wanted, 2))
    np.testing.assert_allclose(arrays.s, np.full_like(wanted, 1))
    np.testing.assert_allclose(arrays.upper - arrays.mu, np.full_like(wanted, 3), atol=2e-4)
    np.testing.assert_allclose(arrays.mu - arrays.lower, np.full_like(wanted, 3), atol=2e-4)


def test_what_is_no_measurement_or_a_spike_comes_back_and_does_not_ring() -> None:
    volume = scan()
    array = volume.array.copy()
    array[1, 3, 4], array[1, 20, 20] = np.nan, 1e6
    plan = plan_of(volume, Noise(4.0))
    odd = volume.with_array(array)
    smaller, there = acquired(plan, odd)
    assert np.isfinite(there.array).all()
    assert there.array.max() < 700
    arrays = shown(made_by(smaller, there), plan, odd, 0.0)
    assert np.isnan(arrays.restored[1, 3, 4])
    assert np.isnan(arrays.std[1, 3, 4])
    assert arrays.restored[1, 20, 20] == 1e6
    assert np.isnan(arrays.restored).sum() == 1


def test_a_noise_map_goes_along() -> None:
    volume = scan()
    ramp = np.linspace(1, 5, 3, dtype=np.float32)[:, None, None] * np.ones(FINE, np.float32)
    plan, _ = acquired(plan_of(volume, Noise(3.0, ramp)), volume)
    assert plan.noise.map is not None
    np.testing.assert_allclose(plan.noise.map, ramp[:, :20, :15], rtol=1e-6)
