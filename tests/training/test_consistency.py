"""Consistency distillation on a Gaussian residual, whose consistency function is known exactly.

For r of variance c, z_t has the variance Λ_t = c cos²t + sin²t, the velocity is
v̂ = (1 − c) cos t sin t · z/Λ_t, and the ODE through z_t passes z_u = √(Λ_u/Λ_t) · z_t: it ends at
f(z, t) = √(c/Λ_t) · z.
"""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from medrestore.core.diffusion import r_hat_of
from medrestore.training.consistency import Widths, consistency_step, ode_step, reused

START = torch.tensor([math.pi / 2])


def marginal(c: float, t: Tensor) -> Tensor:
    return c * t.cos().square() + t.sin().square()


class Exact(nn.Module):
    """The exact velocity of a residual of variance c; ``sign`` −1 is a mistake."""

    def __init__(self, c: float, sign: float = 1.0) -> None:
        super().__init__()
        self.c, self.sign = c, sign

    def forward(self, z: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        t = t.view(-1, 1, 1, 1)
        return self.sign * (1 - self.c) * t.cos() * t.sin() * z / marginal(self.c, t)


class Ideal(nn.Module):
    """F of the exact consistency function, scaled by a parameter that is right at 1."""

    def __init__(self, c: float, scale: float = 1.0) -> None:
        super().__init__()
        self.c, self.scale = c, nn.Parameter(torch.tensor(scale))

    def forward(self, z: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        t = t.view(-1, 1, 1, 1)
        f = (self.c / marginal(self.c, t)).sqrt() * z * self.scale
        return (t.cos() * z - f) / t.sin().clamp(min=1e-6)


class Small(nn.Module):
    """F(z, t) = g(t) · z with a small network g."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, z: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        features = torch.stack((t.cos(), t.sin()), dim=1)
        return self.gain(features).view(-1, 1, 1, 1) * z


def residuals(c: float, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)

    def draw() -> tuple[Tensor, Tensor]:
        r = math.sqrt(c) * torch.randn(64, 1, 4, 4, generator=generator)
        return r, torch.zeros_like(r)

    return draw


def loss_for(c: float, teacher: nn.Module, width: float):
    generator = torch.Generator().manual_seed(1)
    return consistency_step(residuals(c), teacher, generator, lambda: width)


@pytest.mark.parametrize("c", [0.1, 0.5, 3.0])
@pytest.mark.parametrize(("t", "u"), [(1.5, 1.2), (math.pi / 2, 0.9), (0.4, 0.0)])
def test_the_teacher_is_followed_to_second_order(c: float, t: float, u: float) -> None:
    z, condition = torch.full((1, 1, 1, 1), 0.7, dtype=torch.float64), torch.zeros(1)
    errors = []
    for steps in (32, 64):
        ends = torch.linspace(t, u, steps + 1, dtype=torch.float64).view(-1, 1, 1, 1, 1)
        found = z
        for a, b in itertools.pairwise(ends):
            found = ode_step(Exact(c), found, a, b, condition)
        flow = (marginal(c, ends[-1]) / marginal(c, ends[0])).sqrt()
        errors.append(float((found - flow * z).abs()))
    assert errors[0] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(4, abs=0.8)


@pytest.mark.parametrize("c", [0.2, 1.0, 3.0])
def test_the_exact_consistency_function_is_a_minimum(c: float) -> None:
    step = loss_for(c, Exact(c), math.pi / 128)
    ideal = Ideal(c)
    loss, figures = step(ideal)
    loss.backward()
    assert loss.item() < 1e-6
    assert abs(float(ideal.scale.grad)) < 1e-4
    assert float(figures["sample_power"]) == pytest.approx(c, rel=0.15)
    # f must meet f(z, 0) = z, so another scale is wrong somewhere, and its gradient leads back
    for scale in (0.9, 1.1):
        other = Ideal(c, scale)
        worse, _ = loss_for(c, Exact(c), math.pi / 16)(other)
        worse.backward()
        assert worse.item() > 1e-5 * c
        assert float(other.scale.grad) * (scale - 1) > 0


def distilled(c: float, teacher: nn.Module) -> float:
    """Std of one-evaluation samples of a small network distilled from a teacher."""
    torch.manual_seed(0)
    net, widths = Small(), Widths(every=100)
    step = consistency_step(residuals(c), teacher, torch.Generator().manual_seed(1), widths)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 1600)
    for _ in range(1600):
        loss, _ = step(net)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
    one = torch.ones(1, 1, 1, 1)
    return r_hat_of(one, net(one, START, one), START).item()


@pytest.mark.parametrize("c", [0.3, 2.0])
def test_a_small_network_reaches_it_and_samples_have_the_right_spread(c: float) -> None:
    """f(z, π/2) = √c · z; the teacher's own prediction there is the mean, without any spread."""
    assert distilled(c, Exact(c)) == pytest.approx(math.sqrt(c), rel=0.02)
    teacher = r_hat_of(torch.ones(1), Exact(c)(torch.ones(1), START, START).flatten(), START)
    assert abs(float(teacher)) < 1e-6


def test_a_velocity_of_the_wrong_sign_is_told_apart() -> None:
    assert abs(distilled(0.3, Exact(0.3, sign=-1.0)) / math.sqrt(0.3) - 1) > 0.3


def test_angles_and_boundary() -> None:
    """A quarter of the batch starts at π/2; slices of a stack share an angle; u is not below 0."""
    seen: list[Tensor] = []

    class Listening(Exact):
        def forward(self, z: Tensor, t: Tensor, condition: Tensor) -> Tensor:
            seen.append(t)
            return super().forward(z, t, condition)

    generator = torch.Generator().manual_seed(0)
    step = consistency_step(residuals(0.5), Listening(0.5), generator, lambda: 0.5, depth=4)
    step(Exact(0.5))
    t, u = seen
    assert (t[:16] == math.pi / 2).all() and ((t[16:] > 0) & (t[16:] < math.pi / 2)).all()
    assert (t.view(16, 4) == t.view(16, 4)[:, :1]).all()
    torch.testing.assert_close(u, (t - 0.5).clamp(min=0))
    assert (u == 0).any()


def test_widths_are_halved_and_go_on_where_they_were() -> None:
    widths = Widths(every=10)
    drawn = [widths() for _ in range(80)]
    expected = [math.pi / 4] * 10 + [math.pi / 8] * 20 + [math.pi / 16] * 50
    assert drawn == pytest.approx(expected)
    assert Widths(done=25, every=10)() == pytest.approx(math.pi / 8)


def test_batches_are_reused() -> None:
    number = iter(range(10))
    again = reused(lambda: next(number), 3)
    assert [again() for _ in range(7)] == [0, 0, 0, 1, 1, 1, 2]
