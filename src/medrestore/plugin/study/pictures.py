"""Pictures of a case: arrays without names, on one grid, in one window. No napari."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from medrestore import io
from medrestore.errors import InputError
from medrestore.plugin.contrast import contrast_limits, usual_window
from medrestore.plugin.layers import displayed, placement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.plugin.study.order import Presentation
    from medrestore.volume import Volume

__all__ = ["Pictures", "load", "room_for"]

SPACING_TOLERANCE = 0.01
"""Relative; headers of other programs round."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """One or two scans of one grid.

    Parameters
    ----------
    arrays : tuple of ndarray
        Left first, as displayed: last axes towards (inferior, posterior, left).
    grid : dict
        Scale, translation, units and axis labels of every array; the same for all, so that they
        are scrolled and zoomed together.
    window : tuple of float
        Lower and upper grey value of every array.
    slice_axis : int
        Axis that the scan was acquired along, among the displayed ones.
    """

    arrays: tuple[NDArray[np.float32], ...]
    grid: dict[str, Any]
    window: tuple[float, float]
    slice_axis: int

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays)


def load(question: Presentation, base: Path, window: tuple[float, float] | None) -> Pictures:
    """Read the pictures of a question.

    Parameters
    ----------
    question : Presentation
    base : Path
        The plan's folder.
    window : tuple of float, optional
        The plan's; else found for the case, from all its methods.

    Raises
    ------
    InputError
        If a picture cannot be read, or two do not show the same voxels. No message names a file:
        readers are blind.
    """
    volumes = [_read(base / question.case.images[method], question) for method in question.methods]
    # Alphabetical: grid and window are the same whichever method is on the left.
    ordered = [
        volume for _, volume in sorted(zip(question.methods, volumes, strict=True), key=_name)
    ]
    _check_grids(ordered, question)
    geometry = ordered[0].geometry
    order, _ = geometry.display_axes()
    grid = placement(geometry, time=ordered[0].is_4d)
    arrays = tuple(np.ascontiguousarray(displayed(volume)) for volume in volumes)
    lead = arrays[0].ndim - 3
    window = window or _window(ordered, question, base)
    return Pictures(arrays, grid, window, lead + order.index(0))


def room_for(pictures: Pictures) -> bool:
    """Return True if the next pictures, if they are as large, fit into memory beside these."""
    return bool(psutil.virtual_memory().available > 3 * pictures.nbytes)


def _read(path: Path, question: Presentation) -> Volume:
    try:
        return io.read(path)
    except InputError as error:
        text = str(error).replace(str(path), "the file").replace(path.name, "the file")
        raise InputError(
            f"a picture of case {question.case.id} cannot be opened: {text}"
        ) from error


def _name(pair: tuple[str, Volume]) -> str:
    return pair[0]


def _check_grids(volumes: Sequence[Volume], question: Presentation) -> None:
    shapes = [displayed(volume).shape for volume in volumes]
    spacings = [volume.geometry.spacing_mm for volume in volumes]
    close = all(np.allclose(spacings[0], one, rtol=SPACING_TOLERANCE) for one in spacings)
    if len(set(shapes)) > 1 or not close:
        grids = " and ".join("×".join(map(str, shape)) for shape in sorted(shapes))
        raise InputError(
            f"the pictures of case {question.case.id} do not show the same voxels ({grids}); bring "
            "them to one grid"
        )


def _window(volumes: Sequence[Volume], question: Presentation, base: Path) -> tuple[float, float]:
    """Wide enough for every method of the case, shown or not: a window tells no method."""
    limits = [contrast_limits(volume.array, volume.modality) for volume in volumes]
    if len(set(limits)) > 1 or not all(usual_window(volume.modality) for volume in volumes):
        for method, path in question.case.images.items():
            if method not in question.methods:
                volume = _read(base / path, question)
                limits.append(contrast_limits(volume.array, volume.modality))
    return min(low for low, _ in limits), max(high for _, high in limits)
