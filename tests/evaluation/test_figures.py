"""Figures of whole volumes, on errors whose answer is known."""

import numpy as np
import pytest

from medrestore.evaluation.fidelity import through_plane

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(0, 10, (24, 64, 64)).astype(np.float32)
EVERYWHERE = np.ones(TRUTH.shape, dtype=bool)


def test_errors_of_independent_slices_are_told_from_errors_that_continue() -> None:
    independent = RNG.standard_normal(TRUTH.shape)
    assert through_plane(TRUTH + independent, TRUTH, EVERYWHERE) == pytest.approx(1, abs=0.02)

    same = np.broadcast_to(independent[:1], TRUTH.shape)
    assert through_plane(TRUTH + same, TRUTH, EVERYWHERE) < 1e-6

    turns = np.where(np.arange(24) % 2, 1.0, -1.0)[:, None, None]
    alternating = turns * np.abs(same)
    assert through_plane(TRUTH + alternating, TRUTH, EVERYWHERE) == pytest.approx(np.sqrt(2))


def test_errors_outside_the_mask_do_not_count() -> None:
    error = RNG.standard_normal(TRUTH.shape)
    mask = EVERYWHERE.copy()
    mask[10:] = False
    broken = np.where(mask, error, 1e6)
    expected = through_plane((TRUTH + error)[:10], TRUTH[:10], mask[:10])
    assert through_plane(TRUTH + broken, TRUTH, mask) == pytest.approx(expected)
