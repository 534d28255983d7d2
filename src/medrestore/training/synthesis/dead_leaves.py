"""Dead leaves: random bodies that hide one another, with the edge statistics of natural images.

Lee, Mumford & Huang 2001, doi:10.1023/A:1011109015675: sizes with density r⁻³ make the collage
look the same at every scale. Networks trained on it alone denoise photographs nearly as well as
those trained on photographs (Achddou, Gousseau & Ladjal 2021, doi:10.1007/978-3-030-75549-2_37).
Here the leaves are bodies in space, so that neighbouring slices belong together.
Their textures are smooth random fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["blurred", "dead_leaves", "finished", "power_law_field"]


def power_law_field(
    rng: np.random.Generator, shape: tuple[int, int, int], exponent: float
) -> NDArray[np.float32]:
    """Gaussian field of mean 0 and standard deviation 1 whose power falls as f^(−exponent)."""
    squares = [np.square(fft.fftfreq(n)) for n in shape[:2]]
    squares.append(np.square(fft.rfftfreq(shape[2])))
    total = squares[0][:, None, None] + squares[1][:, None] + squares[2]
    total[0, 0, 0] = np.inf
    gain = (total ** (-exponent / 4)).astype(np.float32)
    white = rng.standard_normal((2, *gain.shape), dtype=np.float32)
    field = fft.irfftn((white[0] + 1j * white[1]) * gain, s=shape)
    return np.asarray(field / field.std(), dtype=np.float32)


def blurred(
    rng: np.random.Generator, array: NDArray[np.float32], low: float, high: float
) -> NDArray[np.float32]:
    """Blurred by a Gaussian of random width in voxels: the partial volume of real edges."""
    widths = [0.5 * rng.uniform(low, high), *[rng.uniform(low, high)] * 2]
    return np.asarray(ndimage.gaussian_filter(array, widths, truncate=3), dtype=np.float32)


def finished(
    rng: np.random.Generator, array: NDArray[np.float32], modality: str
) -> NDArray[np.float32]:
    """Partial volume, and a smooth receive field or the modality's highest intensity."""
    array = blurred(rng, array, 0.35, 0.8)
    kind = modality_named(modality)
    highest = kind.trained.anatomy.highest
    if highest is not None:
        return np.clip(array, kind.air, highest)
    axes = [np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in array.shape]
    slope, bend = rng.uniform(-0.3, 0.3, (2, 3)).astype(np.float32)
    parts = [slope[i] * a + bend[i] * a * a for i, a in enumerate(axes)]
    field = np.exp(parts[0][:, None, None] + parts[1][:, None] + parts[2])
    return np.asarray(np.maximum(array * field, 0), dtype=np.float32)


_SMALLEST, _LARGEST = 2.0, 45.0
"""Radii in pixels."""
_LAYERS = 3.0
"""Volume of all leaves over the volume to be covered."""
_MOST = 6000


@dataclass(frozen=True)
class _Leaves:
    """Centres (n, 3), radii (n,) and what each leaf looks like."""

    centre: NDArray[np.float32]
    radius: NDArray[np.float32]


def dead_leaves(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    modality: str,
) -> NDArray[np.float32]:
    """A noise-free volume (z, y, x) of overlapping ellipsoids, rods and polyhedra.

    Slices are one to four times as thick as pixels are wide. Half of the volumes lie in air.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    shape : (z, y, x)
        Voxels.
    modality : str
        Intensities in HU, or 0 to about 1 of the foreground scale.
    """
    thickness = float(np.exp(rng.uniform(0, np.log(4))))
    extent = np.array([shape[0] * thickness, *shape[1:]], dtype=np.float32)
    leaves = _drawn(rng, extent)
    labels = np.zeros(shape, dtype=np.int32)
    for index in np.argsort(leaves.radius + rng.normal(0, 4, len(leaves.radius)))[::-1]:
        _paint(rng, labels, int(index) + 1, leaves, thickness, int(index))
    array = _coloured(rng, labels, leaves, thickness, modality)
    if rng.random() < 0.5:
        array[_outside(rng, shape)] = modality_named(modality).air
    return finished(rng, array, modality)


