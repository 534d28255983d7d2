"""Design of a scene: its inserts, their number and their positions."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from medrestore.core.intensity import foreground_scale
from medrestore.errors import InputError, SettingsError
from medrestore.evaluation.ensemble.scene import Insert, Region, Scene
from medrestore.evaluation.strata import tissue
from medrestore.modalities import modality_named
from medrestore.physics.phantom.plain import plain
from medrestore.volume import Geometry, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Design", "Need", "find_positions", "of_phantom", "of_scan"]

SHAPE, SPACING_MM = (5, 256, 256), (3.0, 0.9, 0.9)
"""The phantom's grid."""
REGION_MM = 28.0
LESION_REACH_MM = 12.0
ROD_REACH = 0.95
"""Half the side of the square about a rod, in its diameter: the edge, and as much about it."""
FEWEST_ROW = 8
MARGIN_MM = 4.0
"""Tissue that is left about an insert."""
TRIES = 40


@dataclass(frozen=True)
class Design:
    """Inserts of an ensemble; contrasts are in HU for CT, in percent of the foreground for MR.

    Parameters
    ----------
    rods : tuple of float
        Contrast of each rod, for transfer functions and linearity; different from each other.
    rod_mm : float
        Diameter of the rods.
    sizes_mm : tuple of float
        Diameters of the lesions.
    contrasts : tuple of float
        Contrasts of the lesions; each size comes in each of them.
    places : int
        Lesions of each size and contrast.
    regions : int
        Squares of 28 mm for noise power spectra.

    Raises
    ------
    SettingsError
        If a size is not positive, a contrast is 0 or twice there, or fewer than two rods are asked
        for.
    """

    rods: tuple[float, ...]
    rod_mm: float = 16.0
    sizes_mm: tuple[float, ...] = (4.0, 8.0)
    contrasts: tuple[float, ...] = (10.0, 20.0)
    places: int = 3
    regions: int = 4

    @classmethod
    def usual(cls, modality: str) -> Design:
        """Return rods and lesions for a modality."""
        judged = modality_named(modality).evaluation
        return cls(rods=judged.rods, contrasts=judged.lesions)

    def __post_init__(self) -> None:
        sizes = (self.rod_mm, *self.sizes_mm)
        if min(sizes) <= 0 or self.places < 1 or self.regions < 1 or not self.sizes_mm:
            raise SettingsError(f"sizes and numbers of inserts are positive, got {self}")
        for name, values in (("rods", self.rods), ("lesions", self.contrasts)):
            if 0 in values or len(set(values)) < len(values) or not values:
                raise SettingsError(
                    f"contrasts of {name} differ from 0 and from each other, got {values}"
                )
        if len(self.rods) < 2:
            raise SettingsError(f"linearity needs two rods at least, got {len(self.rods)}")
        if max(self.sizes_mm) > LESION_REACH_MM:
            raise SettingsError(
                f"lesions are at most {LESION_REACH_MM:g} mm across, got {max(self.sizes_mm):g}"
            )


def of_phantom(modality: str, design: Design | None = None, seed: int = 0) -> Scene:
    """Return a scene in the plain phantom, 5 slices of 256 × 256 voxels of 3 × 0.9 × 0.9 mm."""
    depth, height, width = SPACING_MM
    affine = np.array([[0, 0, -width, 0], [0, -height, 0, 0], [depth, 0, 0, 0], [0, 0, 0, 1.0]])
    kind = modality_named(modality)
    if kind.evaluation.phantom is None:
        raise SettingsError(f"there is no phantom of {modality}; give a scan")
    array = plain(kind.evaluation.phantom, SHAPE, SPACING_MM).array
    name = Source(name=f"{modality.lower()}_phantom")
    volume = Volume(array, Geometry(SHAPE, affine), modality, kind.unit, name)
    return _scene(volume, modality, design or Design.usual(modality), seed)


