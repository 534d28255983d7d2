"""Likelihood of a scan: the density of its slices under a model's prior of clean images."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.diffusion import diffuse
from medrestore.core.likelihood import EVALUATIONS, FIRST, log_density
from medrestore.core.meter import SILENT, Meter
from medrestore.core.predictor import Condition
from medrestore.core.white_noise import START, white_slice
from medrestore.devices import out_of_memory
from medrestore.engine.device_check import place_of
from medrestore.engine.noise import without_padding
from medrestore.engine.value_check import modality_of
from medrestore.errors import MedrestoreWarning, ModelError, ResourceError, SettingsError
from medrestore.modalities import modality_named
from medrestore.models.model import MODELS, find_card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.models.model import Model
    from medrestore.volume import Volume

__all__ = ["Likelihood", "log_likelihood"]

PROBE = 16
"""Stream of the random signs, apart from those of samples."""


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Log density of slices under a model's prior, in units of the scan's intensity scale.

    Parameters
    ----------
    slices : tuple of int
        Which slices.
    nats : ndarray of float64, shape (slices,)
        log p of each whole slice.
    bits_per_voxel : ndarray of float64, shape (slices,)
        −log₂ p over the number of voxels; below 0 where voxels are known to less than one unit.
    smoothed : float
        Standard deviation of the noise whose density it is: p is that of the slice with it.
    model : str
        Whose prior.
    warnings : tuple of str
        What there is to say of the device: that the CPU stood in for another.
    """

    slices: tuple[int, ...]
    nats: NDArray[np.float64]
    bits_per_voxel: NDArray[np.float64]
    smoothed: float
    model: str
    warnings: tuple[str, ...] = ()


def log_likelihood(
    volume: Volume,
    model: str = "mr_slice_score",
    slices: Sequence[int] | None = None,
    steps: int = 16,
    probes: int = 1,
    seed: int = 0,
    device: str = "auto",
    progress: Meter | None = None,
) -> Likelihood:
    """Log density of a scan's slices by the probability-flow ODE (`core.likelihood`).

    Parameters
    ----------
    volume : Volume
        3-D; a likelihood says most about scans that are as clean as the model's training scans.
    model : str
        Name or folder of a model with a prior of its own: family score or image.
    slices : sequence of int, optional
        Which; all by default.
    steps : int
        Of the integration, each four evaluations with their derivative; at least 2.
    probes : int
        Random probes that the divergence is averaged over.
    seed : int
        Of the probes and of the noise that is added.
    device : str
        As of a run: ``"auto"``, ``"cpu"``, ``"cuda"``, …
    progress : Meter, optional
        Follows and may cancel.

    Raises
    ------
    SettingsError
        If a slice is not there, or a number is too small.
    ModelError
        If there is no such model, or it has no prior of its own.
    ResourceError
        If memory runs out.
    """
    chosen = _checked(volume, slices, steps, probes)
    card = find_card(model, modality_of(volume))
    if not card.family.knows_null_condition(card.facts):
        raise ModelError(
            f"model {card.name} is always told of a noisy scan and has no prior of its own; take "
            "one of family score or image, such as mr_slice_score"
        )
    place, meter = place_of(device, "float32", card), progress or SILENT
    loaded = MODELS.get(card, place.device, place.precision)
    scale = modality_named(card.modality).scale(without_padding(volume.array, card.modality))
    meter.start(len(chosen) * probes * steps * EVALUATIONS, "Likelihood")
    found = [_of_slice(volume, loaded, z, scale, steps, probes, seed, meter) for z in chosen]
    nats, voxels = np.array(found), math.prod(volume.array.shape[1:])
    smoothed = float(card.known.predictor["std"]) * math.tan(FIRST)
    for text in place.warnings:
        warnings.warn(text, MedrestoreWarning, stacklevel=2)
    bits = -nats / (voxels * math.log(2))
    return Likelihood(chosen, nats, bits, smoothed, card.name, place.warnings)


def _of_slice(
    volume: Volume,
    model: Model,
    z: int,
    scale: float,
    steps: int,
    probes: int,
    seed: int,
    meter: Meter,
) -> float:
    """Log density of one slice; its plane is changed from units of r to those of the scale."""
    plane = np.nan_to_num(volume.array[z]).astype(np.float32)
    y = torch.asarray(plane[None, None], device=model.device)
    c = Condition(
        y.expand(-1, model.slices, -1, -1),
        torch.full_like(y, model.sigma_range[0] * scale),
        torch.full((1, 1, 1, 1), scale, device=y.device),
    )
    with torch.no_grad():
        prior = model.predict(c)
        condition = model.family.null_condition(model.condition(c, prior))
    unit = prior.log_s.exp()
    eps = _white(seed, START, 0, z, y)
    r = diffuse((y - prior.mu) / unit, eps, FIRST)
    denoiser = model.denoiser(16, model.windows(1), [0])
    nats = 0.0
    try:
        for k in range(probes):
            signs = _white(seed, PROBE, k, z, y).sign()
            nats += float(log_density(denoiser, r, condition, signs, steps, meter)) / probes
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise ResourceError(
            f"a likelihood of slices of {plane.shape[0]} × {plane.shape[1]} needs more memory than "
            f"{model.device} has free; crop the scan, or take another device"
        ) from error
    scaled: float = plane.size * math.log(math.cos(FIRST)) - float((unit / scale).log().sum())
    return nats + scaled


def _white(seed: int, stream: int, k: int, z: int, like: Tensor) -> Tensor:
    """White noise of a plane's size, (1, 1, y, x), where the plane is."""
    noise = white_slice(seed, stream, k, 0, 0, z, (like.shape[-2], like.shape[-1]))
    return torch.asarray(noise.copy()[None, None], device=like.device)


def _checked(
    volume: Volume, slices: Sequence[int] | None, steps: int, probes: int
) -> tuple[int, ...]:
    if volume.is_4d:
        raise SettingsError(
            f"a likelihood is that of a 3-D scan, this has {len(volume.array)} time points; take "
            "one by volume.time_point(t)"
        )
    if steps < 2 or probes < 1:
        raise SettingsError(f"steps is at least 2 and probes at least 1, got {steps} and {probes}")
    count = len(volume.array)
    chosen = tuple(range(count)) if slices is None else tuple(slices)
    if not chosen or any(not 0 <= z < count for z in chosen):
        raise SettingsError(f"the scan has slices 0…{count - 1}, asked for {list(chosen)}")
    return chosen
