"""Latent diffusion: the residual is sampled in a plane of half the resolution, then decoded.

A variational autoencoder of the residual (Rombach et al. 2022, arXiv:2112.10752; Vahdat et al.
2021, arXiv:2106.05931) gives one number for 2×2 voxels; samplers, noise and tiles work in that
plane as they do in the slice. The decoder gives a mean: what it cannot know of the residual is
drawn as noise of the measured spectrum of r − D(ẑ), together with what sampling left unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.core.families.family import Family
from medrestore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.autoencoder import LatentRefiner
    from medrestore.core.diffusion import Denoiser
    from medrestore.core.predictor import Condition, Prediction

__all__ = ["Latent"]


class Latent(Family):
    """A diffusion of an autoencoder's latent behind a predictor."""

    name = "latent"
    references = ("kingma2014", "rombach2022", "vahdat2021")
    summary = "diffusion in the latent of an autoencoder"
    latent = True
    exact = (Family.exact[0], ("diffusion.unet.out", "autoencoder"))

    def predictor(self, facts: dict[str, Any]) -> nn.Module:
        """Predictor of slices.

        Raises
        ------
        ModelError
            If the model is to read stacks of slices.
        """
        if int(facts.get("depth", 1)) > 1:
            raise ModelError(
                f"latent models work slice by slice, depth {facts['depth']} was asked for; use "
                "depth 1, or another family"
            )
        return super().predictor(facts)

    def refiner(self, facts: dict[str, Any]) -> nn.Module:
        """Refiner with its autoencoder."""
        from medrestore.core.autoencoder import BLOCK, Autoencoder, LatentRefiner
        from medrestore.core.refiner import Refiner

        channels = BLOCK * self.condition_channels(facts)
        diffusion = self.arguments(facts["refiner"])
        coder = diffusion.pop("autoencoder", {})
        return LatentRefiner(
            Autoencoder(**coder, conditions=channels), Refiner(**diffusion, conditions=channels)
        )

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """Any refiner's condition, 2×2 voxels in channels: (batch, 24, y/2, x/2)."""
        return _blocks(super().condition(c, prediction))

    def plane(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Half the resolution; odd sizes are continued by a row or a column."""
        return -(-shape[0] // 2), -(-shape[1] // 2)

    def encode(
        self, r: Tensor, condition: Tensor, refiner: Any, tiled: Callable[[Denoiser, int], Denoiser]
    ) -> Tensor:
        """The latent's mean, window by window."""
        import torch

        network: LatentRefiner = refiner

        def encoder(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
            seen = torch.cat((z_t, condition), dim=1)
            return network.autoencoder.encode(seen[:, :4], seen[:, 4:])

        seen = torch.cat((_blocks(r), condition), dim=1)
        return tiled(encoder, 1)(seen[:, :1], 0.0, seen[:, 1:])

    def decode(
        self,
        z: Tensor,
        condition: Tensor,
        shape: tuple[int, int],
        refiner: Any,
        tiled: Callable[[Denoiser, int], Denoiser],
    ) -> Tensor:
        """The mean of r given the latent, window by window."""
        from torch.nn import functional as F

        network: LatentRefiner = refiner

        def decoder(z_t: Tensor, t: float, condition: Tensor) -> Tensor:
            return network.autoencoder.decode(z_t, condition)

        found = tiled(decoder, 4)(z, 0.0, condition)
        return F.pixel_shuffle(found, 2)[..., : shape[0], : shape[1]]


def _blocks(image: Tensor) -> Tensor:
    """2×2 voxels into channels: (batch, c, y, x) → (batch, 4c, y/2, x/2)."""
    from torch.nn import functional as F

    pad = (0, image.shape[-1] % 2, 0, image.shape[-2] % 2)
    return F.pixel_unshuffle(F.pad(image, pad, mode="replicate"), 2)
