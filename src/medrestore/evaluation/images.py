"""The images of one case, checked: one grid, one modality, one part of the scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medrestore.errors import InputError, ModalityError
from medrestore.evaluation.metrics import NOISY
from medrestore.volume import Volume

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medrestore.results.result import Result

__all__ = ["RESTORED", "Images", "images_of"]

RESTORED = "restored"
"""Name of a restored scan that came without one."""
REFERENCE = "reference"

SMALLEST = 11
"""Rows and columns that the window of SSIM needs."""
SAME_MM = 0.01


@dataclass(frozen=True, eq=False)
class Images:
    """Images that a case is judged by.

    Parameters
    ----------
    name : str
        Of the case.
    modality : "CT" or "MR"
        Of all scans.
    reference, noisy : Volume
        3-D, of the slices that were restored.
    restored : mapping of str to Volume
        By method, on the same grid.
    results : mapping of str to Result
        Of the methods that came with an uncertainty.
    """

    name: str
    modality: str
    reference: Volume
    noisy: Volume
    restored: Mapping[str, Volume]
    results: Mapping[str, Result]

    def compared(self) -> dict[str, NDArray[np.float32]]:
        """All but the reference, by name, noisy first; each (z, y, x)."""
        volumes = {NOISY: self.noisy, **self.restored}
        return {name: volume.array for name, volume in volumes.items()}


def images_of(
    reference: Volume,
    noisy: Volume,
    restored: Result | Volume | Mapping[str, Result | Volume],
    case: str | None = None,
) -> Images:
    """Bring the scans of a case together; `evaluate` says what they may be."""
    named = restored if isinstance(restored, Mapping) else {RESTORED: restored}
    name = case or reference.source.name
    _check_names(name, named)
    results = {key: one for key, one in named.items() if not isinstance(one, Volume)}
    given = {REFERENCE: reference, NOISY: noisy}
    given |= {key: one if isinstance(one, Volume) else one.restored for key, one in named.items()}
    chosen = {one.plan.slices for one in results.values() if one.plan.slices is not None}
    if len(chosen) > 1 or (chosen and any(one.plan.slices is None for one in results.values())):
        raise InputError(
            f"{name}: the results hold different slices; restore the same slices with every method"
        )
    for slices in chosen:
        given = {k: v if k in results else _sliced(v, slices, name) for k, v in given.items()}
    modality = _check(name, given)
    return Images(
        name,
        modality,
        given[REFERENCE],
        given[NOISY],
        {key: given[key] for key in named},
        results,
    )


def _check_names(case: str, named: Mapping[str, Result | Volume]) -> None:
    if not named:
        raise InputError(f"{case}: there is no restored scan; give at least one")
    for name in named:
        if not name or name in (NOISY, REFERENCE):
            raise InputError(f"a method cannot be called {name!r}; give it another name")


def _sliced(volume: Volume, slices: tuple[int, ...], name: str) -> Volume:
    """The slices of a preview."""
    if max(slices) >= volume.geometry.shape[0]:
        raise InputError(
            f"{name}: the result has slice {max(slices)}, but {volume.source.name} has "
            f"{volume.geometry.shape[0]} slices; give the scan it was made from"
        )
    return volume.slices(slices)


def _check(name: str, volumes: Mapping[str, Volume]) -> str:
    """Their modality; raises what does not match."""
    reference = volumes[REFERENCE]
    for role, volume in volumes.items():
        if volume.is_4d:
            raise InputError(f"{name}: the {role} scan is 4-D; give a single time point")
        if not volume.geometry.same_grid(reference.geometry, SAME_MM):
            raise InputError(
                f"{name}: the {role} scan has shape {volume.geometry.shape} and its own grid, the "
                f"reference's is {reference.geometry.shape}; resample one onto the other"
            )
    modalities = {v.modality for v in volumes.values() if v.modality is not None}
    if len(modalities) > 1:
        raise InputError(
            f"{name}: "
            + ", ".join(f"the {role} scan is {v.modality}" for role, v in volumes.items())
            + "; say CT or MR, the same for all"
        )
    if not modalities:
        raise ModalityError(
            f"{name}: none of the scans says whether it is CT or MR; "
            'give modality="CT" or "MR" to read(), or --modality on the command line'
        )
    if min(reference.geometry.shape[1:]) < SMALLEST:
        raise InputError(
            f"{name}: slices of {reference.geometry.shape[1:]} voxels are smaller than the window "
            f"of SSIM, {SMALLEST} × {SMALLEST}"
        )
    return modalities.pop()