def _drawn(rng: np.random.Generator, extent: NDArray[np.float32]) -> _Leaves:
    """Radii of density r⁻³ until their volume covers the volume several times."""
    largest = min(_LARGEST, float(extent.max()) / 2)
    uniform = rng.random(_MOST)
    inverse = _SMALLEST**-2 + uniform * (largest**-2 - _SMALLEST**-2)
    radius = (inverse**-0.5).astype(np.float32)
    covered = np.cumsum(4.2 * radius.astype(np.float64) ** 3)
    count = int(np.searchsorted(covered, _LAYERS * float(extent.prod()))) + 1
    radius = radius[:count]
    margin = 0.3 * radius[:, None]
    centre = rng.random((len(radius), 3)) * (extent + 2 * margin) - margin
    return _Leaves(centre.astype(np.float32), radius)


def _paint(
    rng: np.random.Generator,
    labels: NDArray[np.int32],
    label: int,
    leaves: _Leaves,
    thickness: float,
    index: int,
) -> None:
    """Write ``label`` where the body lies: |A·u| < 1, u from its centre in radii."""
    step = (thickness, 1.0, 1.0)
    rows, reach, round_body = _body(rng)
    centre, radius = leaves.centre[index], float(leaves.radius[index])
    axes, window = [], []
    for axis, n in enumerate(labels.shape):
        low = int(max(0, np.floor((centre[axis] - reach * radius) / step[axis])))
        high = int(min(n, np.ceil((centre[axis] + reach * radius) / step[axis]) + 1))
        if high <= low:
            return
        place = np.arange(low, high, dtype=np.float32) * np.float32(step[axis])
        axes.append((place - centre[axis]) / np.float32(radius))
        window.append(slice(low, high))
    z, y, x = axes
    level = None
    for a in rows:
        plane = (a[0] * z)[:, None, None] + ((a[1] * y)[:, None] + a[2] * x)
        if round_body:
            level = np.square(plane) if level is None else level + np.square(plane)
        else:
            level = plane if level is None else np.maximum(level, plane)
    assert level is not None
    labels[tuple(window)][level < 1] = label


def _body(rng: np.random.Generator) -> tuple[NDArray[np.float32], float, bool]:
    """Rows of A, the farthest point in radii, and whether rows add up (ellipsoid) or bound."""
    kind = rng.random()
    if kind < 0.25:  # polyhedron of seven random planes, cut off by its box
        normals = rng.standard_normal((7, 3))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return np.asarray(normals / rng.uniform(0.6, 1.0, (7, 1)), dtype=np.float32), 1.0, False
    axes = np.exp(rng.uniform(np.log(0.5), 0, 3))
    if kind > 0.85:  # a rod or vessel
        axes[:2] *= 0.35
        axes[2] = 2.0
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    return (turn / axes[:, None]).astype(np.float32), float(axes.max()), True


def _coloured(
    rng: np.random.Generator,
    labels: NDArray[np.int32],
    leaves: _Leaves,
    thickness: float,
    modality: str,
) -> NDArray[np.float32]:
    """Each leaf's own intensity, shading across it, and texture."""
    count = len(leaves.radius) + 1
    anatomy = modality_named(modality).trained.anatomy
    contrast = anatomy.shading
    base = anatomy.values(rng, count)
    shading = contrast * rng.standard_normal((3, count)).astype(np.float32)
    shading *= np.concatenate(([0.02], 0.5 / leaves.radius)).astype(np.float32)
    centre = np.concatenate((np.zeros((1, 3), dtype=np.float32), leaves.centre))
    offset = base - (shading.T * centre).sum(axis=1)
    array: NDArray[np.float32] = offset[labels]
    for axis, n in enumerate(labels.shape):
        place = np.arange(n, dtype=np.float32) * np.float32(thickness if axis == 0 else 1)
        array += shading[axis][labels] * np.expand_dims(place, [a for a in range(3) if a != axis])
    rough = contrast * 0.4 * rng.random(count).astype(np.float32) ** 2
    rough[rng.random(count) < 0.4] = 0  # many tissues are smooth
    array += rough[labels] * power_law_field(rng, _shape3(labels), rng.uniform(1.5, 3.5))
    return np.clip(array, *anatomy.bounds)


def _shape3(array: NDArray[np.int32]) -> tuple[int, int, int]:
    z, y, x = array.shape
    return z, y, x


def _outside(rng: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Outside a large ellipsoid: where a body ends."""
    level = np.zeros((1, 1, 1), dtype=np.float32)
    for axis, n in enumerate(shape):
        place = np.linspace(-1, 1, n, dtype=np.float32) - rng.uniform(-0.3, 0.3)
        size = rng.uniform(0.7, 1.1) if axis else 2.0
        level = level + np.expand_dims((place / size) ** 2, [a for a in range(3) if a != axis])
    return np.asarray(level > 1)
