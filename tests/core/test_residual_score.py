"""The normal score of a magnitude against the exact Rician distribution."""

import numpy as np
import pytest
from scipy import stats

from medrestore.core.residual_score import gaussian_score, rician_score


@pytest.mark.parametrize("snr", [0.0, 0.5, 1.0, 2.0, 4.0, 20.0])
def test_quantiles_of_a_rician_are_those_of_a_normal(snr: float) -> None:
    """Exact quantiles in, normal quantiles out: within 0.05 from −1 to 3, 0.15 at 4."""
    wanted = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    y = 7 * stats.ncx2.isf(stats.norm.sf(wanted), 2, max(snr, 1e-9) ** 2) ** 0.5
    mu = np.full(wanted.shape, 7 * snr, np.float32)
    score = rician_score(y.astype(np.float32), mu, 7.0)
    assert (np.abs(score - wanted) < [0.05, 0.05, 0.05, 0.05, 0.05, 0.15]).all()
    if snr == 20:
        assert np.abs(score - gaussian_score(y.astype(np.float32), mu, 7.0)).max() < 0.04


def test_the_bias_of_magnitudes_is_no_signal() -> None:
    """Mean 0 and variance 1 under Rayleigh noise, where y − μ alone has mean 1.25 σ."""
    rng = np.random.default_rng(0)
    y = np.hypot(*rng.standard_normal((2, 400_000))).astype(np.float32)
    score = rician_score(y, np.zeros_like(y), 1.0)
    assert abs(score.mean()) < 0.02
    assert score.std() == pytest.approx(1, abs=0.03)