def of_scan(
    volume: Volume,
    design: Design | None = None,
    *,
    slices: int = 5,
    middle: int | None = None,
    seed: int = 0,
) -> Scene:
    """Return a scene in some slices of a scan; the scan's own noise stays in every realisation.

    Parameters
    ----------
    volume : Volume
        3-D, of known modality.
    design : Design, optional
        Inserts; `Design.usual` if absent.
    slices : int
        Number of slices, odd.
    middle : int, optional
        The middle one, where the lesions lie; the scan's middle if absent.
    seed : int
        Of the positions.

    Raises
    ------
    InputError
        If the scan is 4-D or of unknown modality, or inserts find no room in its tissue.
    SettingsError
        If there are no such slices.
    """
    if volume.is_4d or volume.modality is None:
        raise InputError(
            f"{volume.source.name} is 4-D or does not say whether it is CT or MR; give a single "
            "time point, and its modality"
        )
    depth = volume.geometry.shape[0]
    centre = depth // 2 if middle is None else middle
    first, last = centre - slices // 2, centre + slices // 2
    if slices < 1 or slices % 2 == 0 or first < 0 or last >= depth:
        raise SettingsError(
            f"{slices} slices about slice {centre} of {depth} cannot be had; ask for an odd number "
            "that fits"
        )
    if not np.isfinite(volume.array[first : last + 1]).all():
        raise InputError(f"{volume.source.name} has voxels without a value in those slices")
    part = volume.slices(tuple(range(first, last + 1)))
    return _scene(part, volume.modality, design or Design.usual(volume.modality), seed)


