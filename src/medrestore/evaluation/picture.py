"""A slice of a case as small pictures: what was scanned, what was made of it, what differs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from PIL import Image

from medrestore.evaluation.fidelity import NOISY
from medrestore.evaluation.windows import FOREGROUND, Window, windows_of
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.evaluation.images import Images
    from medrestore.volume import Geometry

__all__ = ["DIFFERENCE", "SPREAD", "Picture", "Shown", "picture_of"]

DIFFERENCE, SPREAD = "RdBu_r", "inferno"
"""Colours of what differs, white for nothing, and of standard deviations."""

LONGEST = 320
"""Pixels along the longer side."""
QUALITY = 82
MARGIN = 6


@dataclass(frozen=True)
class Shown:
    """A row of pictures with one scale.

    Parameters
    ----------
    low, high : float
        Intensities shown at the ends of the colours, in the scan's unit.
    pictures : dict of str to bytes
        WebP by name: reference, noisy, methods.
    """

    low: float
    high: float
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
    images, differences : Shown
        All images; image − reference for noisy and every method.
    spreads : Shown, optional
        Standard deviations of the methods that have one.
    """

    slice: int
    window: str
    width_mm: float
    images: Shown
    differences: Shown
    spreads: Shown | None


def picture_of(images: Images, counted: NDArray[np.bool_]) -> Picture:
    """Pictures of a case; ``counted`` (z, y, x) are the voxels that count."""
    z = int(counted.sum(axis=(1, 2)).argmax())
    inside, reference = counted[z], images.reference.array[z]
    window = _window(images, z, inside)
    frame = _Frame(images.reference.geometry, inside)
    compared = {name: array[z] for name, array in images.compared().items()}
    errors = {name: array - reference for name, array in compared.items()}
    most = float(np.quantile(np.abs(errors[NOISY][inside]), 0.995)) or 1.0
    stds = {name: result.std.array[z] for name, result in images.results.items()}
    return Picture(
        z,
        window.name,
        frame.width_mm,
        _shown(frame, {"reference": reference, **compared}, window.low, window.high, "gray"),
        _shown(frame, errors, -most, most, DIFFERENCE),
        _spreads(frame, stds, inside) if stds else None,
    )


def _window(images: Images, z: int, inside: NDArray[np.bool_]) -> Window:
    reference = images.reference.array
    windows = {one.name: one for one in windows_of(reference, images.modality)}
    pictured = modality_named(images.modality).evaluation.pictured
    return windows[FOREGROUND if pictured is None else pictured(reference[z][inside])]


def _spreads(
    frame: _Frame, stds: dict[str, NDArray[np.float32]], inside: NDArray[np.bool_]
) -> Shown:
    seen = np.concatenate([std[inside] for std in stds.values()])
    finite = seen[np.isfinite(seen)]
    high = float(np.quantile(finite, 0.995)) if finite.size else 0.0
    return _shown(frame, stds, 0.0, high or 1.0, SPREAD)


def _shown(
    frame: _Frame, planes: dict[str, NDArray[np.float32]], low: float, high: float, colours: str
) -> Shown:
    made = {name: _webp(frame(plane), low, high, colours) for name, plane in planes.items()}
    return Shown(low, high, made)


class _Frame:
    """Cuts planes (y, x) to the tissue and turns them for display.

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
        order, flips = geometry.display_axes()
        shown = [(axis, flip) for axis, flip in zip(order, flips, strict=True) if axis != 0]
        self._turned = shown[0][0] == 2
        self._steps = tuple(slice(None, None, -1 if flip else 1) for _, flip in shown)
        spacing = [geometry.spacing_mm[axis] for axis, _ in shown]
        size = [n * s for n, s in zip(self._reach(inside).shape, spacing, strict=True)]
        self.width_mm = size[1]
        factor = LONGEST / max(size)
        self._pixels = (max(1, round(size[1] * factor)), max(1, round(size[0] * factor)))

    def _reach(self, plane: NDArray[np.generic]) -> NDArray[np.generic]:
        cut = plane[self._cut]
        return (cut.T if self._turned else cut)[self._steps]

    def __call__(self, plane: NDArray[np.float32]) -> Image.Image:
        """A plane as a picture of intensities."""
        shown = np.ascontiguousarray(self._reach(plane), dtype=np.float32)
        way = Image.Resampling.BOX if shown.shape[1] > self._pixels[0] else Image.Resampling.BICUBIC
        return Image.fromarray(np.nan_to_num(shown)).resize(self._pixels, way)


def _webp(image: Image.Image, low: float, high: float, colours: str) -> bytes:
    levels = np.clip((np.asarray(image, np.float32) - low) / (high - low), 0, 1)
    pixels = colormaps[colours](levels, bytes=True)[..., :3]
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()
