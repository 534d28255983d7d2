"""Random noise for training: what a scanner could have added to a clean patch, and its σ."""

from __future__ import annotations

import torch
from torch import Tensor

from medrestore.core.predictor import Condition
from medrestore.physics import mr
from medrestore.training.mr_protocol import random_encoding
from medrestore.training.targets import Pair, noise_aware

__all__ = ["CtNoise", "MrNoise", "Pair"]


class MrNoise:
    """Magnitude noise of random level, g-factor, Fourier encoding and number of coils.

    σ is the Gaussian standard deviation per channel of the image as stored, after every filter.
    Encoded patches (`training.mr_protocol`) lose the part of the signal that was not acquired:
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
        Where patches lie and noise is drawn.
    volumes : bool
        False: the network restores the middle slice, told one σ map (batch, 1, y, x). True: it
        restores all, told a map that varies along z too, (batch, z, y, x).
    """

    def __init__(
        self,
        relative: tuple[float, float] = (0.005, 0.15),
        seed: int = 0,
        correlated: float = 0.25,
        with_g_factor: float = 0.25,
        several_coils: float = 0.1,
        device: str = "cpu",
        volumes: bool = False,
    ) -> None:
        self.low, self.high = relative
        self.correlated, self.with_g_factor = correlated, with_g_factor
        self.several_coils, self.volumes = several_coils, volumes
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
                own = own.index_copy(0, encoded, own[encoded] * encoding.own_gain().flatten())
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
        return pair if own is None else noise_aware(pair, own.view(-1, 1, 1, 1), magnitude=True)

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


