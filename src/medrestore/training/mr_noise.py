"""Random MR noise for training: acquisitions, and what they could have added to a clean patch.

An acquisition is which part of k-space was measured, and how the rest was filled.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from medrestore.core.predictor import Condition
from medrestore.physics import mr
from medrestore.physics.mr import (
    MARGIN,
    filtered_noise,
    filtered_signal,
    homodyne,
    partial_fourier,
    zero_filled,
)
from medrestore.training.targets import Pair, noise_aware

__all__ = ["Encoding", "MrNoise", "random_encoding"]

ACQUIRED = (0.5, 0.95)
"""Zero-filled axes: a half is the usual interpolation to twice the matrix."""
ACQUIRED_PARTIAL = (0.6, 0.9)
MISJUDGED_BY = 0.08
"""Std of log σ over that of the noise, where it is misjudged."""


class Encoding(NamedTuple):
    """Fourier encoding of a batch of patches.

    windows : k-space weights along z, y and x, each (batch, ..., n) with n ≥ the patch;
    real : (batch, 1, 1, 1), 1 where the reconstruction takes the real part (homodyne), else 0.
    """

    windows: tuple[Tensor, Tensor, Tensor]
    real: Tensor

    def signal(self, clean: Tensor) -> Tensor:
        """The acquisition's magnitude image of (batch, z, y, x), without noise."""
        image = filtered_signal(clean, self.windows)
        return torch.where(self.real > 0, image.real.abs(), image.abs())

    def scan_noise_gain(self) -> Tensor:
        """Factor of the std of white noise that the scan itself holds, (batch, 1, 1, 1).

        A magnitude keeps the real part, whose k-space weight is the even part of the window.
        """
        variance = torch.ones_like(self.real)
        for window in self.windows:
            even = 0.5 * (window + window.flip(-1).roll(1, -1))
            variance = variance * even.square().mean(dim=-1).view(-1, 1, 1, 1)
        return variance.sqrt()

    def noise(self, shape: tuple[int, ...], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Unit-variance channels (batch, z, y, x); the imaginary one is 0 after homodyne."""
        field = filtered_noise(shape, self.windows, generator)
        return field.real, field.imag * (1 - self.real)


def random_encoding(shape: tuple[int, ...], generator: torch.Generator) -> Encoding:
    """An encoding per patch of (batch, z, y, x).

    In-plane axes are zero-filled to 50–95 %, with or without apodisation; in 40 % of the patches
    one axis is partial Fourier (60–90 %), zero-filled or homodyne in equal parts, half of them of a
    matrix that is zero-filled too. Half of the batches are 3-D acquisitions, zero-filled along z.
    """
    batch, depth, height, width = shape
    device = generator.device

    def draw(low: float, high: float) -> Tensor:
        unit = torch.rand(batch, generator=generator, device=device)
        return low + (high - low) * unit

    def symmetric(n: int, acquired: Tensor) -> Tensor:
        apodised = draw(0.0, 1.0) < 0.5
        return zero_filled(n, acquired, torch.where(apodised, draw(0.1, 1.0), 0.0))

    kind = draw(0.0, 1.0)
    rows, columns, deep = (n + 2 * min(MARGIN, n - 1) for n in (height, width, depth))
    matrix, partial = draw(*ACQUIRED), kind < 0.4
    whole = partial & (draw(0.0, 1.0) < 0.5)
    y = torch.where(whole[:, None], 1.0, symmetric(rows, matrix))
    part = 0.5 + (draw(*ACQUIRED_PARTIAL) - 0.5) * torch.where(whole, 1.0, matrix)
    side = torch.where((kind < 0.2)[:, None], homodyne(rows, part), partial_fourier(rows, part))
    y = torch.where(partial[:, None], y * side, y)
    x = symmetric(columns, draw(*ACQUIRED))
    encoded_along_z = bool(torch.rand(1, generator=generator, device=device) < 0.5)
    z = (
        symmetric(deep, draw(*ACQUIRED))
        if encoded_along_z
        else torch.ones(batch, depth, device=device)
    )
    return Encoding((z, y[:, None], x[:, None, None]), (kind < 0.2).float().view(batch, 1, 1, 1))


class MrNoise:
    """Magnitude noise of random level, g-factor, Fourier encoding and number of coils.

    σ is the Gaussian standard deviation per channel of the image as stored, after every filter.
    Encoded patches (`Encoding`) lose the part of the signal that was not acquired:
    the target is what the acquisition shows without noise. Patches of several coils are
    non-central χ: σ alone does not tell them from one coil, so their share is modest.

    Parameters
    ----------
    relative : (low, high)
        Bounds of σ as a fraction of the scale, drawn log-uniformly for each patch.
    seed : int
        Start of the stream of draws.
    correlated, with_g_factor, several_coils : float
        Share of patches that are zero-filled or partial Fourier, that have a g-factor map, and
        that are root sums of squares of 2 to 8 coils (none of these is encoded too).
    device : str
        Device of patches and noise.
    volumes : bool
        False: the network restores the middle slice, from one σ map (batch, 1, y, x). True: it
        restores all, from a map that varies along z too, (batch, z, y, x).
    """

    def __init__(
        self,
        relative: tuple[float, float] = (0.005, 0.15),
        seed: int = 0,
        correlated: float = 0.25,
        with_g_factor: float = 0.25,
        several_coils: float = 0.1,
        misjudged: float = 0.0,
        device: str = "cpu",
        volumes: bool = False,
    ) -> None:
        self.low, self.high = relative
        self.correlated, self.with_g_factor = correlated, with_g_factor
        self.several_coils, self.misjudged, self.volumes = several_coils, misjudged, volumes
        self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, patches: Tensor, scale: Tensor, own: Tensor | None = None) -> Pair:
        """Corrupt (batch, 1, slices, y, x); ``scale`` is (batch,).

        With ``own``, (batch,), the std of the patches' own noise in intensity units, the pair is
        `training.targets.noise_aware`.
        """
        clean = patches[:, 0]
        scale = scale.view(-1, 1, 1, 1)
        sigma = self._sigma(clean, scale)
        kind = self._rand(len(clean))
        noise = mr.channel_noise(tuple(clean.shape), self.generator)
        coils = torch.nonzero(kind < self.several_coils).flatten()
        encoded = torch.nonzero(kind > 1 - self.correlated).flatten()
        if len(encoded):
            part = clean[encoded]
            encoding = random_encoding(tuple(part.shape), self.generator)
            clean = clean.index_copy(0, encoded, encoding.signal(part))
            if own is not None:
                own = own.index_copy(
                    0, encoded, own[encoded] * encoding.scan_noise_gain().flatten()
                )
            for field, drawn in zip(
                noise, encoding.noise(tuple(part.shape), self.generator), strict=True
            ):
                field[encoded] = drawn
        noisy = mr.rician(clean, sigma, noise)
        if len(coils):
            noisy[coils] = self._several(clean[coils], sigma[coils])
        slices = clean.shape[1]
        middle = slice(None) if self.volumes else slice(slices // 2, slices // 2 + 1)
        pair = Pair(Condition(noisy, sigma, scale), clean[:, middle])
        if own is not None:
            pair = noise_aware(pair, own.view(-1, 1, 1, 1), magnitude=True)
        return self._misjudge(pair)

    def _misjudge(self, pair: Pair) -> Pair:
        """σ as an estimate would have it: some patches' is wrong."""
        if not self.misjudged:
            return pair
        sigma = pair.condition.sigma
        wrong = self._rand(len(sigma), 1, 1, 1) < self.misjudged
        normal = torch.randn(
            (len(sigma), 1, 1, 1), generator=self.generator, device=self.generator.device
        )
        sigma = torch.where(wrong, sigma * (MISJUDGED_BY * normal).exp(), sigma)
        return pair._replace(condition=pair.condition._replace(sigma=sigma))

    def _sigma(self, clean: Tensor, scale: Tensor) -> Tensor:
        batch, slices, height, width = clean.shape
        depth = slices if self.volumes else 1
        level = scale * self.low * (self.high / self.low) ** self._rand(batch, 1, 1, 1)
        gain = mr.g_factor(batch, (depth, height, width), self.generator)
        gain = gain / gain.mean(dim=(1, 2, 3), keepdim=True)
        amplified = self._rand(batch, 1, 1, 1) < self.with_g_factor
        return level * torch.where(amplified, gain, 1.0)

    def _several(self, clean: Tensor, sigma: Tensor) -> Tensor:
        """Sum of squares of 2 to 8 coils of random sensitivity and noise correlation up to 0.3."""
        coils = 2 + int(7 * float(self._rand(1)))
        sensitivity = torch.complex(*mr.channel_noise((coils, len(clean), 1, 1, 1), self.generator))
        noise = torch.complex(*mr.channel_noise((coils, *clean.shape), self.generator))
        return mr.sum_of_squares(clean, sigma, noise, sensitivity, 0.3 * float(self._rand(1)))

    def _rand(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)
