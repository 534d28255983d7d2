"""Low-dose CT: noise drawn in the sinogram, reconstructed, and added to the image.

The anatomy is never re-reconstructed, so nothing blurs: with attenuation line integrals p from a
coarse projection of the scan, a dose fraction a adds to the log-sinogram noise of variance

    V(a I₀ e⁻ᵖ) − V(I₀ e⁻ᵖ),  to first order (1 − a)/a · eᵖ/I₀ · (1 + (1 + a)/a · Nₑ eᵖ/I₀)

(Yu et al. 2012, doi:10.1097/RCT.0b013e3182691e32; Žabić et al. 2013, doi:10.1118/1.4790706; V, the
variance of the logarithm of a count, exactly: `log_count_variance`), which filtered back-projection
turns into correlated, non-stationary image noise. Parallel beam. Tensors in, tensors out, so that
a GPU draws noise as a CPU does.
"""

from __future__ import annotations

import copy
import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import poisson
from torch import Tensor
from torch.nn import functional as F

from medrestore.errors import SettingsError
from medrestore.physics.scanner import Scanner

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LowDose", "Scanner", "dose_variance", "line_integrals", "log_count_variance"]

FEWEST, MOST, NODES = 0.02, 5000.0, 256
"""Quanta between which the exact variance is tabulated; above, first order is within 0.1 %."""


def log_count_variance(quanta: Tensor, electronic: float) -> Tensor:
    """Var log max(k + e, 1), k ~ Poisson(n), e ~ N(0, Nₑ).

    First order, 1/n + Nₑ/n², times the ratio of the exact variance to it: near 1 for many quanta,
    1.1 at 16 (1.4 with Nₑ = 10), and falling to 0 where all that is left is the floor of one count.

    Parameters
    ----------
    quanta : Tensor
        Expected quanta n of each ray.
    electronic : float
        Variance Nₑ of the electronic noise, quanta².
    """
    inverse = 1 / quanta.clamp(min=1)
    first = inverse + electronic * inverse.square()
    table = torch.tensor(_ratios(electronic), dtype=quanta.dtype, device=quanta.device)
    step = math.log(MOST / FEWEST) / (NODES - 1)
    position = (quanta.clamp(FEWEST, MOST).log() - math.log(FEWEST)) / step
    below = position.long().clamp(max=NODES - 2)
    return first * torch.lerp(table[below], table[below + 1], position - below)


@lru_cache(maxsize=16)
def _ratios(electronic: float) -> tuple[float, ...]:
    """Exact over first-order variance at the nodes: summed over k, Gauss–Hermite over e."""
    points, weights = np.polynomial.hermite.hermgauss(48)
    added, share = math.sqrt(2 * electronic) * points, weights / math.sqrt(math.pi)
    ratios = []
    for n in np.geomspace(FEWEST, MOST, NODES):
        counts = np.arange(max(0, int(n - 10 * math.sqrt(n))), int(n + 10 * math.sqrt(n) + 20))
        chance = poisson.pmf(counts, n)[:, None] * share
        logs = np.log(np.maximum(counts[:, None] + added, 1))
        mean = (chance * logs).sum()
        exact = (chance * (logs - mean) ** 2).sum()
        ratios.append(float(exact / (1 / max(n, 1) + electronic / max(n, 1) ** 2)))
    return tuple(ratios)


WATER_PER_MM = 0.0193
"""Linear attenuation of water near 70 keV, 1/mm (NIST XCOM)."""

UPSAMPLING = 4
"""Band-limited interpolation of filtered rays, so that nearest neighbour loses no variance."""

IN_CACHE = 2**20
"""Numbers that are summed at a time on a CPU, 4 MiB: more leave its cache at every view."""

COARSE = 128
"""Pixels across the image from which path lengths and noise maps are computed."""


