"""The result of a run: volumes on the source's grid, region read-outs, files and their record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from medrestore.errors import SettingsError
from medrestore.results.exceedance import exceedance
from medrestore.results.regions import Region, Regions
from medrestore.results.saving import save

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from medrestore.engine.arrays import Arrays
    from medrestore.engine.checks import Checks, Guards
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model
    from medrestore.volume import Volume

__all__ = ["LAYERS", "Region", "Result"]

LAYERS = ("restored", "std", "lower", "upper", "exceeds", "removed", "inconsistent")
"""Outputs in the order in which they are written and shown."""


@dataclass(frozen=True, eq=False)
class Result:
    """A restored scan and its uncertainty.

    Parameters
    ----------
    restored, std, lower, upper : Volume
        Restored scan; RMS error expected about it; interval of the plan's level. For the slices of
        the plan (all, unless it is a preview).
    exceeds : Volume, optional
        The probability that a voxel exceeds ``settings.exceeds``, if that was asked for.
    removed, inconsistent : Volume, optional
        Guards (`core.consistency_check`), in the scan's unit, 0 where all is well: what was taken
        away that noise does not explain, smoothed, above 0 where the scan was brighter; the part of
        it that μ shows and the scan does not.
    samples : ndarray of float32, shape (k, z, y, x) or (k, t, z, y, x), optional
        Posterior samples, if they were kept.
    plan : Plan
        What was run.
    drawn : int
        Samples that the maps rest on: fewer than planned after a cancel.
    guards : Guards, optional
        The guards in numbers, and the verdict on the run.
    """

    restored: Volume
    std: Volume
    lower: Volume
    upper: Volume
    samples: NDArray[np.float32] | None
    plan: Plan
    drawn: int
    exceeds: Volume | None = None
    removed: Volume | None = None
    inconsistent: Volume | None = None
    guards: Guards | None = None
    _source: Volume | None = field(default=None, repr=False)
    _arrays: Arrays | None = field(default=None, repr=False)
    _model: Model | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """One line: what was restored, by what; never the voxels."""
        plan = self.plan
        how = f"{plan.model}, {self.drawn} samples, seed {plan.settings.seed}"
        return f"Result({self.restored!r}, {how})"

    @classmethod
    def of(
        cls,
        plan: Plan,
        source: Volume,
        arrays: Arrays,
        shown: Arrays,
        checks: Checks,
        model: Model | None = None,
    ) -> Result:
        """A run in the geometry of its source.

        Parameters
        ----------
        plan, source
            What was run, on which scan.
        arrays, shown : Arrays
            On the grid that the plan works on, for regions; on that of the scan (`own_grid`).
        checks : Checks
            On the grid of the scan.
        model : Model, optional
            The run's.
        """
        grid = source if plan.slices is None else source.slices(plan.slices)

        def volume(name: str) -> Volume:
            return grid.with_array(getattr(shown, name))

        found = cls(
            **{name: volume(name) for name in ("restored", "std", "lower", "upper")},
            removed=grid.with_array(checks.removed),
            inconsistent=grid.with_array(checks.inconsistent),
            guards=checks.guards,
            samples=shown.samples,
            plan=plan,
            drawn=arrays.drawn,
            _source=source,
            _arrays=arrays,
            _model=model,
        )
        value = plan.settings.exceeds
        return found if value is None else replace(found, exceeds=found.exceedance(value))

    @classmethod
    def reopened(
        cls,
        plan: Plan,
        source: Volume | None,
        volumes: Mapping[str, Volume],
        samples: NDArray[np.float32] | None = None,
    ) -> Result:
        """A result from what was saved of it.

        Parameters
        ----------
        plan : Plan
            Of the run, with as many samples as were drawn.
        source : Volume, optional
            The scan that was restored; regions need it.
        volumes : mapping
            By the names in `LAYERS`; of these the last three may be missing.
        samples : ndarray, optional
            Posterior samples, if they were kept.
        """
        drawn = plan.settings.samples
        return cls(
            restored=volumes["restored"],
            std=volumes["std"],
            lower=volumes["lower"],
            upper=volumes["upper"],
            samples=samples,
            plan=plan,
            drawn=drawn,
            exceeds=volumes.get("exceeds"),
            removed=volumes.get("removed"),
            inconsistent=volumes.get("inconsistent"),
            _source=source,
        )

    @property
    def scan(self) -> Volume | None:
        """The scan that was restored, where it is at hand."""
        return self._source

    @property
    def model(self) -> Model | None:
        """The run's model, where it is loaded."""
        return self._model

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of this run: of its plan, and of guards that failed."""
        return (*self.plan.warnings, *(self.guards.warnings() if self.guards else ()))

    def region(self, mask: NDArray[Any] | Volume, t: int = 0) -> Region:
        """Mean over a region, with its interval.

        Errors of neighbours are correlated, which a sum of voxel variances cannot say. The
        variance follows in closed form from the residual's spectrum, and the region's means in the
        samples tell more about it (`core.region_mean.fused_spread`). Measuring is instant after a
        run; of a saved one samples are drawn again for the slices that the region touches, from
        the plan's seed.

        Parameters
        ----------
        mask : ndarray of bool, shape (z, y, x), or Volume
            The region on the scan's grid; non-zero is inside.
        t : int
            Time point of a 4-D scan.

        Raises
        ------
        SettingsError
            If the region is empty or on another grid.
        """
        return self.regions().measure(mask, t)

    def difference(self, a: NDArray[Any] | Volume, b: NDArray[Any] | Volume, t: int = 0) -> Region:
        """Mean over region ``a`` minus that over ``b``, with its interval.

        What both have in common, errors too, cancels: the interval is that of the difference, and
        ``result.difference(lesion, background).exceeds(0)`` the probability that the lesion is
        brighter. Masks and errors as in `region`; `Region.voxels` counts those of either.
        """
        return self.regions().difference(a, b, t)

    def regions(self) -> Regions:
        """Read-out of regions: of many, its `ready` spares running again for each."""
        if self._source is None:
            raise SettingsError("regions need the scan of the run; denoise the scan again")
        return Regions(self.plan, self._source, self.drawn, self._arrays, self.samples, self._model)

    def exceedance(
        self,
        value: float,
        reference: NDArray[Any] | Volume | None = None,
        t: int | None = None,
        below: bool = False,
    ) -> Volume:
        """Probability that each voxel's true value exceeds a value, or a region's mean by it.

        It is that of the distribution whose intervals are calibrated: ``upper`` is exceeded with
        probability (1 − level)/2. Each voxel is judged by itself; the probability that several
        exceed together is another. Nothing is restored again but what `region` needs.

        Parameters
        ----------
        value : float
            In the scan's unit.
        reference : ndarray of bool, shape (z, y, x), or Volume, optional
            A region on the scan's grid: x − (its mean) is then compared with ``value``. The two
            err together where they are near, by the residual's spectrum.
        t : int, optional
            Time point of a 4-D scan; by default all of them.
        below : bool
            The probability that it is less, instead.

        Returns
        -------
        Volume
            0 to 1, NaN where the scan is; its ``warnings`` say where coverage was never measured.

        Raises
        ------
        SettingsError
            If the value is no number, or the region is empty or on another grid.
        ModelError
            If the model's card is not there, or is another version's.
        """
        return exceedance(self, value, reference, t, below)

    def layers(self) -> dict[str, Volume]:
        """The volumes there are, by name."""
        found = {name: getattr(self, name) for name in LAYERS}
        return {name: volume for name, volume in found.items() if volume is not None}

    def save(
        self, out: str | os.PathLike[str], format: str = "source", overwrite: bool = False
    ) -> list[Path]:
        """Write the volumes and the run record into a folder.

        Parameters
        ----------
        out : path
            Folder; made if absent.
        format : "source", "nifti", "dicom" or "zarr"
            DICOM needs a DICOM source; ``"source"`` is DICOM for one, Zarr for a Zarr store and
            NIfTI for all others.
        overwrite : bool
            Replace results that are there; otherwise they are an error.

        Returns
        -------
        list of Path
            What was written: ``<stem>_restored``, ``_std``, ``_lower``, ``_upper``, ``_exceeds``,
            ``_removed``, ``_inconsistent`` (.nii.gz, .zarr, or folders with a derived DICOM
            series), with DICOM also ``_std_map`` (the standard deviation as a Parametric Map in
            float32, with its unit; ``_exceeds`` is one too), ``_noise`` where the noise was a map,
            and ``<stem>_run.json`` last.

        Raises
        ------
        OutputError
            If something is in the way or the folder cannot be written.
        """
        return save(self, out, format, overwrite)
