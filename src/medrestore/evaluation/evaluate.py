"""Restored scans judged against a reference: `medrestore.evaluate`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.method import ESTIMATED
from medrestore.errors import InputError
from medrestore.evaluation.coverage import region_means
from medrestore.evaluation.features import features_of
from medrestore.evaluation.floor import floor_of
from medrestore.evaluation.images import images_of
from medrestore.evaluation.metrics import NOISY, Fidelity, fidelity
from medrestore.evaluation.picture import picture_of, points_of
from medrestore.evaluation.strata import (
    FEWEST,
    FOREGROUND,
    Stratum,
    strata,
    tissue,
    voxels_in,
    windows_of,
)
from medrestore.evaluation.uncertainty import Uncertainty, uncertainty
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from medrestore.evaluation.features import Encoder, SliceFeatures
    from medrestore.evaluation.floor import Floor
    from medrestore.evaluation.images import Images
    from medrestore.evaluation.metrics import Fidelity
    from medrestore.evaluation.picture import Picture
    from medrestore.evaluation.strata import Stratum
    from medrestore.evaluation.uncertainty import Uncertainty
    from medrestore.results.result import Result
    from medrestore.volume import Volume

__all__ = ["Report", "evaluate"]

UNCOUNTED = f"not calibrated: {ESTIMATED} before"
"""Of a result whose model's coverage nobody had measured."""


@dataclass(frozen=True, eq=False)
class Report:
    """Metrics of one case: noisy and restored images against the reference.

    Parameters
    ----------
    case : str
        Name of the case.
    person : str
        Name of the person: statistics are over people.
    modality : "CT" or "MR"
        Of all scans.
    unit : str
        Of RMSE, bias, limits, widths and CRPS: ``"HU"`` or ``"a.u."``.
    methods : tuple of str
        Names of the methods, ``("restored",)`` if a single one was given without a name;
        ``"noisy"`` is not among them.
    fidelity : tuple of Fidelity
        For each window, which states its data range: noisy, then each method.
    strata : tuple of Stratum
        By method, tissue and gradient.
    uncertainties : mapping of str to Uncertainty
        Of the methods whose scan came as a `Result`.
    floors : tuple of Floor
        The reference's own noise and what it hides; empty where the added noise is not known.
    notes : tuple of str
        Cautions for a reader of the metrics.
    points : ndarray of float32, shape (n, 2 + methods)
        Reference, noisy and every method at up to 20 000 voxels of the foreground, for pictures.
    features : SliceFeatures, optional
        For FID and KID, if an encoder was given.
    picture : Picture, optional
        A slice of all images, for the page.
    """

    case: str
    person: str
    modality: str
    unit: str
    methods: tuple[str, ...]
    fidelity: tuple[Fidelity, ...]
    strata: tuple[Stratum, ...]
    uncertainties: Mapping[str, Uncertainty]
    floors: tuple[Floor, ...]
    notes: tuple[str, ...]
    points: NDArray[np.float32] = field(repr=False)
    features: SliceFeatures | None = field(default=None, repr=False)
    picture: Picture | None = field(default=None, repr=False)

    @property
    def uncertainty(self) -> Uncertainty | None:
        """Uncertainty of the first method that has one."""
        return next(iter(self.uncertainties.values()), None)

    def of(self, method: str, window: str = FOREGROUND) -> Fidelity:
        """Return the metrics of ``"noisy"`` or of a method in a window.

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
        """Return a row for each method and window, as in ``figures.csv``."""
        return [{**self._lead(), **one.facts()} for one in self.fidelity]

    def _lead(self) -> dict[str, Any]:
        names = ("case", "person", "modality", "unit")
        return {name: getattr(self, name) for name in names}

    def facts(self) -> dict[str, Any]:
        """Return all metrics, for JSON."""
        return {
            **self._lead(),
            "methods": list(self.methods),
            "fidelity": [one.facts() for one in self.fidelity],
            "strata": [asdict(one) for one in self.strata],
            "uncertainty": {name: one.facts() for name, one in self.uncertainties.items()},
            "floor": [asdict(one) for one in self.floors],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        wide = max(len(name) for name in (NOISY, *self.methods))
        lines = [f"{self.case}: {self.modality}, {self.of(NOISY).voxels} voxels"]
        for one in self.fidelity:
            lines.append(
                f"{one.method:<{wide}} {one.window.name:<10} PSNR {one.psnr_db:.2f} dB, SSIM "
                f"{one.ssim:.4f} (data range {one.window.data_range:.5g} {self.unit}), RMSE "
                f"{one.rmse:.4g} {self.unit}, bias {one.bias:.3g} {self.unit}"
            )
        for name, judged in self.uncertainties.items():
            lead = f"{name}: " if len(self.methods) > 1 else ""
            lines += [
                f"{lead}the {level.nominal:.0%} interval covers {level.covered:.1%} of the voxels, "
                f"mean width {level.width:.3g} {self.unit}"
                for level in judged.levels
                if level.kind == "result"
            ]
        return "\n".join(lines)


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
        points=points_of(images, counted),
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
