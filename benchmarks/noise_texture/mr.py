"""Noise power of a repeated MR scan, of encodings and of parallel imaging beside theory.

The scan: difference of the repeats of seven diffusion directions, in blocks where magnitudes are
Gaussian; its acquisition is found in the family that training draws from (`Fit`), and noise is
drawn with it on the mean of the repeats.
"""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.noise_texture.grappa import local_power
from medrestore.io import read
from medrestore.physics.mr import filtered_noise, partial_fourier, rician, zero_filled
from medrestore.training.mr_noise import random_encoding

DATA = Path("..") / "shared" / "data" / "real_noise"
BLOCK, STEP, BRIGHT = 24, 8, 0.95
SIDES = (*np.arange(0.6, 0.9, 0.025).tolist(), 1.0)
BANDS = (0.1, 0.16, 0.22, 0.28, 0.34, 0.4, 0.5, 0.6, 0.71)
FLOOR = 0.05


class Fit(NamedTuple):
    """Acquired part of k-space along y (``side`` of it on one side) and x, and apodisation."""

    acquired_y: float
    side: float
    acquired_x: float
    softness_y: float
    softness_x: float

    def windows(self, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights along y and x."""
        y = zero_filled(rows, torch.tensor(self.acquired_y), self.softness_y)
        if self.side < 1:
            y = y * partial_fourier(rows, torch.tensor(0.5 + (self.side - 0.5) * self.acquired_y))
        return y, zero_filled(columns, torch.tensor(self.acquired_x), self.softness_x)


def rows() -> list[dict[str, object]]:
    """Rows of all three checks."""
    return [*_repeats(), *_encodings(), *_parallel()]


def _row(
    what: str, part: str, low: float, high: float, real: float, ratio: float
) -> dict[str, Any]:
    return {
        "what": what,
        "part": part,
        "from_per_pixel": low,
        "to_per_pixel": high,
        "real": round(real, 5),
        "simulated_over_real": round(ratio, 4),
    }


def _repeats() -> list[dict[str, object]]:
    one, two = (read(DATA / f"mr_dti_repeat{k}.nii.gz", "MR").array[1:] for k in (1, 2))
    mean, difference = 0.5 * (one + two), (one - two) / np.sqrt(2)
    corners = _bright(mean, 1.48 * float(np.median(np.abs(difference[mean > np.median(mean)]))))
    real = _power(difference, corners)
    sigma, size = float(np.sqrt(real.mean())), mean.shape[-2:]
    found = []
    for name, fit in (
        ("white", Fit(1.0, 1.0, 1.0, 0.0, 0.0)),
        ("zero-filled", _fitted(real, sides=(1.0,))),
        ("partial Fourier, zero-filled", _fitted(real)),
    ):
        drawn = [_drawn(mean, sigma, fit.windows(*size), seed) for seed in (0, 1)]
        power = _bands(_power((drawn[0] - drawn[1]) / np.sqrt(2), corners))
        label = f"{name} {tuple(fit)}"
        for (low, high), wanted, got in zip(pairwise(BANDS), _bands(real), power, strict=True):
            found.append(_row("repeats", label, low, high, wanted, got / wanted))
    return found


def _drawn(mean: Any, sigma: float, windows: Any, seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    field = filtered_noise(tuple(mean.shape), windows, generator)
    return rician(torch.from_numpy(mean), sigma, (field.real, field.imag)).numpy()


def _bright(mean: Any, sigma: float) -> list[tuple[int, ...]]:
    """Corners (t, z, y, x) of blocks in which nearly all magnitudes are Gaussian."""
    steps = (range(0, n - BLOCK + 1, STEP) for n in mean.shape[2:])
    return [
        (t, z, y, x)
        for y, x in product(*steps)
        for t, z in product(*map(range, mean.shape[:2]))
        if (mean[t, z, y : y + BLOCK, x : x + BLOCK] > 3 * sigma).mean() > BRIGHT
    ]


def _power(noise: Any, corners: list[tuple[int, ...]]) -> Any:
    """Periodogram (`BLOCK`, `BLOCK`) of blocks, its mean the variance."""
    window = np.outer(*2 * [np.hanning(BLOCK + 2)[1:-1]])
    blocks = np.stack([noise[t, z, y : y + BLOCK, x : x + BLOCK] for t, z, y, x in corners])
    blocks = blocks - blocks.mean(axis=(1, 2), keepdims=True)
    power = np.square(np.abs(np.fft.fft2(blocks * window))).mean(axis=0)
    return power / np.square(window).sum()


def _bands(power: Any) -> Any:
    """Mean over rings, as shares."""
    frequency = np.fft.fftfreq(BLOCK)
    band = np.digitize(np.hypot(*np.meshgrid(frequency, frequency)), BANDS)
    found = np.array([power[band == k].mean() for k in range(1, len(BANDS))])
    return found / found.sum()


def _fitted(real: Any, sides: Any = SIDES) -> Fit:
    """The acquisition whose power is next in mean squared difference along both axes."""
    softs = (0.0, 0.1, 0.2, 0.3, 0.4)
    acquired = np.linspace(0.7, 1.0, 16)
    y, x = (real.mean(axis=axis) / real.mean() for axis in (1, 0))

    def apart(fit: Fit, axis: int, wanted: Any) -> float:
        found = _profile(fit.windows(BLOCK * 8, BLOCK * 8)[axis])
        counted = np.abs(np.fft.fftfreq(BLOCK)) >= BANDS[0]
        found, wanted = (power[counted] / power[counted].mean() for power in (found, wanted))
        return float(np.square(found - wanted).mean())

    along_y = [Fit(a, side, 1.0, soft, 0.0) for a, side, soft in product(acquired, sides, softs)]
    best = min(along_y, key=lambda fit: apart(fit, 0, y))
    along_x = [best._replace(acquired_x=a, softness_x=s) for a, s in product(acquired, softs)]
    best = min(along_x, key=lambda fit: apart(fit, 1, x))
    return Fit(*(round(float(value), 3) for value in best))


def _profile(window: torch.Tensor) -> Any:
    """Expected power along an axis of a block, from a window over eight times as many voxels."""
    weights = window.numpy().astype(np.float64)
    even = 0.5 * (np.square(weights) + np.square(np.roll(weights[::-1], 1)))
    taper = np.hanning(BLOCK + 2)[1:-1]
    overlap, lags = np.correlate(taper, taper, "full"), np.zeros(len(even))
    lags[np.arange(1 - BLOCK, BLOCK)] = overlap
    power = np.fft.fft(np.fft.ifft(even).real * lags).real[:: len(even) // BLOCK]
    return power / power.mean()


def _encodings() -> list[dict[str, object]]:
    """Power of both channels that random encodings draw, over W², by their root mean square."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(40):
        encoding = random_encoding((4, 1, 64, 64), generator)
        y, x = (window.flatten(1, -2).squeeze(1) for window in encoding.windows[1:])
        power = (y[:, :, None] * x[:, None]).square()
        scale = power.mean(dim=(1, 2), keepdim=True)
        got = torch.zeros_like(power)
        for _ in range(20):
            shape = (4, 1, power.shape[1], power.shape[2])
            field = filtered_noise(
                shape, (torch.ones(4, 1), y[:, None], x[:, None, None]), generator
            )
            got += torch.fft.fft2(field[:, 0], norm="ortho").abs().square() / 40
        inside = power > 0.05 * power.amax(dim=(1, 2), keepdim=True)
        ratio = got * scale / power.clamp(min=1e-12)
        for k in range(4):
            beyond = float(got[k][power[k] == 0].mean()) if bool((power[k] == 0).any()) else 0.0
            found.append((float(ratio[k][inside[k]].mean()), beyond))
    ratios, beyond = np.array(found).T
    return [
        _row("encodings", f"{len(ratios)} drawn, {name}", 0.0, 0.71, 1.0, value)
        for name, value in (
            ("mean over theory", ratios.mean()),
            ("lowest", ratios.min()),
            ("highest", ratios.max()),
            ("where theory has none", beyond.max()),
        )
    ]


def _parallel() -> list[dict[str, object]]:
    """GRAPPA of eight coils: local power by band and along both axes, over that of white noise."""
    found = []
    for factor in (2, 3):
        bands, across, gain = local_power(factor)
        for (low, high), value in zip(pairwise(bands.edges), bands.power, strict=True):
            found.append(_row("GRAPPA", f"R = {factor}, locally", low, high, 1.0, value))
        found.append(_row("GRAPPA", f"R = {factor}, along y over x", 0.1, 0.5, 1.0, across))
        found.append(_row("GRAPPA", f"R = {factor}, largest over smallest std", 0, 0, 1.0, gain))
    return found
