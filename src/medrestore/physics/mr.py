"""Noise of magnitude MR images: one coil (Rician) or several (non-central χ), and g-factor maps.

Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618: the magnitude of a signal x whose real and
imaginary channels each carry Gaussian noise of standard deviation σ is √((x + n₁)² + n₂²). The
root of the sum of squares of several such coil images is non-central χ (Constantinides et al.
1997, doi:10.1002/mrm.1910380524). Tensors in, tensors out, so that training draws the same noise
on a CPU or a GPU.

Fourier encoding (zero-filling, windows, partial Fourier) correlates the noise: an image whose
k-space was weighted by W holds noise of variance mean(W²) times the raw one, with power spectrum
W²; a separable W gives the product over its axes. `filtered_noise` divides by that root, so that a
σ stays the Gaussian standard deviation per channel of the image *as stored*. Windows are vectors in
the order of ``torch.fft.fftfreq``, one per axis and, optionally, per patch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "channel_noise",
    "filtered_noise",
    "filtered_signal",
    "g_factor",
    "homodyne",
    "partial_fourier",
    "rician",
    "sum_of_squares",
    "zero_filled",
]


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


MARGIN = 12
"""Mirrored voxels beyond a patch before its k-space is cut, so that its ends do not ring."""


def zero_filled(n: int, acquired: Tensor, softness: Tensor | float = 0.0) -> Tensor:
    """Window that keeps the central part of k-space along one axis.

    Parameters
    ----------
    n : int
        Voxels along the axis.
    acquired : Tensor, shape (...)
        Fraction acquired, above 0 and at most 1; the rest was zero-filled.
    softness : Tensor or float
        Part of the acquired half-width over which a raised cosine falls to zero (apodisation).

    Returns
    -------
    Tensor, shape (..., n)

    Raises
    ------
    SettingsError
        If a fraction is outside (0, 1].
    """
    _check(acquired, 0.0)
    softness = torch.as_tensor(softness, device=acquired.device).expand(acquired.shape)[..., None]
    distance = torch.fft.fftfreq(n, device=acquired.device).abs() / (0.5 * acquired[..., None])
    roll = ((distance - (1 - softness)) / softness.clamp(min=1e-6)).clamp(0, 1)
    window = torch.where(softness > 0, 0.5 * (1 + torch.cos(torch.pi * roll)), 1.0)
    return torch.where(distance <= 1, window, 0.0)


def partial_fourier(n: int, acquired: Tensor) -> Tensor:
    """Window of an asymmetric acquisition left zero-filled: all of one side, part of the other.

    Parameters and result as in `zero_filled`, ``acquired`` above 0.5.
    """
    _check(acquired, 0.5)
    frequency = torch.fft.fftfreq(n, device=acquired.device)
    window: Tensor = (frequency >= 0.5 - acquired[..., None]).float()
    return window


def homodyne(n: int, acquired: Tensor) -> Tensor:
    """Homodyne weights of an asymmetric acquisition, of which the real part is taken.

    Twice the frequencies without a partner, a ramp over those that have one: W(k) + W(−k) = 2, so
    the real part of a real signal is whole (Noll et al. 1991, doi:10.1109/42.79473). Parameters
    and result as in `partial_fourier`.
    """
    _check(acquired, 0.5)
    frequency = torch.fft.fftfreq(n, device=acquired.device)
    ramp = (frequency / (acquired[..., None] - 0.5)).clamp(-1, 1)
    return torch.where(frequency == -0.5, 1.0, 1 + ramp)  # Nyquist is its own partner


def _check(acquired: Tensor, low: float) -> None:
    if not bool(((acquired > low) & (acquired <= 1)).all()):
        raise SettingsError(
            f"the kept part of k-space lies above {low} and at most at 1, got {acquired.tolist()}"
        )


def _weighted(field: Tensor, windows: Sequence[Tensor]) -> Tensor:
    """Complex field with its k-space weighted along the trailing axes."""
    axes = tuple(range(-len(windows), 0))
    spectrum = torch.fft.fftn(field, dim=axes)
    for axis, window in zip(axes, windows, strict=True):
        spectrum = spectrum * window.reshape(*window.shape, *[1] * (-axis - 1))
    result: Tensor = torch.fft.ifftn(spectrum, dim=axes)
    return result


def _cropped(field: Tensor, starts: Sequence[int], lengths: Sequence[int]) -> Tensor:
    """Part of the trailing axes."""
    for axis, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        field = field.narrow(axis - len(starts), start, length)
    return field


def filtered_noise(
    shape: tuple[int, ...], windows: Sequence[Tensor], generator: torch.Generator
) -> Tensor:
    """Complex noise whose real and imaginary parts have unit variance each.

    Parameters
    ----------
    shape : tuple of int
        Of the field; its last axes are those of ``windows``.
    windows : sequence of Tensor, shapes (..., n)
        One per trailing axis, at least as long as it (the surplus is cut, so that opposite ends
        of a patch are independent). Leading axes broadcast: with one window per patch, windows
        of axis −k have shape (patches, *[1]·(axes − k), n).
    generator : torch.Generator
        Source of randomness; decides the device.
    """
    lengths = [w.shape[-1] for w in windows]
    full = (*shape[: -len(windows)], *lengths)
    device = generator.device
    white = torch.complex(
        torch.randn(full, generator=generator, device=device),
        torch.randn(full, generator=generator, device=device),
    )
    coloured = _weighted(white, windows)
    for axis, window in enumerate(windows):
        power = window.square().mean(dim=-1, keepdim=True).sqrt()
        coloured = coloured / power.reshape(*power.shape, *[1] * (len(windows) - axis - 1))
    return _cropped(coloured, [0] * len(windows), shape[-len(windows) :])


def filtered_signal(signal: Tensor, windows: Sequence[Tensor]) -> Tensor:
    """Complex image of a real signal after the same weighting.

    Parameters
    ----------
    signal : Tensor, shape (..., *axes)
        Noise-free image; extended by mirroring to the lengths of the windows.
    windows : sequence of Tensor
        As in `filtered_noise`.
    """
    axes = len(windows)
    shape = signal.shape[-axes:]
    pads: list[int] = []
    for n, window in zip(reversed(shape), reversed(windows), strict=True):
        extra = window.shape[-1] - n
        pads += [extra // 2, extra - extra // 2]
    flat = signal.reshape(-1, 1, *shape)
    extended = F.pad(flat, pads, mode="reflect") if any(pads) else flat
    wide = _weighted(extended.reshape(*signal.shape[:-axes], *extended.shape[2:]), windows)
    return _cropped(wide, list(reversed(pads[::2])), shape)
