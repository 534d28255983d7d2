"""Training of models of a modality: noise, levels and made-up anatomy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Anatomy", "Training"]


@dataclass(frozen=True)
class Anatomy:
    """Intensities of made-up anatomy (`training.synthesis`).

    Parameters
    ----------
    values : callable
        Draws the mean intensities of so many tissues.
    shading, texture : float
        Standard deviation of what varies across a leaf, and across a label.
    bounds : (float, float)
        Of the leaves.
    highest : float, optional
        Of all that is made; None: none, under a smooth receive field.
    """

    values: Callable[[np.random.Generator, int], NDArray[np.float32]]
    shading: float
    texture: float
    bounds: tuple[float, float]
    highest: float | None = None


@dataclass(frozen=True)
class Training:
    """Training of models of a modality.

    Parameters
    ----------
    noise : {"magnitude", "projections"}
        Corruption: magnitudes of noisy channels, or noise made through filtered back-projection.
    levels : tuple of float
        Noise levels of the calibration, as the simulation takes them.
    anatomy : Anatomy
        Of made-up scans.
    arbitrary : bool
        True if contrasts mean nothing by themselves: they are remapped, and isotropic scans are
        seen in all planes.
    white : bool
        True if noise may be taken for white, as priors without a condition do.
    """

    noise: Literal["magnitude", "projections"]
    levels: tuple[float, ...]
    anatomy: Anatomy
    arbitrary: bool = False
    white: bool = False