def line_integrals(hu: Tensor, pixel_mm: float, views: int = 180) -> Tensor:
    """Attenuation line integrals of square slices through a coarse copy.

    Parameters
    ----------
    hu : Tensor, shape (batch, n, n)
        Slices in HU.
    pixel_mm : float
        Pixel size.
    views : int
        Angles over 180°.

    Returns
    -------
    Tensor, shape (batch, views, 128)
        Dimensionless; rays lie n/128 pixels apart.
    """
    size = hu.shape[-1]
    attenuation = (1 + hu.clamp(min=-1000) / 1000) * WATER_PER_MM
    coarse = F.interpolate(attenuation[:, None], (COARSE, COARSE), mode="area")
    step_mm = pixel_mm * size / COARSE
    paths = []
    for angle in (torch.arange(views) * (math.pi / views)).tolist():
        c, s = math.cos(angle), math.sin(angle)
        turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0]], device=hu.device).expand(len(hu), 2, 3)
        grid = F.affine_grid(turn, list(coarse.shape), align_corners=False)
        paths.append(F.grid_sample(coarse, grid, align_corners=False).sum(dim=2)[:, 0] * step_mm)
    return torch.stack(paths, dim=1)


def dose_variance(paths: Tensor, dose: float, photons: float, electronic: float) -> Tensor:
    """Variance that a dose fraction adds to the log-sinogram (module docstring).

    Raises
    ------
    SettingsError
        If the dose fraction is not between 0 and 1.
    """
    if not 0 < dose < 1:
        raise SettingsError(f"the dose fraction lies between 0 and 1, got {dose}; use e.g. 0.25")
    quanta = photons * torch.exp(-paths)
    low, full = (log_count_variance(part * quanta, electronic) for part in (dose, 1.0))
    return (low - full).clamp(min=0)


def _filtered_draw(
    variance: Tensor, size: int, pixel_mm: float, scanner: Scanner, generator: torch.Generator
) -> Tensor:
    """Rays of a noise realisation through a kernel, (batch, views, `UPSAMPLING` · size)."""
    device = generator.device
    elements, gain = size * scanner.rays, UPSAMPLING / scanner.rays
    fine = F.interpolate(
        variance[:, None], (scanner.views, elements), mode="bilinear", align_corners=False
    )[:, 0]
    std = (fine * scanner.rays).sqrt()  # narrower elements count fewer quanta
    draw = torch.randn(fine.shape, generator=generator, device=device) * std
    spectrum = torch.fft.rfft(draw, n=2 * elements) * scanner.filter(elements).to(device)
    filtered = torch.fft.irfft(spectrum, n=2 * size * UPSAMPLING) * (gain / pixel_mm)
    rays: Tensor = filtered[..., : size * UPSAMPLING]
    return rays


