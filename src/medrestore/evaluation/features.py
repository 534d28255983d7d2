"""Features of slices from a frozen predictor's encoder, for comparing sets of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from medrestore.core.predictor import Condition, Predictor
from medrestore.errors import ModelError
from medrestore.modalities import modality_named
from medrestore.models.model import find_card, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.evaluation.images import Images

__all__ = ["Encoder", "SliceFeatures", "encoder_for", "features_of"]

ASSUMED = 0.03
"""Noise level of the encoder's condition, over the intensity scale: the same for every image."""
MOST = 24
"""Slices of a case, evenly spaced over those with tissue."""
LEAST = 0.02
"""Share of a slice's voxels that must count."""


@dataclass(frozen=True, eq=False)
class Encoder:
    """The encoder of a predictor; never trained on.

    Parameters
    ----------
    model : str
        Its name.
    sha256 : str
        Of its weights: features of other weights are not comparable.
    modality : str
        Modality it was trained on.
    predictor : Predictor
        The network, in evaluation mode.
    """

    model: str
    sha256: str
    modality: str
    predictor: Predictor

    def __call__(
        self,
        array: NDArray[np.float32],
        counted: NDArray[np.bool_],
        scale: float,
        slices: list[int],
    ) -> NDArray[np.float64]:
        """Features of some slices of (z, y, x), (n, d): means over the voxels that count."""
        half, last = self.predictor.slices // 2, len(array) - 1
        clean = np.nan_to_num(array)
        found = []
        for z in slices:
            near = [min(max(z + dz, 0), last) for dz in range(-half, half + 1)]
            y = torch.from_numpy(clean[near]).float()[None]
            sigma = torch.full((1, 1, *y.shape[-2:]), ASSUMED * scale)
            with torch.inference_mode():
                deep = self.predictor.encode(Condition(y, sigma, torch.full((1, 1, 1, 1), scale)))
            share = _shares(counted[z], deep.shape[-2:])
            found.append(((deep[0] * share).sum(dim=(1, 2)) / share.sum()).double().numpy())
        return np.stack(found)


def _shares(counted: NDArray[np.bool_], shape: Sequence[int]) -> torch.Tensor:
    """Share of each of the encoder's positions that counts, (y, x)."""
    mask = torch.from_numpy(counted).float()
    step = -(-mask.shape[0] // shape[0])
    below, right = (n * step - size for n, size in zip(shape, mask.shape, strict=True))
    return F.avg_pool2d(F.pad(mask, (0, right, 0, below))[None, None], step)[0, 0]


@dataclass(frozen=True, eq=False)
class SliceFeatures:
    """Features of a case's slices, the same slices in every image.

    Parameters
    ----------
    encoder, sha256 : str
        Model that they come from, and the hash of its weights.
    images : dict of str to ndarray, shape (slices, d)
        By name; ``"reference"``, ``"noisy"`` and the methods.
    """

    encoder: str
    sha256: str
    images: dict[str, NDArray[np.float64]]


def encoder_for(modality: str, model: str = "auto") -> Encoder:
    """The encoder of a model that restores single slices, on the CPU.

    Raises
    ------
    ModelError
        If there is none for this modality.
    """
    card = find_card(model, modality, "slice")
    network = load(card, "cpu").predictor
    if not isinstance(network, Predictor):
        raise ModelError(f"model {card.name} has no encoder to take features from; name another")
    return Encoder(card.name, card.sha256, modality, network)


def features_of(
    images: Images, counted: NDArray[np.bool_], encoder: Encoder
) -> SliceFeatures | None:
    """Features of the case's images; None where no slice has enough tissue.

    All are scaled by the reference and have one noise level as condition: only the images differ.
    """
    if encoder.modality != images.modality:
        raise ModelError(
            f"{images.name} is {images.modality}, the encoder of {encoder.model} is for "
            f"{encoder.modality}; give encoder_for({images.modality!r})"
        )
    filled = np.flatnonzero(counted.mean(axis=(1, 2)) >= LEAST)
    if not filled.size:
        return None
    picks = np.linspace(0, filled.size - 1, min(filled.size, MOST)).round().astype(int)
    slices = [int(z) for z in filled[picks]]
    reference = images.reference.array
    scale = modality_named(images.modality).scale(reference)
    arrays = {"reference": reference, **images.compared()}
    found = {name: encoder(array, counted, scale, slices) for name, array in arrays.items()}
    return SliceFeatures(encoder.model, encoder.sha256, found)
