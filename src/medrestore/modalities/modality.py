"""Modalities: one object for each, with the data and functions in which they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.intensity import FOREGROUND_FRACTION, foreground_scale, noise_free_scale
from medrestore.core.noise_level import blank, estimate
from medrestore.core.slices import nothing
from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from medrestore.core.noise_level import NoiseEstimate
    from medrestore.modalities.noise import NoiseModel, Simulation
    from medrestore.modalities.training import Training
    from medrestore.volume import Volume

__all__ = ["Display", "Evaluation", "Modality"]

Bounds = tuple[float, float]
"""Low and high, in the modality's unit."""


@dataclass(frozen=True)
class Display:
    """Windows that scans of a modality are shown in.

    Parameters
    ----------
    window : Bounds, optional
        The usual one; None where scans have no common unit: percentiles take its place.
    presets : mapping of str to (float, float)
        Level and width by name; none: percentiles again.
    """

    window: Bounds | None = None
    presets: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """Comparison of restored scans of a modality with references.

    Parameters
    ----------
    counted : Bounds, optional
        Values of the reference that count, exclusive, and its data range; None: the foreground,
        and from 0 to the foreground scale.
    windows : tuple of (str, float, float)
        Further windows that are judged, by name.
    pictured : callable, optional
        Values of a slice to the window that it is pictured in; None: the foreground.
    tissues : mapping of str to Bounds
        Tissues by the values of the reference, (low, high]; none: terciles of intensity.
    soft_tissue : Bounds, optional
        Values of uniform tissue; None: the foreground.
    phantom : (float, float, float), optional
        Air, fat and tissue of the plain phantom; None where there is none of the modality.
    rods, lesions : tuple of float
        Contrasts of an ensemble's inserts: in the modality's unit or, where noise is relative, in
        percent of the foreground scale.
    """

    counted: Bounds | None = None
    windows: tuple[tuple[str, float, float], ...] = ()
    pictured: Callable[[NDArray[Any]], str] | None = None
    tissues: Mapping[str, Bounds] = field(default_factory=dict)
    soft_tissue: Bounds | None = None
    phantom: tuple[float, float, float] | None = None
    rods: tuple[float, ...] = (-40.0, -20.0, -10.0, 10.0, 20.0, 40.0)
    lesions: tuple[float, ...] = (2.5, 5.0)


@dataclass(frozen=True)
class Modality:
    """A modality: its intensities, and its noise, display, evaluation and training.

    Parameters
    ----------
    name : str
        As in DICOM's Modality (0008,0060).
    unit : str
        Of the intensities.
    noise : NoiseModel
        Noise of its scans.
    air : float
        Intensity without tissue, which stands in for voxels that are no measurement.
    lowest : float, optional
        Restored intensities are never below it; None: they may be anything.
    fixed_scale : float, optional
        What divides intensities before a network sees them; None: each scan's foreground scale.
    body : float, optional
        Intensities above it are foreground; None: those above 6 % of the scale.
    tissue : float, optional
        Intensities above it are tissue, and no lung; None: again relative to the scale.
    form : str
        What intensities are, in MONAI's words.
    in_k_space : bool
        True if it is acquired there, so that a scan may have been zero-filled.
    find_padding : callable, optional
        Finds values of voxels that are no measurement; ticks after each plane.
    check_values : callable, optional
        Refuses slices and finite values of a scan that no model restores; says what is doubtful.
    simulation, training : optional
        None where noise is not simulated, or no model is trained.
    display, evaluation
        Usual for intensities without a common unit.
    """

    name: str
    unit: str
    noise: NoiseModel
    air: float = 0.0
    lowest: float | None = None
    fixed_scale: float | None = None
    body: float | None = None
    tissue: float | None = None
    form: str = "intensity"
    in_k_space: bool = False
    find_padding: Callable[..., tuple[float, ...]] | None = None
    check_values: Callable[[Volume, NDArray[Any], NDArray[Any]], tuple[str, ...]] | None = None
    simulation: Simulation | None = None
    training: Training | None = None
    display: Display = Display()
    evaluation: Evaluation = Evaluation()

    def scale(self, array: NDArray[Any]) -> float:
        """Scale that divides intensities before a network sees them."""
        return foreground_scale(array) if self.fixed_scale is None else self.fixed_scale

    def noise_free_scale(self, array: NDArray[Any], sigma: float) -> float:
        """The scale without what noise of this standard deviation adds to it."""
        return noise_free_scale(array, sigma) if self.fixed_scale is None else self.fixed_scale

    def foreground(self, array: NDArray[Any], scale: float) -> NDArray[np.bool_]:
        """Voxels that matter, of a restored or clean image; noisy air is not below these limits."""
        return np.asarray(array > (FOREGROUND_FRACTION * scale if self.body is None else self.body))

    def bounded(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """Restored intensities, none below the lowest."""
        return plane if self.lowest is None else np.maximum(plane, np.float32(self.lowest))

    def padding(
        self, array: NDArray[np.float32], after: Callable[[], object] = nothing
    ) -> tuple[float, ...]:
        """Values of voxels that are no measurement; ``after`` is called after each plane."""
        return () if self.find_padding is None else self.find_padding(array, after)

    def estimate_noise(
        self,
        array: NDArray[np.float32],
        mask: NDArray[np.bool_] | None = None,
        room: Callable[[tuple[int, ...]], NDArray[np.float32]] = blank,
        after: Callable[[], object] = nothing,
    ) -> NoiseEstimate:
        """Estimate the noise of a scan (`core.noise_level.estimate`)."""
        return estimate(array, self.noise.estimator, mask, room, after)

    def noisier(
        self, array: NDArray[np.float32], pixel_mm: float, **settings: Any
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | float]:
        """Add simulated noise; ``settings`` are arguments of `Simulator`.

        Raises
        ------
        SettingsError
            If none is simulated, or the arguments do not fit.
        """
        if self.simulation is None:
            raise SettingsError(f"noise of {self.name} is not simulated; give a CT or an MR")
        return self.simulation.noisier(array, pixel_mm, **settings)

    def with_noise(
        self, array: NDArray[np.float32], pixel_mm: float, level: float, seed: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | float]:
        """Add simulated noise of a level: HU in soft tissue (CT), fraction of the scale (MR)."""
        name = "noise" if self.simulation is None else self.simulation.level
        return self.noisier(array, pixel_mm, **{name: level}, seed=seed)

    @property
    def least_own_noise(self) -> float | None:
        """Noise of a scan below which there is none to scale to a lower dose."""
        return None if self.simulation is None else self.simulation.least_own

    def unit_in(self, volume: Volume) -> str:
        """Unit of a scan: the modality's, or the scan's own where it is arbitrary."""
        return volume.unit if self.noise.relative else self.unit

    @property
    def trained(self) -> Training:
        """Training of its models.

        Raises
        ------
        SettingsError
            If none are.
        """
        if self.training is None:
            raise SettingsError(f"no model of {self.name} is trained: its modality says not how")
        return self.training