def _back_project(filtered: Tensor, size: int, upsampling: int) -> Tensor:
    """Sum over views of the filtered projections at each pixel's ray; nearest fine sample.

    Views at θ, 90° − θ, 90° + θ and 180° − θ look at pixels that differ by transposing and
    flipping, so that one table of ray numbers serves the four: they are read side by side, each
    into an image of its own, and turned at the end.
    """
    batch, views, device = *filtered.shape[:2], filtered.device
    quarter, axis = views // 4, torch.arange(size, device=device) - (size - 1) / 2
    middle = (size - 1) / 2 * upsampling + 0.5
    guard = math.ceil(0.21 * size * upsampling) + 2  # rays of the corners miss the detector
    group = torch.arange(quarter + 1, device=device)
    order = torch.stack([group, 2 * quarter - group, 2 * quarter + group, -group % views])
    fine = F.pad(filtered, (guard, guard), mode="replicate")[:, order]
    fine[:, 2:, 0] = 0  # 0°, 45°, 90° and 135° come in pairs, not in fours
    fine[:, 1, quarter] = fine[:, 3, quarter] = 0
    table = fine.permute(2, 3, 0, 1).contiguous().view(quarter + 1, -1, 4 * batch)
    sums = torch.zeros(size, size, 4 * batch, device=device)
    fixed = 2**10  # rays in integers: adding and shifting is cheaper than rounding
    angles = torch.arange(quarter + 1, device=device)[:, None] * (math.pi / views)
    across = ((axis * (angles.cos() * upsampling) + (middle + guard)) * fixed).to(torch.int32)
    down = (axis * (angles.sin() * upsampling) * fixed).to(torch.int32)
    rows = size if device.type == "cuda" else max(1, IN_CACHE // (size * 4 * batch))
    for first in range(0, size, rows):
        part = slice(first, first + rows)
        lines = sums[part]
        for turn in range(quarter + 1):
            ray = (down[turn, part, None] + across[turn]).bitwise_right_shift_(10)
            lines += F.embedding(ray, table[turn])
    a, b, c, d = sums.view(size, size, batch, 4).permute(3, 2, 0, 1)
    image: Tensor = a + b.transpose(1, 2) + c.flip(1).transpose(1, 2) + d.flip(2)
    return image


class LowDose:
    """Noise of one scan's slices at a chosen dose or noise level.

    Parameters
    ----------
    hu : Tensor, shape (batch, n, n)
        Square slices in HU; pad with air before.
    pixel_mm : float
        Pixel size.
    scanner : Scanner
        Views, kernel and electronic noise.
    """

    def __init__(self, hu: Tensor, pixel_mm: float, scanner: Scanner) -> None:
        self.size, self.pixel_mm, self.scanner = hu.shape[-1], pixel_mm, scanner
        self.paths = line_integrals(hu, pixel_mm)

    def through(self, scanner: Scanner) -> LowDose:
        """The same slices on another scanner."""
        other = copy.copy(self)
        other.scanner = scanner
        return other

    def variance(self, dose: float, photons: float) -> Tensor:
        """Added variance per ray (`dose_variance`)."""
        return dose_variance(self.paths, dose, photons, self.scanner.electronic)

    def std_map(self, variance: Tensor) -> Tensor:
        """Expected standard deviation of the reconstructed noise, HU, (batch, n, n).

        Closed form: rays are independent, so the variance of a filtered projection is that of the
        rays through the squared filter, and variances add over the views.
        """
        n, views = self.size * self.scanner.rays, variance.shape[1]
        rays = F.interpolate(variance * self.scanner.rays, n, mode="linear")
        squared = torch.fft.irfft(self.scanner.filter(n), n=2 * n).square().to(rays.device)
        spectrum = torch.fft.rfft(rays, n=2 * n) * torch.fft.rfft(squared)
        filtered = torch.fft.irfft(spectrum, n=2 * n)[..., :n].clamp(min=0)
        fine = F.interpolate(filtered, 4 * COARSE, mode="linear")
        mean = _back_project(fine, COARSE, 4) / views
        std = (mean * (math.pi**2 / self.scanner.views)).sqrt()
        std = std * (1000 / WATER_PER_MM) / self.pixel_mm
        size = (self.size, self.size)
        return F.interpolate(std[:, None], size, mode="bilinear", align_corners=False)[:, 0]

    def draw(self, variance: Tensor, generator: torch.Generator) -> Tensor:
        """One realisation in HU, (batch, n, n)."""
        return self.draw_through(variance, [self.scanner], generator)[0]

    def draw_through(
        self, variance: Tensor, scanners: Sequence[Scanner], generator: torch.Generator
    ) -> Tensor:
        """Independent realisations through several kernels, (scanners, batch, n, n), HU.

        ``variance``, (batch, views', 128), is that of each ray of `line_integrals`; the generator
        decides the device.

        All are back-projected at once: where the pixels' rays lie is found once for all kernels,
        which is most of the work.

        Raises
        ------
        SettingsError
            If the scanners differ in their number of views.
        """
        views = {scanner.views for scanner in scanners}
        if len(views) != 1:
            raise SettingsError(f"kernels drawn together need one number of views, got {views}")
        rays = torch.cat(
            [
                _filtered_draw(variance, self.size, self.pixel_mm, scanner, generator)
                for scanner in scanners
            ]
        )
        image = _back_project(rays, self.size, UPSAMPLING)
        image = image * (math.pi / views.pop()) * (1000 / WATER_PER_MM)
        return image.view(len(scanners), -1, self.size, self.size)
