"""Benjamini–Hochberg, against the textbook procedure and a worked example."""

import numpy as np
import pytest
from scipy import stats

from medrestore.core.significance import Discoveries


def shown(found: Discoveries, *shape: int) -> np.ndarray:
    """The map of what stands out; as many voxels as are counted."""
    out = np.zeros(shape, np.float32)
    assert found.show(found.threshold(), out) == np.count_nonzero(out)
    return out


def discoveries(z: np.ndarray, rate: float, tries: int = 1) -> Discoveries:
    found = Discoveries(rate, tries)
    for plane in z:
        found.add(plane.astype(np.float32), 10 * plane.astype(np.float32), plane.size)
    return found


def test_it_flags_what_scipy_flags() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((3, 40, 50))
    z[1, :5, :20] += 4
    for rate in (0.01, 0.1):
        found = discoveries(z, rate)
        p = 2 * stats.norm.sf(np.abs(z.astype(np.float32)))
        expected = stats.false_discovery_control(p.ravel()).reshape(z.shape) <= rate
        flagged = shown(found, *z.shape)
        assert expected.sum() > 30
        assert np.array_equal(flagged != 0, expected)
        assert flagged[expected] == pytest.approx(10 * z[expected], rel=1e-5)


def test_the_first_example_of_the_paper() -> None:
    """Benjamini & Hochberg 1995, section 3.2: fifteen p-values, four of them rejected at 5 %."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    z = stats.norm.isf(np.array(p) / 2).reshape(1, 3, 5)
    found = discoveries(z, 0.05)
    assert (np.abs(z) >= found.threshold() - 1e-6).sum() == 4


def test_a_lone_score_needs_bonferroni() -> None:
    for tries in (1, 3):
        bound = stats.norm.isf(0.01 / (2 * 10_000 * tries))
        z = np.zeros((1, 100, 100))
        assert discoveries(z, 0.01, tries).threshold() == pytest.approx(bound)
        for value, count in ((bound * 0.999, 0), (bound * 1.001, 1)):
            z[0, 3, 4] = value
            found = discoveries(z, 0.01, tries)
            assert np.count_nonzero(shown(found, *z.shape)) == count


def test_nothing_tested_nothing_found() -> None:
    found = Discoveries(0.01)
    found.add(np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32), 0)
    assert found.threshold() == float("inf")
    assert not shown(found, 1, 4, 4).any()
