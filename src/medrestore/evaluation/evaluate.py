"""Restored scans judged against a reference: `medrestore.evaluate`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.method import ESTIMATED
from medrestore.errors import InputError
from medrestore.evaluation.features import features_of
from medrestore.evaluation.floor import floor_of
from medrestore.evaluation.images import images_of
from medrestore.evaluation.metrics import Fidelity, fidelity
from medrestore.evaluation.picture import picture_of
from medrestore.evaluation.region_means import region_means
from medrestore.evaluation.report_of_case import Report
from medrestore.evaluation.strata import FEWEST, Stratum, strata, tissue, voxels_in, windows_of
from medrestore.evaluation.uncertainty import Uncertainty, uncertainty
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from medrestore.evaluation.features import Encoder
    from medrestore.evaluation.images import Images
    from medrestore.results.result import Result
    from medrestore.volume import Volume

__all__ = ["Report", "evaluate"]

UNCOUNTED = f"not calibrated: {ESTIMATED} before"
"""Of a result whose model's coverage nobody had measured."""

DRAWN = 20_000
"""Voxels that are kept for pictures."""


def evaluate(
    reference: Volume,
    noisy: Volume,
    restored: Result | Volume | Mapping[str, Result | Volume],
    case: str | None = None,
    person: str | None = None,
    redraw: bool = False,
    encoder: Encoder | None = None,
) -> Report:
    """Judge restored scans against a reference, beside the noisy scan they were made from.

    Voxels that count are chosen by the reference alone: MR above 6 % of its foreground scale, CT
    between −900 and 2000 HU, and finite in all scans. In a window those of them count whose
    reference lies in it. The reference's own noise counts as error.

    Parameters
    ----------
    reference : Volume
        Least noise; HU or a.u., 3-D.
    noisy : Volume
        On the same grid.
    restored : Result, Volume, or mapping of str to them
        From `denoise`, or any other method's image on the same grid; several methods by name. A
        result of some slices only is compared there.
    case : str, optional
        Name of the case; the reference's if absent.
    person : str, optional
        Person whom the scan is of; the case's name if absent: each is another person.
    redraw : bool
        True if samples that a result did not keep may be drawn again, in five slices, to judge
        the intervals of region means: about as long as denoising these slices took.
    encoder : Encoder, optional
        From `features.encoder_for`: also takes features for FID and KID over several cases.

    Raises
    ------
    InputError
        If grids or modalities differ, scans are 4-D, too small for SSIM, or without foreground.
    ModalityError
        If no scan says whether it is CT or MR.
    """
    images = images_of(reference, noisy, restored, case)
    counted = _counted(images)
    judged, notes = _judged(images, counted, redraw)
    floors, why = floor_of(images, counted)
    return Report(
        case=images.name,
        person=person or images.name,
        modality=images.modality,
        unit=modality_named(images.modality).unit_in(reference),
        methods=tuple(images.restored),
        fidelity=_fidelity(images, counted),
        strata=_strata(images, counted),
        uncertainties=judged,
        floors=floors,
        notes=(*notes, why) if why else notes,
        points=_points(images, counted),
        features=features_of(images, counted, encoder) if encoder is not None else None,
        picture=picture_of(images, counted),
    )


def _counted(images: Images) -> NDArray[np.bool_]:
    """Voxels that count, (z, y, x)."""
    reference = images.reference.array
    counted = tissue(reference, images.modality)
    for array in (reference, *images.compared().values()):
        counted &= np.isfinite(array)
    if counted.sum() < FEWEST:
        raise InputError(
            f"{images.name}: {counted.sum()} voxels of the reference count as foreground, at least "
            f"{FEWEST} are needed; check the reference and its modality"
        )
    return counted


def _fidelity(images: Images, counted: NDArray[np.bool_]) -> tuple[Fidelity, ...]:
    reference = images.reference.array
    found = []
    for window in windows_of(reference, images.modality):
        inside = voxels_in(window, reference, counted)
        if inside.sum() >= FEWEST:
            found += [
                fidelity(method, image, reference, inside, window)
                for method, image in images.compared().items()
            ]
    return tuple(found)


def _strata(images: Images, counted: NDArray[np.bool_]) -> tuple[Stratum, ...]:
    arrays = images.reference.array, images.noisy.array
    return tuple(
        one
        for method, image in images.restored.items()
        for one in strata(
            *arrays, image.array, counted, images.modality, images.results.get(method), method
        )
    )


def _judged(
    images: Images, counted: NDArray[np.bool_], redraw: bool
) -> tuple[dict[str, Uncertainty], tuple[str, ...]]:
    """Uncertainties by method, and what is to be known of them: why something is not judged."""
    found: dict[str, Uncertainty] = {}
    notes: dict[str, list[str]] = {}
    for method in images.restored:
        result = images.results.get(method)
        judged, why = _uncertainty(result, images.reference.array, counted)
        if judged is not None and result is not None:
            regions, why = region_means(result, images.reference.array, counted, redraw)
            found[method] = replace(judged, regions=regions)
        for note in (why, UNCOUNTED if result is not None and not result.plan.calibrated else ""):
            if note:
                notes.setdefault(note, []).append(method)
    several = len(images.restored) > 1
    return found, tuple(
        f"{', '.join(methods)}: {why}" if several else why for why, methods in notes.items()
    )


def _uncertainty(
    result: Result | None, reference: NDArray[np.float32], counted: NDArray[np.bool_]
) -> tuple[Uncertainty | None, str]:
    """The result's uncertainty, or why it is not judged."""
    if result is None:
        return None, "no standard deviation came with the restored scan: only images are judged"
    estimate = result.plan.settings.estimate
    if estimate != "mean":
        return None, (
            f"standard deviation and bounds speak of the expected image; this is {estimate}, so "
            "they are judged by stratum only"
        )
    usable = counted & np.isfinite(result.std.array) & (result.std.array > 0)
    if usable.sum() < FEWEST:
        return None, "the standard deviation is 0 nearly everywhere: nothing to judge"
    if np.array_equal(result.restored.array[usable], reference[usable]):
        return None, "the restored scan equals the reference: there is no error to predict"
    return uncertainty(result, reference, usable), ""


def _points(images: Images, counted: NDArray[np.bool_]) -> NDArray[np.float32]:
    chosen = np.flatnonzero(counted)
    if chosen.size > DRAWN:
        chosen = np.random.default_rng(0).choice(chosen, DRAWN, replace=False, shuffle=False)
    arrays = (images.reference.array, *images.compared().values())
    return np.stack([array.ravel()[chosen] for array in arrays], axis=1)