class CtNoise:
    """Low-dose noise of random level from a bank made through filtered back-projection.

    A draw mixes the bank's two parts (`training.noise_bank`) as physics does: quantum noise of
    variance A·g₁², electronic noise of variance Nₑ·A²·g₂². Together they have the level drawn, on
    average over the patch; the higher it is, the more of it are the streaks of starved rays.
    Two kernels are mixed, any of the bank's and the one that the scan's own noise looks like, so
    that noise lies between kernels too; where targets are corrected for the scan's own noise, the
    level is at least half of that and the share of the scan's kernel large enough to do it.

    Parameters
    ----------
    hu : (low, high)
        Bounds of the added standard deviation in soft tissue, HU, drawn log-uniformly.
    seed : int
        Start of the stream of draws.
    thick, clipped, padded : float
        Share of patches whose neighbouring slices share noise (overlapping or thick slices), that
        are cut at −1024 HU as scanners store them, and that reach over the edge of the
        reconstruction circle into padding (−1024, −2000 or −3024), which holds no noise.
    misjudged : float
        Share of patches whose σ is told wrong: by a factor of about 1.2 up or down, half of them
        also as one number where it varies over the patch. Real estimates are no better.
    electronic : (low, high)
        Bounds of Nₑ in quanta², drawn log-uniformly.
    device : str
        Where patches lie and noise is drawn.
    volumes : bool
        As in `MrNoise`.
    """

    def __init__(
        self,
        hu: tuple[float, float] = (4.0, 120.0),
        seed: int = 0,
        thick: float = 0.25,
        clipped: float = 0.5,
        padded: float = 0.05,
        electronic: tuple[float, float] = (1.0, 100.0),
        misjudged: float = 0.0,
        device: str = "cpu",
        volumes: bool = False,
    ) -> None:
        self.low, self.high = hu
        self.thick, self.clipped, self.padded = thick, clipped, padded
        self.electronic, self.misjudged, self.volumes = electronic, misjudged, volumes
        self.generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, patches: Tensor, scale: Tensor, own: Tensor | None = None) -> Pair:
        """Corrupt (batch, channels, slices, y, x); ``scale`` is (batch,).

        Channels: clean, n₁ and n₂ of any kernel and of the scan's own, g₁, g₂, and 1 where the
        scan holds noise of its own, else 0. ``own`` as in `MrNoise`, for soft tissue.
        """
        clean, *noises, gain, starved, measured = patches.unbind(1)
        shape = (len(clean), 1, 1, 1)
        level = self.low * (self.high / self.low) ** self._rand(*shape)
        least = torch.zeros_like(level)
        if own is not None:
            level = torch.maximum(level, own.view(shape) / 2)
            least = (own.view(shape) / level).square().clamp(max=1)
        mixed = least + (1 - least) * self._rand(*shape) * (self._rand(*shape) < 0.5)
        one_kernel = (noises[0] == noises[2]).flatten(1).all(dim=1).view(shape)
        mixed = torch.where(one_kernel, 1.0, mixed)
        low, high = self.electronic
        n_e = low * (high / low) ** self._rand(*shape)
        mean = [g.square().mean(dim=(1, 2, 3), keepdim=True) for g in (gain, starved)]
        ratio = 4 * n_e * mean[1] / mean[0]  # A + Nₑ·κ·A² = level², solved for A
        a = 2 * level.square() / (1 + (1 + ratio * level.square()).sqrt())
        share = 0.6 * self._rand(*shape) * (self._rand(*shape) < self.thick)
        quantum_std, electronic_std = a.sqrt() * gain, n_e.sqrt() * a * starved
        any_quantum, any_electronic, quantum, electronic = (
            _shared_along_z(noise, share) for noise in noises
        )
        part = mixed.sqrt() * (quantum_std * quantum + electronic_std * electronic)
        rest = (1 - mixed).sqrt() * (quantum_std * any_quantum + electronic_std * any_electronic)
        noisy = clean + rest + part
        sigma = (a * gain.square() + n_e * (a * starved).square()).sqrt()
        cut = self._rand(*shape) < self.clipped
        noisy = torch.where(cut, noisy.clamp(min=-1024.0), noisy)
        outside, value = self._padding(clean)
        noisy, clean = torch.where(outside, value, noisy), torch.where(outside, value, clean)
        slices = clean.shape[1]
        middle = slice(None) if self.volumes else slice(slices // 2, slices // 2 + 1)
        sigma, gain, outside = sigma[:, middle].contiguous(), gain[:, middle], outside[:, :1]
        pair = Pair(Condition(noisy, sigma, scale.view(shape)), clean[:, middle])
        if own is not None:
            local = own.view(shape) * gain * measured[:, middle]
            local = torch.where(outside, 0.0, local)
            part, part_std = part[:, middle], (mixed.sqrt() * sigma).clamp(min=1e-6)
            pair = noise_aware(pair, local, magnitude=False, part=part, part_std=part_std)
        told = self._told(pair.condition.sigma, gain)
        return pair._replace(condition=pair.condition._replace(sigma=told))

    def _told(self, sigma: Tensor, gain: Tensor) -> Tensor:
        """σ as an estimate would have it: some patches' is wrong, or one number for all."""
        shape = (len(sigma), 1, 1, 1)
        wrong, even = self._rand(*shape) < self.misjudged, self._rand(*shape) < 0.5
        number = (sigma / gain.clamp(min=1e-3)).flatten(1).median(dim=1).values.view(shape)
        normal = torch.randn(shape, generator=self.generator, device=sigma.device)
        guess = torch.where(even, number, sigma) * (0.2 * normal).exp()
        return torch.where(wrong, guess, sigma)

    def _padding(self, clean: Tensor) -> tuple[Tensor, Tensor]:
        """Where a patch lies outside the reconstruction circle, and what is stored there."""
        batch, _, height, width = clean.shape
        draw = self._rand(4, batch, 1, 1, 1)
        values = torch.tensor([-1024.0, -2000.0, -3024.0], device=clean.device)
        value = values[(3 * draw[0]).long()]
        radius = max(height, width) * (1 + 4 * draw[1])
        edge = max(height, width) * (draw[2] - 0.4)  # from the patch's centre, along the direction
        angle = 2 * torch.pi * draw[3]
        y = torch.arange(height, device=clean.device)[:, None] - (height - 1) / 2
        x = torch.arange(width, device=clean.device) - (width - 1) / 2
        away = radius - edge
        distance = torch.hypot(y + away * torch.sin(angle), x + away * torch.cos(angle))
        return (distance > radius) & (self._rand(batch, 1, 1, 1) < self.padded), value

    def _rand(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator, device=self.generator.device)


def _shared_along_z(noise: Tensor, share: Tensor) -> Tensor:
    """Mix each slice's noise with its neighbours' (ends wrap), unit variance kept.

    Where the stack ends, slices repeat: a copy of the same noise is no neighbour. ``share`` is
    (batch, 1, 1, 1).
    """
    mixed, energy = noise, torch.ones_like(noise[..., :1, :1])
    for step in (1, -1):
        neighbour = noise.roll(step, dims=1)
        weight = share * (neighbour != noise).any(dim=-1).any(dim=-1)[..., None, None]
        mixed = mixed + weight * neighbour
        energy = energy + weight**2
    return mixed / energy.sqrt()
