"""A slice of a case as small pictures: the reference, every image, and their differences."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from PIL import Image

from medrestore.evaluation.metrics import NOISY
from medrestore.evaluation.strata import FOREGROUND, Window, windows_of
from medrestore.modalities import modality_named
from medrestore.report.plots import DIFFERENCE_MAP, STD_MAP
from medrestore.report.slices import view_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.evaluation.images import Images
    from medrestore.volume import Geometry

__all__ = ["Picture", "PictureRow", "picture_of", "points_of"]

LONGEST = 320
"""Pixels along the longer side."""
QUALITY = 82
MARGIN = 6
DRAWN = 20_000
"""Most voxels that are drawn for plots."""


@dataclass(frozen=True)
class PictureRow:
    """Pictures with one scale.

    Parameters
    ----------
    low, high : float
        Intensities at the ends of the colours, in the scan's unit.
    colours : str
        Name of the matplotlib colour map.
    pictures : dict of str to bytes
        WebP by name: reference, noisy, methods.
    """

    low: float
    high: float
    colours: str
    pictures: dict[str, bytes]


@dataclass(frozen=True)
class Picture:
    """The slice of a case that has most tissue, cut to it, turned as radiologists see it.

    Parameters
    ----------
    slice : int
        Its index among the slices that were restored.
    window : str
        Name of the display window: for CT lung where it is most of the slice, else abdomen.
    width_mm : float
        Of the pictures.
    images, differences : PictureRow
        All images; image − reference for noisy and every method.
    stds : PictureRow, optional
        Standard deviations of the methods that have one.
    """

    slice: int
    window: str
    width_mm: float
    images: PictureRow
    differences: PictureRow
    stds: PictureRow | None


def picture_of(images: Images, counted: NDArray[np.bool_]) -> Picture:
    """Return pictures of a case; ``counted`` (z, y, x) are the voxels that count."""
    z = int(counted.sum(axis=(1, 2)).argmax())
    inside, reference = counted[z], images.reference.array[z]
    window = _window(images, z, inside)
    cutout = _Cutout(images.reference.geometry, inside)
    compared = {name: array[z] for name, array in images.compared().items()}
    errors = {name: array - reference for name, array in compared.items()}
    most = float(np.quantile(np.abs(errors[NOISY][inside]), 0.995)) or 1.0
    stds = {name: result.std.array[z] for name, result in images.results.items()}
    return Picture(
        z,
        window.name,
        cutout.width_mm,
        cutout.row({"reference": reference, **compared}, window.low, window.high, "gray"),
        cutout.row(errors, -most, most, DIFFERENCE_MAP),
        cutout.row(stds, 0.0, _highest(stds, inside), STD_MAP) if stds else None,
    )


def _window(images: Images, z: int, inside: NDArray[np.bool_]) -> Window:
    reference = images.reference.array
    windows = {one.name: one for one in windows_of(reference, images.modality)}
    pictured = modality_named(images.modality).evaluation.pictured
    return windows[FOREGROUND if pictured is None else pictured(reference[z][inside])]


def _highest(stds: dict[str, NDArray[np.float32]], inside: NDArray[np.bool_]) -> float:
    values = np.concatenate([std[inside] for std in stds.values()])
    finite = values[np.isfinite(values)]
    return (float(np.quantile(finite, 0.995)) if finite.size else 0.0) or 1.0


def points_of(images: Images, counted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return reference, noisy and methods at some voxels, (n, 2 + methods), for plots."""
    chosen = np.flatnonzero(counted)
    if chosen.size > DRAWN:
        chosen = np.random.default_rng(0).choice(chosen, DRAWN, replace=False, shuffle=False)
    arrays = (images.reference.array, *images.compared().values())
    return np.stack([array.ravel()[chosen] for array in arrays], axis=1)


class _Cutout:
    """Cuts planes (y, x) to the tissue, turns them for display and draws them.

    Parameters
    ----------
    geometry : Geometry
        Of the scan.
    inside : ndarray of bool, shape (y, x)
        The tissue.
    """

    def __init__(self, geometry: Geometry, inside: NDArray[np.bool_]) -> None:
        ends = [np.flatnonzero(inside.any(axis=axis))[[0, -1]] for axis in (1, 0)]
        self._cut = tuple(
            slice(max(int(low) - MARGIN, 0), int(high) + MARGIN + 1) for low, high in ends
        )
        self._view = view_of(geometry)
        shape = self._view.turned(inside[self._cut]).shape
        height, width = (n * s for n, s in zip(shape, self._view.spacing_mm, strict=True))
        self.width_mm = width
        factor = LONGEST / max(height, width)
        self._pixels = (max(1, round(width * factor)), max(1, round(height * factor)))

    def row(
        self, planes: dict[str, NDArray[np.float32]], low: float, high: float, colours: str
    ) -> PictureRow:
        """Return planes as pictures of one scale."""
        made = {name: self._webp(plane, low, high, colours) for name, plane in planes.items()}
        return PictureRow(low, high, colours, made)

    def _webp(self, plane: NDArray[np.float32], low: float, high: float, colours: str) -> bytes:
        turned = np.ascontiguousarray(self._view.turned(plane[self._cut]), dtype=np.float32)
        shrinks = turned.shape[1] > self._pixels[0]
        way = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
        image = Image.fromarray(np.nan_to_num(turned)).resize(self._pixels, way)
        levels = np.clip((np.asarray(image, np.float32) - low) / (high - low), 0, 1)
        pixels = colormaps[colours](levels, bytes=True)[..., :3]
        file = io.BytesIO()
        encoded = Image.fromarray(np.ascontiguousarray(pixels))
        encoded.save(file, "WEBP", quality=QUALITY, method=4)
        return file.getvalue()
