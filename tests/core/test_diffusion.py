"""The angle form and its ancestral posterior, against closed forms."""

import math

import pytest
import torch

from medrestore.core.diffusion import diffuse, eps_hat, posterior, r_hat_of, v_hat, velocity


def test_prediction_from_the_true_velocity_is_the_residual() -> None:
    r, eps = torch.randn(2, 1, 5, 5), torch.randn(2, 1, 5, 5)
    for t in (0.1, 0.7, math.pi / 2):
        z_t, v = diffuse(r, eps, t), velocity(r, eps, t)
        assert torch.allclose(r_hat_of(z_t, v, t), r, atol=1e-5)
        assert torch.allclose(eps_hat(z_t, r, t), eps, atol=1e-4)
        assert torch.allclose(v_hat(z_t, r, t), v, atol=1e-4)


@pytest.mark.parametrize(("t", "u"), [(math.pi / 2, 0.9), (1.2, 0.4), (0.8, 0.0)])
def test_posterior_keeps_the_marginal(t: float, u: float) -> None:
    """z_u = A z_t + B r + β ε must have mean cos u · r and variance sin²u given r."""
    q = posterior(t, u)
    assert q.a * math.cos(t) + q.b == pytest.approx(math.cos(u), abs=1e-12)
    assert q.a**2 * math.sin(t) ** 2 + q.beta**2 == pytest.approx(math.sin(u) ** 2, abs=1e-12)


def test_the_last_step_is_the_prediction() -> None:
    assert posterior(0.6, 0.0) == pytest.approx((0.0, 1.0, 0.0))
