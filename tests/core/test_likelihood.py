"""The likelihood of Gaussians, white and coloured, where it is known."""

import itertools
import math

import pytest
import torch

from medrestore.core.diffusion import diffuse
from medrestore.core.likelihood import EVALUATIONS, FIRST, log_density, nodes

SIZE = 16


def spectrum() -> torch.Tensor:
    """Variances at the frequencies of a plane, from 30 to 0.001: like an image's."""
    f = torch.fft.fftfreq(SIZE, dtype=torch.float64)
    radius = torch.hypot(f[:, None], f[None, :])
    return 30 / (1 + (radius / 0.02) ** 2) ** 1.5 + 0.001


def filtered(z: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
    return torch.fft.ifft2(torch.fft.fft2(z) * response).real


class Gaussian:
    """E[r | z_t] of a stationary Gaussian with a power spectrum and a mean."""

    def __init__(self, power: torch.Tensor, mean: float = 0.0) -> None:
        self.power, self.mean, self.calls = power, mean, 0

    def __call__(self, z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        cos, sin2 = math.cos(t), math.sin(t) ** 2
        gain = cos * self.power / (cos**2 * self.power + sin2)
        return self.mean + filtered(z_t - cos * self.mean, gain)

    def draw(self, n: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        white = torch.randn(n, 1, SIZE, SIZE, generator=generator, dtype=torch.float64)
        r = self.mean + filtered(white, self.power.sqrt())
        eps = torch.randn(r.shape, generator=generator, dtype=torch.float64)
        return diffuse(r, eps, FIRST)

    def log_density(self, z: torch.Tensor) -> torch.Tensor:
        """Of z at `FIRST`, in nats, over its Fourier coefficients."""
        total = math.cos(FIRST) ** 2 * self.power + math.sin(FIRST) ** 2
        power = torch.fft.fft2(z - math.cos(FIRST) * self.mean).abs() ** 2 / SIZE**2
        return -0.5 * (power / total + total.log() + math.log(2 * math.pi)).sum(dim=(1, 2, 3))


def probes(n: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return 2 * torch.randint(0, 2, (n, 1, SIZE, SIZE), generator=generator).double() - 1


@pytest.mark.parametrize("variance", [1e-4, 0.1, 1.0, 20.0])
def test_white_residuals_are_exact_whatever_the_probe(variance: float) -> None:
    world = Gaussian(torch.full((SIZE, SIZE), variance, dtype=torch.float64), mean=0.3)
    z = world.draw(2)
    found = log_density(world, z, z[:, :0], probes(2), 24)
    assert torch.allclose(found, world.log_density(z), rtol=0, atol=2e-3 * SIZE**2)


def test_a_coloured_residual_on_average_over_probes() -> None:
    world = Gaussian(spectrum())
    z = world.draw(1).expand(200, -1, -1, -1)
    found = log_density(world, z, z[:, :0], probes(200), 24)
    exact = float(world.log_density(z[:1]))
    standard_error = float(found.std()) / math.sqrt(200)
    assert standard_error < 0.01 * SIZE**2
    assert abs(float(found.mean()) - exact) < 3 * standard_error + 2e-3 * SIZE**2


def test_the_error_falls_with_the_fourth_power_of_the_steps() -> None:
    world = Gaussian(torch.full((SIZE, SIZE), 0.05, dtype=torch.float64))
    z = world.draw(1)
    exact = world.log_density(z)
    errors = [
        float((log_density(world, z, z[:, :0], probes(1), n) - exact).abs()) for n in (17, 33, 65)
    ]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert all(order > 3.3 for order in orders)


def test_the_same_voxels_out_of_order_are_less_likely() -> None:
    world, z = Gaussian(spectrum()), Gaussian(spectrum()).draw(1)
    shuffled = z.flatten()[torch.randperm(z.numel())].view(z.shape)
    probe = probes(1)
    real, odd = (float(log_density(world, one, z[:, :0], probe, 16)) for one in (z, shuffled))
    assert real > odd + SIZE**2


def test_angles_and_evaluations_are_as_many_as_announced() -> None:
    found = nodes(9)
    assert len(found) == 10 and found[0] == pytest.approx(FIRST) and found[-1] == math.pi / 2
    assert found[-2] == pytest.approx(math.pi / 2 - FIRST)
    logs = [math.log(math.tan(t)) for t in found[:-1]]
    gaps = [b - a for a, b in itertools.pairwise(logs)]
    assert gaps == pytest.approx([gaps[0]] * len(gaps))
    world = Gaussian(spectrum())
    z = world.draw(1)
    log_density(world, z, z[:, :0], probes(1), 9)
    assert world.calls == 9 * EVALUATIONS
