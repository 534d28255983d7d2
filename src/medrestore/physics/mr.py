"""Noise of magnitude MR images: Rician, with g-factor and k-space correlation.

Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618: the magnitude of a signal x whose real and
imaginary channels each carry Gaussian noise of standard deviation σ is √((x + n₁)² + n₂²).
Tensors in, tensors out, so that training draws the same noise on a CPU or a GPU.
"""

from __future__ import annotations

import torch
from torch import Tensor

from medrestore.errors import SettingsError

__all__ = ["channel_noise", "g_factor", "k_space_window", "rician"]


def rician(clean: Tensor, sigma: Tensor | float, noise: tuple[Tensor, Tensor]) -> Tensor:
    """Magnitude image √((x + σn₁)² + (σn₂)²).

    Parameters
    ----------
    clean : Tensor
        Noise-free magnitude x, any shape.
    sigma : Tensor or float
        Standard deviation per channel, in units of ``clean``; a tensor broadcasts (g-factor).
    noise : pair of Tensor
        Unit-variance channel noise of the shape of ``clean``, from `channel_noise`.
    """
    real, imaginary = noise
    return torch.hypot(clean + sigma * real, sigma * imaginary)


def channel_noise(
    shape: tuple[int, ...], generator: torch.Generator, window: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Two independent unit-variance noise fields on the generator's device.

    Parameters
    ----------
    shape : tuple of int
        Shape of each field; the last two axes are the image plane.
    generator : torch.Generator
        Source of randomness; decides the device.
    window : Tensor, shape (y, x) or broadcastable, optional
        k-space window (`k_space_window`) that correlates the noise as zero-filling does; the
        result is rescaled to unit variance.
    """
    if window is None:
        real = torch.randn(shape, generator=generator, device=generator.device)
        return real, torch.randn(shape, generator=generator, device=generator.device)
    field = torch.complex(*channel_noise(shape, generator))
    power = window.square().mean(dim=(-2, -1), keepdim=True)
    field = torch.fft.ifft2(torch.fft.fft2(field) * window) / power.sqrt()
    return field.real, field.imag


def k_space_window(
    shape: tuple[int, int], kept: tuple[float, float], softness: float = 0.0
) -> Tensor:
    """Window that keeps the central part of k-space, in the order of ``torch.fft.fft2``.

    Parameters
    ----------
    shape : (y, x)
        Image size.
    kept : (y, x)
        Fraction of k-space acquired along each axis, above 0 and at most 1; the rest was
        zero-filled.
    softness : float
        Part of the kept half-width over which a raised cosine falls to zero, 0 to 1.

    Raises
    ------
    SettingsError
        If a fraction is outside (0, 1].
    """
    if not all(0 < k <= 1 for k in kept):
        raise SettingsError(f"the kept part of k-space lies in (0, 1], got {kept}; use e.g. 0.75")
    axes = []
    for n, k in zip(shape, kept, strict=True):
        distance = torch.fft.fftfreq(n).abs() / (0.5 * k)  # 1 at the edge of what was acquired
        if softness > 0:
            roll = ((distance - (1 - softness)) / softness).clamp(0, 1)
            axes.append(0.5 * (1 + torch.cos(torch.pi * roll)))
        else:
            axes.append((distance <= 1).float())
    return axes[0][:, None] * axes[1][None, :]


def g_factor(shape: tuple[int, int], generator: torch.Generator, strongest: float = 3.0) -> Tensor:
    """Smooth noise amplification of parallel imaging, 1 to ``strongest``, shape (y, x).

    A random plane wave of at most one period over the image: low at the coils, high between.
    """
    draw = torch.rand(4, generator=generator, device=generator.device)
    y = torch.linspace(-0.5, 0.5, shape[0], device=generator.device)[:, None]
    x = torch.linspace(-0.5, 0.5, shape[1], device=generator.device)[None, :]
    angle = 2 * torch.pi * draw[0]
    phase = 2 * torch.pi * (draw[1] * (torch.cos(angle) * x + torch.sin(angle) * y) + draw[2])
    return 1 + (strongest - 1) * draw[3] * 0.5 * (1 + torch.cos(phase))
