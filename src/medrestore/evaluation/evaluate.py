"""A restored scan judged against a reference: `medrestore.evaluate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import InputError, ModalityError
from medrestore.evaluation.fidelity import Fidelity, fidelity
from medrestore.evaluation.strata import FEWEST, Stratum, strata
from medrestore.evaluation.tissue import tissue
from medrestore.evaluation.uncertainty import Uncertainty, uncertainty
from medrestore.evaluation.windows import FOREGROUND, voxels_in, windows_of
from medrestore.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.result import Result
    from medrestore.volume import Modality

__all__ = ["Report", "evaluate"]

SMALLEST = 11
"""Rows and columns that the window of SSIM needs."""
DRAWN = 20_000
"""Voxels that are kept for pictures."""
SAME_MM = 0.01


@dataclass(frozen=True, eq=False)
class Report:
    """Figures of one case: noisy and restored image against the reference.

    Parameters
    ----------
    case : str
        Name of the case.
    modality : "CT" or "MR"
        Of all three.
    unit : str
        Of RMSE, bias, limits, widths and CRPS: ``"HU"`` or ``"a.u."``.
    fidelity : tuple of Fidelity
        For each method (noisy, restored) and window, which states its data range.
    strata : tuple of Stratum
        By tissue and gradient.
    uncertainty : Uncertainty, optional
        Where the restored scan came as a `Result`.
    notes : tuple of str
        What a reader of the figures should know.
    points : ndarray of float32, shape (n, 3)
        Reference, noisy and restored at up to 20 000 voxels of the foreground, for pictures.
    """

    case: str
    modality: Modality
    unit: str
    fidelity: tuple[Fidelity, ...]
    strata: tuple[Stratum, ...]
    uncertainty: Uncertainty | None
    notes: tuple[str, ...]
    points: NDArray[np.float32] = field(repr=False)

    def of(self, method: str, window: str = FOREGROUND) -> Fidelity:
        """Figures of ``"noisy"`` or ``"restored"`` in a window.

        Raises
        ------
        InputError
            If there are none: too few voxels of the reference lie in that window.
        """
        for one in self.fidelity:
            if (one.method, one.window.name) == (method, window):
                return one
        there = ", ".join(f"{one.method} in {one.window.name}" for one in self.fidelity)
        raise InputError(f"{self.case} has no figures of {method} in {window}; it has {there}")

    def rows(self) -> list[dict[str, Any]]:
        """One row for each method and window, as in ``figures.csv``."""
        lead = {"case": self.case, "modality": self.modality, "unit": self.unit}
        return [{**lead, **one.facts()} for one in self.fidelity]

    def facts(self) -> dict[str, Any]:
        """Everything but the points, for JSON."""
        return {
            "case": self.case,
            "modality": self.modality,
            "unit": self.unit,
            "fidelity": [one.facts() for one in self.fidelity],
            "strata": [one.facts() for one in self.strata],
            "uncertainty": self.uncertainty.facts() if self.uncertainty else None,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        lines = [f"{self.case}: {self.modality}, {self.of('restored').voxels} voxels"]
        for one in self.fidelity:
            lines.append(
                f"{one.method:<8} {one.window.name:<10} PSNR {one.psnr_db:.2f} dB, SSIM "
                f"{one.ssim:.4f} (data range {one.window.data_range:.5g} {self.unit}), RMSE "
                f"{one.rmse:.4g} {self.unit}, bias {one.bias:.3g} {self.unit}"
            )
        for level in self.uncertainty.levels if self.uncertainty else ():
            if level.kind == "result":
                lines.append(
                    f"the {level.nominal:.0%} interval covers {level.covered:.1%} of the voxels, "
                    f"mean width {level.width:.3g} {self.unit}"
                )
        return "\n".join(lines)


def evaluate(
    reference: Volume, noisy: Volume, restored: Result | Volume, case: str | None = None
) -> Report:
    """Judge a restored scan against a reference, beside the noisy scan it was made from.

    Voxels that count are chosen by the reference alone: MR above 6 % of its foreground scale, CT
    between −900 and 2000 HU, and finite in all three. In a window those of them count whose
    reference lies in it. The reference's own noise counts as error.

    Parameters
    ----------
    reference : Volume
        Least noise; HU or a.u., 3-D.
    noisy : Volume
        On the same grid.
    restored : Result or Volume
        From `denoise`, or any other method's image on the same grid. A result of some slices only
        is compared there.
    case : str, optional
        Name of the case; the reference's if absent.

    Raises
    ------
    InputError
        If grids or modalities differ, scans are 4-D, too small for SSIM, or without foreground.
    ModalityError
        If no scan says whether it is CT or MR.
    """
    result = None if isinstance(restored, Volume) else restored
    image = restored if isinstance(restored, Volume) else restored.restored
    name = case or reference.source.name
    if result is not None and result.plan.slices is not None:
        reference, noisy = (_sliced(v, result.plan.slices, name) for v in (reference, noisy))
    modality = _check(name, {"reference": reference, "noisy": noisy, "restored": image})
    arrays = reference.array, noisy.array, image.array
    counted = tissue(reference.array, modality)
    for array in arrays:
        counted &= np.isfinite(array)
    if counted.sum() < FEWEST:
        raise InputError(
            f"{name}: {counted.sum()} voxels of the reference count as foreground, at least "
            f"{FEWEST} are needed; check the reference and its modality"
        )
    judged, notes = _judged(result, arrays[0], counted)
    return Report(
        case=name,
        modality=modality,
        unit="HU" if modality == "CT" else reference.unit,
        fidelity=_fidelity(arrays, counted, modality),
        strata=strata(*arrays, counted, modality, result),
        uncertainty=judged,
        notes=notes,
        points=_points(arrays, counted),
    )


def _sliced(volume: Volume, slices: tuple[int, ...], name: str) -> Volume:
    """The slices of a preview."""
    if max(slices) >= volume.geometry.shape[0]:
        raise InputError(
            f"{name}: the result has slice {max(slices)}, but {volume.source.name} has "
            f"{volume.geometry.shape[0]} slices; give the scan it was made from"
        )
    return volume.slices(slices)


def _check(name: str, volumes: dict[str, Volume]) -> Modality:
    """Their modality; raises what does not match."""
    reference = volumes["reference"]
    for role, volume in volumes.items():
        if volume.is_4d:
            raise InputError(f"{name}: the {role} scan is 4-D; give a single time point")
        if not volume.geometry.same_grid(reference.geometry, SAME_MM):
            raise InputError(
                f"{name}: the {role} scan has shape {volume.geometry.shape} and its own grid, the "
                f"reference's is {reference.geometry.shape}; resample one onto the other"
            )
    said = {v.modality for v in volumes.values() if v.modality is not None}
    if len(said) > 1:
        raise InputError(
            f"{name}: "
            + ", ".join(f"the {role} scan is {v.modality}" for role, v in volumes.items())
            + "; say CT or MR, the same for all"
        )
    if not said:
        raise ModalityError(
            f"{name}: none of the scans says whether it is CT or MR; "
            'give modality="CT" or "MR" to read(), or --modality on the command line'
        )
    if min(reference.geometry.shape[1:]) < SMALLEST:
        raise InputError(
            f"{name}: slices of {reference.geometry.shape[1:]} voxels are smaller than the window "
            f"of SSIM, {SMALLEST} × {SMALLEST}"
        )
    return said.pop()


def _fidelity(
    arrays: tuple[NDArray[np.float32], ...], counted: NDArray[np.bool_], modality: Modality
) -> tuple[Fidelity, ...]:
    reference, noisy, restored = arrays
    found = []
    for window in windows_of(reference, modality):
        inside = voxels_in(window, reference, counted)
        if inside.sum() >= FEWEST:
            found += [
                fidelity(method, image, reference, inside, window)
                for method, image in (("noisy", noisy), ("restored", restored))
            ]
    return tuple(found)


def _judged(
    result: Result | None, reference: NDArray[np.float32], counted: NDArray[np.bool_]
) -> tuple[Uncertainty | None, tuple[str, ...]]:
    """The result's uncertainty, or why it is not judged."""
    if result is None:
        return None, ("no standard deviation came with the restored scan: only images are judged",)
    estimate = result.plan.settings.estimate
    if estimate != "mean":
        return None, (
            f"standard deviation and bounds speak of the expected image; this is {estimate}, so "
            "they are judged by stratum only",
        )
    usable = counted & np.isfinite(result.std.array) & (result.std.array > 0)
    if usable.sum() < FEWEST:
        return None, ("the standard deviation is 0 nearly everywhere: nothing to judge",)
    if np.array_equal(result.restored.array[usable], reference[usable]):
        return None, ("the restored scan equals the reference: there is no error to predict",)
    return uncertainty(result, reference, usable), ()


def _points(
    arrays: tuple[NDArray[np.float32], ...], counted: NDArray[np.bool_]
) -> NDArray[np.float32]:
    chosen = np.flatnonzero(counted)
    if chosen.size > DRAWN:
        chosen = np.random.default_rng(0).choice(chosen, DRAWN, replace=False, shuffle=False)
    return np.stack([array.ravel()[chosen] for array in arrays], axis=1)
