"""Metrics of one case: its noisy scan and every restored one against the reference."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError
from medrestore.evaluation.metrics import NOISY
from medrestore.evaluation.strata import FOREGROUND

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from medrestore.evaluation.features import SliceFeatures
    from medrestore.evaluation.floor import Floor
    from medrestore.evaluation.metrics import Fidelity
    from medrestore.evaluation.picture import Picture
    from medrestore.evaluation.strata import Stratum
    from medrestore.evaluation.uncertainty import Uncertainty

__all__ = ["Report"]


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
        lead = {
            "case": self.case,
            "person": self.person,
            "modality": self.modality,
            "unit": self.unit,
        }
        return [{**lead, **one.facts()} for one in self.fidelity]

    def facts(self) -> dict[str, Any]:
        """Return all metrics, for JSON."""
        return {
            "case": self.case,
            "person": self.person,
            "modality": self.modality,
            "unit": self.unit,
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
