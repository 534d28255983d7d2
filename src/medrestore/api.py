"""The Python interface: a scan in, a result out. its names are an interface.

>>> import medrestore as mr
>>> result = mr.denoise(mr.read("scan.nii.gz"))
>>> result.save("out/")
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.core.meter import SILENT, Meter
from medrestore.engine.value_check import check_values, modality_of
from medrestore.errors import SettingsError
from medrestore.modalities import modality_named
from medrestore.restorer import RESTORER, warn_of
from medrestore.results.result import Result
from medrestore.settings.settings import SETTINGS, Settings
from medrestore.volume import Volume

if TYPE_CHECKING:
    import os

    from medrestore.engine.noise import Level
    from medrestore.engine.plan import Plan
    from medrestore.io import Scan, Scans
    from medrestore.io.dicom.grid import Gaps
    from medrestore.models.model import Model

__all__ = [
    "Result",
    "denoise",
    "find",
    "make_plan",
    "read",
    "run_plan",
    "simulate",
    "write",
]


def read(
    path: str | os.PathLike[str] | Scan,
    modality: str | None = None,
    gaps: Gaps = "error",
    hu_offset: float = 0.0,
) -> Volume:
    """Read a file, a folder with exactly one volume, or what `find` returned.

    Parameters
    ----------
    path : path or Scan
        NIfTI, DICOM, NRRD, MetaImage or Zarr.
    modality : "CT" or "MR", optional
        What the scan is, where its file does not say.
    gaps : {"error", "keep"}
        What to do where DICOM slices are missing or uneven: refuse, or keep each slice's position.
    hu_offset : float
        Added to every voxel of a CT: the rescale intercept (commonly −1024) that its file lost.

    Returns
    -------
    Volume
        Float32 intensities (HU or a.u.) with geometry; 4-D scans are ``(t, z, y, x)``.

    Raises
    ------
    InputError
        If there is no scan, more than one, or one that cannot be used; its subclasses say why.
    """
    return io.read(path, modality, gaps, hu_offset)


def find(path: str | os.PathLike[str], progress: io.Progress | None = None) -> Scans:
    """Every volume under a folder; `io.find`."""
    return io.find(path, progress)


def write(volume: Volume, path: str | os.PathLike[str], overwrite: bool = False) -> Any:
    """Write a volume to .nii.gz, .nii, .nrrd or .mha on its own grid; `io.write`."""
    return io.write(volume, path, overwrite)


def denoise(
    volume: Volume,
    model: str = "auto",
    mode: str | None = None,
    estimate: str = "mean",
    samples: int = 8,
    steps: int | None = None,
    level: float = 0.9,
    noise: str | float | Volume = "auto",
    seed: int = 0,
    device: str = "auto",
    sampler: str = "auto",
    keep_samples: bool = False,
    progress: Meter | None = None,
    schedule: str = "cosine",
    precision: str = "auto",
    memory_gb: float | None = None,
    guidance: float = 1.0,
    measurement: float = 0.0,
    mirroring: str = "auto",
    grid: str = "auto",
    exceeds: float | None = None,
) -> Result:
    """Restore a scan and say how sure the restoration is: restored, std, lower, upper.

    Parameters
    ----------
    volume : Volume
        From `read`; CT in HU or MR magnitudes, 3-D or 4-D (each time point on its own).
    others
        See `Settings`, where they have the same names; ``steps=None`` is its 0, ``noise`` may be a
        map of standard deviations in the scan's unit, ``progress`` follows and may cancel the run.

    Returns
    -------
    Result
        On the source's grid. Each of its ``warnings`` is also said as a `MedrestoreWarning`.

    Raises
    ------
    MedrestoreError
        What was wrong and what to do.
    """
    given = {name: value for name, value in locals().items() if name in SETTINGS}
    given |= {"steps": steps or 0, "noise": "map" if isinstance(noise, Volume) else noise}
    settings = Settings(**given)
    plan = make_plan(volume, settings, noise if isinstance(noise, Volume) else None)
    return warn_of(RESTORER.run(plan, volume, progress or SILENT))


def make_plan(
    volume: Volume,
    settings: Settings,
    noise_map: Volume | None = None,
    model: Model | None = None,
    levels: tuple[Level, ...] | None = None,
) -> Plan:
    """Decide a run; `restorer.Restorer.plan`."""
    return RESTORER.plan(volume, settings, noise_map, model, levels)


def run_plan(
    plan: Plan, volume: Volume, meter: Meter = SILENT, model: Model | None = None
) -> Result:
    """Run a plan; `restorer.Restorer.run`.

    Warns
    -----
    MedrestoreWarning
        Each of the result's ``warnings``, as `denoise` does.
    """
    return warn_of(RESTORER.run(plan, volume, meter, model))


def simulate(
    volume: Volume,
    dose: float | None = None,
    noise: float | None = None,
    hu: float | None = None,
    seed: int = 0,
) -> Volume:
    """A noisier scan from a scan, with the physics of its modality.

    Parameters
    ----------
    volume : Volume
        The scan; its own noise stays in it.
    dose : float, optional
        CT: fraction of the dose, 0 to 1; photons follow from the noise measured in the scan.
    noise : float, optional
        MR: σ per channel as a fraction of the foreground scale (Rician).
    hu : float, optional
        CT: added standard deviation in soft tissue, instead of ``dose``.
    seed : int
        Seed of the noise.

    Raises
    ------
    SettingsError
        If the arguments do not fit the modality.
    UnsuitableError
        If the scan is neither CT in HU nor magnitudes of MR.
    """
    modality = modality_named(modality_of(volume))
    check_values(volume)
    own, least = None, modality.least_own_noise
    if least is not None and dose is not None:
        own = modality.estimate_noise(volume.time_point(0).array).sigma
        if own < least:
            raise SettingsError(
                f"dose={dose:g} scales the noise that the scan has, and that is {own:.2g} "
                f"{modality.unit}: nothing to scale; say how much to add with hu= (--hu)"
            )
    array, _ = modality.noisier(
        volume.array,
        volume.geometry.spacing_mm[1],
        dose=dose,
        noise=noise,
        hu=hu,
        own_noise_hu=own,
        seed=seed,
    )
    name = f"{volume.source.name}_noisy"
    return volume.with_array(array, source=replace(volume.source, name=name))
