"""What is restored and what it is compared with: one `Case` per scan and noise level.

Simulated noise: 24 slices around the middle of the third stored axis, noise of seed 0, the inner 16
scored (all but four at either end). MR: intensities over the reference's foreground scale, Rician,
voxels above 6 %. CT: noise through filtered back-projection (`physics.simulate`), soft tissue
(−50 to 150 HU of the reference).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import medrestore as mr
from benchmarks.quality.cache import ROOT, cached
from medrestore.core.intensity import foreground_scale
from medrestore.modalities import modality_named
from medrestore.physics import ct, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.physics.ct import Scanner

DATA = ROOT.parent / "shared" / "data"
SEED = 0
SCANS = {
    "MR": (
        "mr_niivue_t2w",
        "mr_pyradiomics_brain1",
        "mr_pyradiomics_brain2",
        "mr_torchio_t2",
        "mr_uih_t1_b",
    ),
    "CT": ("ct_totalseg_abdomen", "ct_cptacpda_abdomen_sharp"),
}
LEVELS = {"MR": (0.01, 0.03, 0.09), "CT": (15.0, 20.0, 30.0, 40.0)}
CLEAN = {"MR": 0.002, "CT": 2.0}
"""Noise levels of the row "clean input": 0.2 % of the foreground scale, of 1000 HU."""
SOFT_HU = (-50.0, 150.0)


@dataclass(frozen=True, eq=False)
class Case:
    """One noisy volume, what it should become, and where it is scored.

    Parameters
    ----------
    scan, modality, kind
        File name without its suffix; ``"CT"`` or ``"MR"``; ``"simulated"``, ``"repeat"`` or
        ``"phantom"``.
    level : float
        Noise as asked for: a fraction of the foreground scale (MR), HU in soft tissue (CT).
    noisy, truth : ndarray of float32, shape (z, y, x)
        Input and reference. MR: in units of the foreground scale.
    mask : ndarray of bool, shape (z, y, x)
        Where the figures are taken.
    sigma : float
        Noise to be removed, in the unit of ``noisy``.
    spacing : tuple of float
        Voxel size (z, y, x), mm.
    sigma_map : ndarray of float32, optional
        Its local standard deviation (CT).
    own : float
        Estimated noise of the reference itself, same unit.
    """

    scan: str
    modality: str
    kind: str
    level: float
    noisy: NDArray[np.float32]
    truth: NDArray[np.float32]
    mask: NDArray[np.bool_]
    sigma: float
    spacing: tuple[float, float, float]
    sigma_map: NDArray[np.float32] | None = field(default=None, repr=False)
    own: float = 0.0

    @property
    def inner(self) -> tuple[int, ...]:
        """Slices that are scored."""
        return tuple(int(z) for z in np.flatnonzero(self.mask.any(axis=(1, 2))))

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """What peers restore: all slices; in plane, what is scored and 16 pixels around it.

        Simulated MR: the whole plane, as the figures of `evaluation.md` were taken.
        """
        if self.kind == "simulated" and self.modality == "MR":
            return (slice(None), slice(None), slice(None))
        plane = self.mask.any(axis=0)
        sides = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
        rows, columns = (slice(max(0, int(s[0]) - 16), int(s[-1]) + 17) for s in sides)
        return (slice(None), rows, columns)

    @property
    def volume(self) -> mr.Volume:
        """The noisy volume as `medrestore` takes it."""
        affine = np.diag([*self.spacing[::-1], 1.0])
        return mr.Volume(self.noisy, mr.Geometry(self.noisy.shape, affine), self.modality)

    @property
    def noise(self) -> str:
        """The level, for a line of text."""
        return f"{100 * self.level:.3g} %" if self.modality == "MR" else f"{self.level:.3g} HU"


def central(count: int, wanted: int = 24) -> slice:
    """The ``wanted`` slices around the middle."""
    middle = count // 2
    return slice(max(0, middle - wanted // 2), middle + wanted // 2)


def without_margin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without the outer slices (four, or a third of few), which lack neighbours."""
    margin = min(4, (len(mask) - 1) // 3)
    kept = mask.copy()
    kept[:margin], kept[len(mask) - margin :] = False, False
    return kept


def low_dose(
    part: NDArray[np.float32], pixel_mm: float, hu: float, scanner: Scanner | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Noisy CT slices and the noise's std map; kept until the simulation's code changes."""
    code = b"".join(Path(module.__file__).read_bytes() for module in (ct, simulate))
    parameters = {"hu": hu, "pixel_mm": pixel_mm, "seed": SEED}
    if scanner is not None:
        parameters["scanner"] = asdict(scanner)

    def compute() -> NDArray[np.float32]:
        return np.stack(simulate.noisier_ct(part, pixel_mm, hu=hu, seed=SEED, scanner=scanner))

    both, _ = cached(part, "low_dose", parameters, sha256(code).hexdigest()[:16], compute)
    return both[0], both[1]


@lru_cache(maxsize=1)
def _read(path: Path, modality: str) -> tuple[mr.Volume, float]:
    """A scan and the estimate of its own noise."""
    volume = mr.read(path, modality)
    return volume, modality_named(modality).estimate_noise(volume.array).sigma


def simulated(
    scan: str,
    modality: str,
    level: float,
    folder: str = "validation",
    wanted: int = 24,
    scanner: Scanner | None = None,
) -> Case:
    """A scan with simulated noise of seed 0 in its ``wanted`` central slices."""
    volume, own = _read(DATA / folder / f"{scan}.nii.gz", modality)
    part = volume.array[central(len(volume.array), wanted)]
    spacing = volume.geometry.spacing_mm
    if modality == "CT":
        noisy, std = low_dose(part, spacing[1], level, scanner)
        mask = without_margin((part > SOFT_HU[0]) & (part < SOFT_HU[1]))
        return Case(scan, "CT", "simulated", level, noisy, part, mask, level, spacing, std, own)
    scale = np.float32(foreground_scale(volume.array))
    part = part / scale
    rng = np.random.default_rng(SEED)
    real, imaginary = rng.standard_normal(part.shape), rng.standard_normal(part.shape)
    noisy = np.hypot(part + level * real, level * imaginary).astype(np.float32)
    mask = without_margin(part > 0.06)
    own /= float(scale)
    return Case(scan, "MR", "simulated", level, noisy, part, mask, level, spacing, None, own)


def cropped(case: Case, slices: slice, rows: slice, columns: slice) -> Case:
    """A part of a case, every voxel of it scored: for tuning."""
    box = (slices, rows, columns)
    return replace(
        case,
        noisy=case.noisy[box],
        truth=case.truth[box],
        mask=case.mask[box],
        sigma_map=None if case.sigma_map is None else case.sigma_map[box],
    )
