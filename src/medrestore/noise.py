"""The noise of a scan in its own units, from a number, a map or the scan itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.component import check_component
from medrestore.core.intensity import check_fraction
from medrestore.core.noise_level import estimate as estimate_noise
from medrestore.core.padding import ct_padding, is_padding
from medrestore.core.planes import planes
from medrestore.errors import InputError, ModalityError, NoiseLevelError, SettingsError
from medrestore.plan import Noise
from medrestore.scratch import Held
from medrestore.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.noise_level import NoiseEstimate
    from medrestore.volume import Modality

__all__ = ["modality_of", "resolve_noise", "without_padding"]


def resolve_noise(
    volume: Volume,
    noise: str | float,
    scale: float,
    noise_map: Volume | None = None,
) -> Noise:
    """The noise in the scan's own units, from a number, a map or the scan itself.

    Raises
    ------
    SettingsError
        If a map is asked for and missing, or lies on another grid; if a number is no fraction.
    NoiseLevelError
        If the scan does not let it be estimated.
    """
    modality = modality_of(volume)
    if noise == "map":
        if noise_map is None:
            raise SettingsError("noise='map' needs a map of standard deviations; pass a Volume")
        if not noise_map.geometry.same_grid(volume.geometry) or noise_map.is_4d:
            raise SettingsError(
                f"the noise map's grid {noise_map.array.shape} is not the scan's "
                f"{volume.geometry.shape}; make it on the scan's own grid"
            )
        return Noise(float(np.nanmedian(noise_map.array)), noise_map.array, "map given")
    array = volume.array if not volume.is_4d else volume.array[len(volume.array) // 2]
    if isinstance(noise, str):
        found = _estimated(array, modality)
        return Noise(found.sigma, found.map, f"estimated: {found.method}")
    if modality == "MR":
        check_fraction(noise)
        return Noise(noise * scale, None, f"given: {noise:.3g} of the foreground scale")
    try:
        found = _estimated(array, modality)
    except NoiseLevelError:  # no tissue to see its distribution in
        return Noise(noise, None, f"given: {noise:.3g} HU, taken as uniform")
    if noise == 0 or found.map is None or found.sigma <= 0:
        return Noise(noise, None, f"given: {noise:.3g} HU, taken as uniform")
    for plane in planes(found.map, Held(found.map).tick):
        plane *= np.float32(noise / found.sigma)
    return Noise(noise, found.map, f"given: {noise:.3g} HU, distributed as estimated")


def modality_of(volume: Volume) -> Modality:
    """What a scan that can be restored is.

    Raises
    ------
    ModalityError
        If it does not say.
    InputError
        If it is no Volume, or its header says that its values are no magnitudes.
    """
    if not isinstance(volume, Volume):
        raise InputError(
            f"a Volume is restored, as medrestore.read gives it, not a {type(volume).__name__}"
        )
    check_component(volume)
    if volume.modality is None:
        raise ModalityError(
            "the scan does not say whether it is CT or MR; "
            'give modality="CT" or "MR" to read(), or --modality on the command line'
        )
    return volume.modality


def _estimated(array: NDArray[np.float32], modality: Modality) -> NoiseEstimate:
    """The noise of a 3-D scan, CT padding left out."""
    masked = without_padding(array, modality)
    held = Held(masked)
    return estimate_noise(masked, modality, room=held.zeros, after=held.tick)


def without_padding(array: NDArray[np.float32], modality: str) -> NDArray[np.float32]:
    """CT padding as NaN, which every estimate leaves out."""
    held = Held(array)
    padding = ct_padding(array, held.tick) if modality == "CT" else ()
    if not padding:
        return array
    masked = held.zeros(array.shape)
    for plane, original in zip(planes(masked), planes(array, held.tick), strict=True):
        plane[:] = np.where(is_padding(original, padding), np.float32(np.nan), original)
    return masked
