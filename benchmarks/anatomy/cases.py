"""People that no training has seen, by anatomy, and what is restored of them.

Ten slices around the middle of the third stored axis (single slices as they are), in plane the
`SIDE` × `SIDE` pixels around the centre of what counts; the four inner slices are scored, without
`EDGE` pixels along the cut. Noise of seed 0, simulated on whole slices before they are cut.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.anatomy.independent import own_noise, power_ratio
from benchmarks.quality.cases import Case, cropped, simulated
from medrestore.physics.ct import Scanner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["HELD_OUT", "KERNELS", "LEVELS", "Cell", "HeldOut", "cells", "part", "told_all"]


class HeldOut(NamedTuple):
    """A scan of a person that no training has seen."""

    anatomy: str
    scan: str
    folder: str = "train"


HELD_OUT = {
    "CT": (
        HeldOut("chest", "ct/rider0109_chest"),
        HeldOut("abdomen", "ct_totalseg_abdomen", "validation"),
        HeldOut("limb", "ct/sts019_limb"),
        HeldOut("limb", "ct/sts028_limb"),
        HeldOut("single slice", "ct/tcga17z058_1"),
        HeldOut("single slice", "ct/tcga17z058_4"),
        HeldOut("single slice", "ct/tcga17z036_2"),
        HeldOut("single slice", "ct/tcga602715_1"),
    ),
    "MR": (
        HeldOut("pelvis", "mr/px0001_prostate_t2tra_a"),
        HeldOut("pelvis", "mr/px0001_prostate_t2cor"),
        HeldOut("abdomen", "mr/cmb06489_abdomen_t2_a"),
        HeldOut("limb", "mr/sts030_limb_t1"),
        HeldOut("brain, FLAIR", "mr/ms19_brain_flair"),
        HeldOut("brain, T1", "mr_uih_t1_b", "validation"),
        HeldOut("brain, T1+Gd", "mr_pyradiomics_brain1", "validation"),
        HeldOut("brain, T1+Gd", "mr_pyradiomics_brain2", "validation"),
        HeldOut("brain, T2", "mr_torchio_t2", "validation"),
        HeldOut("brain, T2", "mr_niivue_t2w", "validation"),
    ),
}
LEVELS = {"CT": (15.0, 30.0, 60.0), "MR": (0.01, 0.03, 0.09)}
KERNELS = {"smooth": Scanner(360, 0.8), "sharp": Scanner(360, 2.0, edge=1.0)}
SLICES, SIDE, EDGE = 10, 104, 8


class Cell(NamedTuple):
    """A case and what says which it is; of CT the kernel, and the powers of own and added noise.

    The added ``sigma`` and the scan's ``own`` are those of the voxels that are scored.
    """

    anatomy: str
    kernel: str
    case: Case
    power_ratio: NDArray[np.float64] | None = None


def cells(
    modality: str,
    held_out: tuple[HeldOut, ...] | None = None,
    side: int = SIDE,
    through: Mapping[str, Scanner] = KERNELS,
    levels: Sequence[float] | None = None,
) -> Iterator[Cell]:
    """Every case of a modality: scan by scan, level by level, of CT kernel by kernel."""
    kernels = dict(through) if modality == "CT" else {"": None}
    levels = levels or LEVELS[modality]
    for one in HELD_OUT[modality] if held_out is None else held_out:
        wholes = {
            (level, kernel): simulated(one.scan, modality, level, one.folder, SLICES, scanner)
            for level in levels
            for kernel, scanner in kernels.items()
        }
        least = [wholes[levels[0], kernel] for kernel in kernels]
        own = min(own_noise(part(whole, side)) for whole in least)
        ratios = {k: power_ratio(w) for k, w in zip(kernels, least, strict=True) if k}
        for (_, kernel), whole in wholes.items():
            case = replace(part(whole, side), own=own)
            yield Cell(one.anatomy, kernel, case, ratios.get(kernel))


def part(case: Case, side: int) -> Case:
    """The middle of what counts, ``side`` pixels wide; its cut edge is not scored."""
    plane = case.mask.any(axis=0)
    box = [slice(None)]
    for axis in (0, 1):
        places = np.flatnonzero(plane.any(axis=1 - axis))
        count, middle = plane.shape[axis], int(places[0] + places[-1] + 1) // 2
        first = min(max(0, middle - side // 2), max(0, count - side))
        box.append(slice(first, min(first + side, count)))
    found = cropped(case, *box)
    mask = np.zeros_like(found.mask)
    inside = (slice(None), slice(EDGE, -EDGE), slice(EDGE, -EDGE))
    mask[inside] = found.mask[inside]
    sigma = case.sigma if found.sigma_map is None else _rms(found.sigma_map[mask])
    return replace(found, mask=mask, sigma=sigma)


def told_all(case: Case) -> Case:
    """The case as a method sees it that is told all noise: √(added² + the scan's own²)."""
    if case.sigma_map is None:
        return replace(case, sigma=float(np.hypot(case.sigma, case.own)))
    total = np.hypot(case.sigma_map, np.float32(case.own))
    return replace(case, sigma=_rms(total[case.mask]), sigma_map=total)


def _rms(values: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