def _scene(volume: Volume, modality: str, design: Design, seed: int) -> Scene:
    _, *pixel = volume.geometry.spacing_mm
    kind = modality_named(modality)
    scale = foreground_scale(volume.array) / 100 if kind.noise.relative else 1.0
    reach = ceil(ROD_REACH * design.rod_mm / min(pixel)), int(LESION_REACH_MM / min(pixel))
    side = max(int(REGION_MM / max(pixel)) // 2 * 2, FEWEST_ROW)
    lesions = [(s, c) for s in design.sizes_mm for c in design.contrasts] * design.places
    needs = [Need.insert(design.rod_mm, (reach[0] + 1) * max(pixel))] * len(design.rods)
    needs += [Need.insert(size, (reach[1] + 1) * max(pixel)) for size, _ in lesions]
    needs += [Need.region((side / 2 + 1) * max(pixel))] * design.regions
    positions = find_positions(_usable(volume.array, modality), (pixel[0], pixel[1]), needs, seed)
    middle = volume.geometry.shape[0] // 2
    sizes = [(design.rod_mm, contrast) for contrast in design.rods] + lesions
    inserts = tuple(
        Insert("rod" if i < len(design.rods) else "lesion", (middle, *at), size, contrast * scale)
        for i, (at, (size, contrast)) in enumerate(zip(positions, sizes, strict=False))
    )
    regions = tuple(
        Region(row - side // 2, column - side // 2, side) for row, column in positions[len(sizes) :]
    )
    scene = Scene(volume, inserts, regions, reach, modality)
    floor = kind.lowest
    if floor is not None and scene.clean("present").array.min() < min(floor, volume.array.min()):
        raise SettingsError(
            "an insert would make the signal negative, which no magnitude is; ask for rods and "
            f"lesions whose contrasts are less negative than {min(design.rods):g} %"
        )
    return scene


def _usable(array: NDArray[np.float32], modality: str) -> NDArray[np.bool_]:
    """Return pixels (y, x) that are tissue in all slices: soft tissue in CT, foreground in MR."""
    soft = modality_named(modality).evaluation.soft_tissue
    if soft is not None:
        smooth = ndimage.gaussian_filter(array, (0, 1.5, 1.5))
        low, high = soft
        inside = ((smooth > low) & (smooth < high)).all(axis=0)
    else:
        inside = tissue(array, modality).all(axis=0)
    return np.asarray(ndimage.binary_closing(inside, iterations=1))


class Need(NamedTuple):
    """Room that an insert or a region needs.

    Parameters
    ----------
    core_mm : float
        Half the width of what is inserted; tissue must reach 4 mm beyond it. 0: nothing is.
    reach_mm : float
        Half the width of the square that is looked at; no other insert comes nearer to it than
        4 mm, so that a blurred one does not reach into it either.
    tissue_mm : float
        Distance from its centre within which all must be tissue.
    """

    core_mm: float
    reach_mm: float
    tissue_mm: float

    @classmethod
    def insert(cls, diameter_mm: float, reach_mm: float) -> Need:
        """Return the need of an insert and the square about it."""
        return cls(diameter_mm / 2, reach_mm, diameter_mm / 2 + MARGIN_MM)

    @classmethod
    def region(cls, half_mm: float) -> Need:
        """Return the need of a square that is tissue all over."""
        return cls(0.0, half_mm, half_mm * float(np.sqrt(2)))


def find_positions(
    tissue: NDArray[np.bool_],
    spacing_mm: tuple[float, float],
    needs: Sequence[Need],
    seed: int = 0,
) -> list[tuple[int, int]]:
    """Return a pixel (y, x) for each need, near to one another, so that many fit.

    The largest come first, equal ones in random order; each takes the free position nearest to the
    middle of the tissue. If that leaves some without, the start is moved, at most 40 times.

    Parameters
    ----------
    tissue : ndarray of bool, shape (y, x)
        Pixels in which inserts may lie.
    spacing_mm : (float, float)
        Pixel size along (y, x).
    needs : sequence of Need
        Inserts and regions.
    seed : int
        Of order and starts.

    Raises
    ------
    InputError
        If they do not all fit.
    """
    rng = np.random.default_rng(seed)
    depth = ndimage.distance_transform_edt(np.pad(tissue, 1), sampling=spacing_mm)[1:-1, 1:-1]
    most = 0
    for attempt in range(TRIES):
        order = sorted(rng.permutation(len(needs)), key=lambda i: -needs[i].tissue_mm)
        found = _placed(depth, spacing_mm, [needs[i] for i in order], rng if attempt else None)
        if len(found) == len(needs):
            return [found[order.index(i)] for i in range(len(needs))]
        most = max(most, len(found))
    raise InputError(
        f"only {most} of {len(needs)} inserts and noise regions find room in the tissue of the "
        "chosen slices; ask for fewer places, sizes or contrasts, smaller rods, or other slices"
    )


def _placed(
    depth: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    needs: Sequence[Need],
    rng: np.random.Generator | None,
) -> list[tuple[int, int]]:
    """Return positions of the first needs, as far as they fit."""
    height, width = depth.shape
    y = (np.arange(height) * spacing_mm[0])[:, None]
    x = (np.arange(width) * spacing_mm[1])[None]
    weight = np.maximum(depth, 0)
    if not weight.any():
        return []
    start = [float((weight * axis).sum() / weight.sum()) for axis in (y, x)]
    if rng is not None:
        start = [s + rng.uniform(-40, 40) for s in start]
    away = np.hypot(y - start[0], x - start[1])
    found: list[tuple[int, int]] = []
    for number, need in enumerate(needs):
        free = depth >= need.tissue_mm
        edge = min(need.reach_mm, need.tissue_mm) if need.core_mm == 0 else need.reach_mm
        free &= (y >= edge) & (y <= y[-1] - edge) & (x >= edge) & (x <= x[:, -1:] - edge)
        for (row, column), other in zip(found, needs[:number], strict=True):
            apart = max(need.reach_mm + other.core_mm, other.reach_mm + need.core_mm)
            apart += MARGIN_MM if need.core_mm or other.core_mm else 0
            free &= np.maximum(np.abs(y - y[row]), np.abs(x - x[0, column])) > apart
        if not free.any():
            return found
        best = np.unravel_index(np.argmin(np.where(free, away, np.inf)), free.shape)
        found.append((int(best[0]), int(best[1])))
    return found
