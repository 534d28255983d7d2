"""A plain body for measurements: tissue without texture in a rim of fat, for CT and MR.

Like the phantoms of quality assurance it shows what an image does to noise and to inserts of known
contrast; what anatomy adds to that is not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.physics.phantom.shapes import Canvas

if TYPE_CHECKING:
    from medrestore.physics.phantom.shapes import Phantom

__all__ = ["plain"]

HALF_AXES_MM = (92.0, 106.0)
RIM_MM = 8.0


def plain(
    tissues: tuple[float, float, float],
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
) -> Phantom:
    """An elliptic cylinder along z, 184 × 212 mm, with 8 mm of fat about its tissue.

    Parameters
    ----------
    tissues : (float, float, float)
        Intensities of air, fat and tissue.
    shape : (z, y, x)
        Voxels; the body lies in the middle of the grid.
    spacing_mm : (z, y, x)
        Voxel size.

    Raises
    ------
    SettingsError
        If a size is not positive.
    """
    air, fat, tissue = tissues
    canvas = Canvas(shape, spacing_mm, air)
    height, width = HALF_AXES_MM
    for name, value, depth in (("fat", fat, 0.0), ("tissue", tissue, RIM_MM)):
        inside = canvas.ellipsoid((0, 0, 0), (1e6, height - depth, width - depth))
        canvas.paint(name, np.broadcast_to(inside, canvas.image.shape), value)
    return canvas.finish()
