"""What a sampler gives on a stationary Gaussian residual: exactly, without drawing anything.

With Cov[r] diagonal in the Fourier basis (variance λ at a frequency), E[r | z_t] is linear: gain
g = cos t λ/(cos²t λ + sin²t), and Cov[r | z_t] = λ sin²t/(cos²t λ + sin²t). Every sampler is then
linear in the noise it draws. Its code is run once on a batch whose n-th entry has the n-th draw of
noise set to one and all others to zero: the outcome is the response to that draw, and the sum of
their squares is the variance of the sample. A sampler for distilled weights is given the exact
consistency function, which ends the ODE: gain √(λ/(cos²t λ + sin²t)), and nothing lacks.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from medrestore.core.method import evaluations
from medrestore.core.samplers import SAMPLERS
from medrestore.core.samplers.chain import sample
from medrestore.core.white_noise import ANCESTRAL, COLOURED

BANDS = (0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 0.75)
DENSITY = (1.08, 0.93, 0.80, 0.55, 0.24)
"""Power of the predictor's error on mr_niivue_t2w at 3 %, in five bands."""


class Law(NamedTuple):
    """Mean and variance of the sample at each frequency, and evaluations made."""

    mean: torch.Tensor
    variance: torch.Tensor
    evaluations: int


class Impulses:
    """A noise field whose n-th draw is one in entry n of the batch and zero elsewhere.

    The last entry sees no noise at all. Drawing the same noise twice is an error.
    """

    def __init__(self, draws: int, frequencies: int) -> None:
        self.shape = (draws + 1, 1, 1, frequencies)
        self.drawn: list[tuple[int, int]] = []

    def white(self, step: int, stream: int = ANCESTRAL) -> torch.Tensor:
        if (stream, step) in self.drawn:
            raise ValueError(f"noise {step} of stream {stream} is drawn twice")
        noise = torch.zeros(self.shape, dtype=torch.float64)
        noise[len(self.drawn)] = 1
        self.drawn.append((stream, step))
        return noise

    def coloured(self, step: int, amplitude: torch.Tensor) -> torch.Tensor:
        return self.white(step, COLOURED) * amplitude


def gain(variance: torch.Tensor, t: float) -> torch.Tensor:
    """Of the exact denoiser: E[r | z_t] = g z_t for a residual of zero mean."""
    return math.cos(t) * variance / (math.cos(t) ** 2 * variance + math.sin(t) ** 2)


def flow(variance: torch.Tensor, t: float) -> torch.Tensor:
    """Of the exact consistency function: the ODE through z_t ends at r = flow · z_t."""
    return (variance / (math.cos(t) ** 2 * variance + math.sin(t) ** 2)).sqrt()


def left(variance: torch.Tensor, t: float) -> torch.Tensor:
    """Cov[r | z_t] at each frequency."""
    return variance * math.sin(t) ** 2 / (math.cos(t) ** 2 * variance + math.sin(t) ** 2)


def law(
    sampler: str, steps: int, variance: torch.Tensor, mean: float = 0.0, schedule: str = "cosine"
) -> Law:
    """Law of a sample, when the truth has ``variance`` at each frequency and ``mean``."""
    draws = 1 + steps * (2 + SAMPLERS[sampler].per_angle)
    field = Impulses(draws, len(variance))
    condition = torch.zeros(field.shape, dtype=torch.float64)
    condition[-1] = mean
    response, lacking = (flow, 0.0) if SAMPLERS[sampler].makes_samples else (gain, 1.0)

    def denoise(z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        g = response(variance, t)
        return g * z_t + (1 - math.cos(t) * g) * condition

    r = sample(
        SAMPLERS[sampler],
        denoise,
        condition,
        field,
        lambda t: lacking * left(variance, t).sqrt(),
        steps,
        schedule=schedule,
    ).r[:, 0, 0]
    return Law(r[-1], r[:-1].square().sum(dim=0), evaluations(sampler, steps))


def true_power(size: int) -> torch.Tensor:
    """λ on the FFT grid of size×size pixels, flattened; unit variance."""
    f = np.fft.fftfreq(size)
    band = np.searchsorted(BANDS, np.hypot(f[:, None], f[None, :]), side="right") - 1
    power = np.array(DENSITY)[band]
    return torch.from_numpy(power / power.mean()).flatten()


def region_weight(size: int, side: int) -> torch.Tensor:
    """Share of each frequency in the variance of the mean of side×side pixels."""
    box = np.zeros((size, size))
    box[:side, :side] = side**-2
    return torch.from_numpy(np.abs(np.fft.fft2(box)) ** 2).flatten()


def spread(variance: torch.Tensor, truth: torch.Tensor, side: int) -> float:
    """Std of the mean of side×side pixels over what it should be."""
    weight = region_weight(math.isqrt(len(truth)), side)
    return math.sqrt(float((weight * variance).sum() / (weight * truth).sum()))
