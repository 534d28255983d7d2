"""A couch below the body and other fields of view."""

import numpy as np
import pytest

from medrestore.training.ct_scene import at_field_of_view, with_couch
from medrestore.training.data import Stack


def body() -> np.ndarray:
    y, x = np.mgrid[:160, :180].astype(np.float32)
    plane = np.where(((y - 70) / 45) ** 2 + ((x - 90) / 60) ** 2 < 1, 40.0, -1000.0)
    return np.repeat(plane[None].astype(np.float32), 3, axis=0)


def test_the_couch_lies_below_the_body_and_replaces_air_only() -> None:
    for seed in range(8):
        array = with_couch(Stack(body(), 1000.0, 3.0), np.random.default_rng(seed)).array
        changed = array != body()
        assert not changed[body() > -500].any()
        assert changed.sum() > 300
        assert array[changed].max() < 150
        assert np.array_equal(array[0], array[2])
        rows, columns = np.nonzero(changed[0])
        centre = np.abs(columns - 90) < 5
        assert rows[centre].min() >= 115  # below the lowest point of the body, with a gap
        line = array[0, rows[centre].min() : rows[centre].max() + 1, 90]
        assert line[0] > line[len(line) // 2]  # shell, then foam
        assert line[-1] > line[len(line) // 2]


def test_air_alone_gets_no_couch() -> None:
    stack = Stack(np.full((2, 64, 64), -1000, np.float32), 1000.0)
    assert with_couch(stack, np.random.default_rng(0)) is stack


@pytest.mark.parametrize("factor", [0.8, 1.5])
def test_a_field_of_view_changes_pixels_and_keeps_millimetres(factor: float) -> None:
    stack = at_field_of_view(Stack(body(), 1000.0, 2.0), factor)
    assert stack.pixel_mm == pytest.approx(2 * factor)
    area = (stack.array[0] > -480).sum() * stack.pixel_mm**2
    assert area == pytest.approx((body()[0] > -480).sum() * 4.0, rel=0.01)
    noise = np.random.default_rng(0).standard_normal((2, 120, 120)).astype(np.float32)
    coarse = at_field_of_view(Stack(noise, 1.0), 1.5).array.std()
    assert coarse < 0.75  # anti-aliased: averages, not picks


def test_a_couch_holds_no_noise_of_the_scans_own() -> None:
    measured = body() > -999
    stack = with_couch(Stack(body(), 1000.0, 3.0, measured=measured), np.random.default_rng(0))
    couch = stack.array != body()
    assert stack.measured is not None
    assert couch.any() and not stack.measured[couch].any()
    assert stack.measured[body() > -500].all()
