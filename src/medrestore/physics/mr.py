"""Noise of magnitude MR images: one coil (Rician) or several (non-central χ), and g-factor maps.

Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618: the magnitude of a signal x whose real and
imaginary channels each carry Gaussian noise of standard deviation σ is √((x + n₁)² + n₂²). The
root of the sum of squares of several such coil images is non-central χ (Constantinides et al.
1997, doi:10.1002/mrm.1910380524). Tensors in, tensors out, so that training draws the same noise
on a CPU or a GPU. How Fourier encoding correlates the noise is in `physics.k_space`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from medrestore.errors import SettingsError

__all__ = ["channel_noise", "g_factor", "rician", "sum_of_squares"]


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


def sum_of_squares(
    clean: Tensor,
    sigma: Tensor | float,
    noise: Tensor,
    sensitivity: Tensor,
    correlation: float = 0.0,
) -> Tensor:
    """Root of the sum of squares of coil images x·w_l + σ·n_l, Σ|w_l|² = 1.

    Without noise it is x. σ is the standard deviation that the combined image has where the signal
    is strong, as for one coil; that is the std per real and imaginary channel of each coil if
    their noise is uncorrelated, and that of the combination Σ w̄_l n_l otherwise (its variance
    wᴴΨw with the coils' noise covariance Ψ; Aja-Fernández & Tristán-Vega 2012,
    doi:10.1002/mrm.23210).

    Parameters
    ----------
    clean : Tensor
        Noise-free combined magnitude x, any shape.
    sigma : Tensor or float
        See above; a tensor broadcasts against ``clean``.
    noise : complex Tensor, shape (coils, *clean.shape)
        Independent; real and imaginary parts of unit variance each.
    sensitivity : complex Tensor, shape (coils, ...) that broadcasts against ``noise``
        Relative coil sensitivities; normalised here.
    correlation : float
        Noise correlation between any two coils, 0 to below 1.

    Raises
    ------
    SettingsError
        If the correlation is outside [0, 1).
    """
    if not 0 <= correlation < 1:
        raise SettingsError(f"the coils' noise correlation lies in [0, 1), got {correlation}")
    coils = len(noise)
    w = sensitivity / sensitivity.abs().square().sum(dim=0).sqrt()
    own = (1 - correlation) ** 0.5  # symmetric root of Ψ = (1 − ρ)·1 + ρ·11ᵀ
    common = (1 + (coils - 1) * correlation) ** 0.5 - own
    correlated = own * noise + common * noise.mean(dim=0)
    variance = (1 - correlation) + correlation * w.sum(dim=0).abs().square()  # wᴴΨw
    images = clean * w + (sigma / variance.sqrt()) * correlated
    magnitude: Tensor = torch.linalg.vector_norm(images, dim=0)
    return magnitude


def channel_noise(shape: tuple[int, ...], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two independent white noise fields of unit variance on the generator's device."""
    real = torch.randn(shape, generator=generator, device=generator.device)
    return real, torch.randn(shape, generator=generator, device=generator.device)


def g_factor(
    batch: int, shape: tuple[int, ...], generator: torch.Generator, strongest: float = 3.0
) -> Tensor:
    """Smooth noise amplification of parallel imaging, 1 to ``strongest``.

    Three plane waves of at most one period over the patch, in random proportion: low at the coils,
    high between them.

    Parameters
    ----------
    batch : int
        Number of maps.
    shape : tuple of int
        Of each map: (y, x), or (z, y, x) for a map that varies through the slices too.
    generator : torch.Generator
        Source of randomness; decides the device.
    strongest : float
        Bound of the largest value.

    Returns
    -------
    Tensor, shape (batch, *shape)
    """
    device, waves = generator.device, 3

    def draw(*size: int) -> Tensor:
        return torch.rand(size, generator=generator, device=device)

    direction = torch.randn(batch, waves, len(shape), generator=generator, device=device)
    direction = direction / torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
    frequency = direction * draw(batch, waves, 1)  # periods over the patch
    share = draw(batch, waves) ** 2 + 1e-6
    share = share / share.sum(dim=1, keepdim=True)
    periods = draw(batch, waves)
    for axis, n in enumerate(shape):
        position = torch.linspace(-0.5, 0.5, n, device=device)
        periods = (
            periods[..., None]
            + frequency[..., axis].view(batch, waves, *[1] * (axis + 1)) * position
        )
    waves_at = 0.5 * (1 + torch.cos(2 * torch.pi * periods))
    ones = [1] * len(shape)
    mixed = (share.view(batch, waves, *ones) * waves_at).sum(dim=1)
    return 1 + (strongest - 1) * draw(batch, *ones) * mixed
