"""Pictures of a case, and the viewer that shows them side by side under neutral names.

Arrays come without names, on one grid, in one window. Layers that were open are taken out of the
viewer, for their names would tell too much, and put back when the study ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from napari.experimental import link_layers
from napari.layers import Image

from medrestore import io
from medrestore.errors import InputError
from medrestore.plugin.contrast import contrast_limits, usual_window
from medrestore.plugin.layers import displayed, placement
from medrestore.plugin.viewer import bare, camera_of, grid_of, layers_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from medrestore.plugin.study.questions import Presentation
    from medrestore.volume import Volume

__all__ = ["Pictures", "Stage", "load", "room_for"]

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


NAMES = {1: ("Picture",), 2: ("Left", "Right")}
LINKED = ("contrast_limits", "contrast_limits_range", "gamma", "colormap", "interpolation2d")
GAP = 4
"""Pixels between the pictures."""


@dataclass(frozen=True)
class Before:
    """State of the viewer before the study."""

    layers: list[Any]
    active: Any
    grid: dict[str, Any]
    dims: dict[str, Any]
    camera: dict[str, Any]


class Stage:
    """Owns a viewer from the first `show` to `close`."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layers: list[Any] = []
        self._before: Before | None = None
        self._grid: dict[str, Any] = {}
        self._axis = 0

    def show(self, pictures: Pictures) -> None:
        """Show pictures side by side, at the middle of their slices."""
        if self._before is None:
            self._before = self._found()
        self._take_out_strangers()
        if not self._changed(pictures):
            self._clear()
            self._add(pictures)
        self._grid = pictures.grid
        self._arrange(pictures)

    def step(self, slices: int) -> None:
        """Scroll; both pictures follow."""
        if self._before is not None and self._layers:
            dims = self._viewer.dims
            dims.set_current_step(self._axis, dims.current_step[self._axis] + slices)

    def close(self) -> None:
        """Put everything back."""
        before, self._before = self._before, None
        if before is None:
            return
        viewer = self._viewer
        self._clear()
        _set(grid_of(viewer), before.grid)
        viewer.layers.extend([layer for layer in before.layers if layer not in viewer.layers])
        if before.layers:
            if viewer.dims.ndim == len(before.dims["order"]):
                _set(viewer.dims, before.dims)
            viewer.layers.selection.active = before.active
            _set(camera_of(viewer), before.camera)

    def _changed(self, pictures: Pictures) -> bool:
        """Give the layers that are there new contents: new layers cost ten times as much."""
        fits = len(self._layers) == len(pictures.arrays) and all(
            layer in self._viewer.layers and layer.ndim == array.ndim
            for layer, array in zip(self._layers, pictures.arrays, strict=True)
        )
        if not fits:
            return False
        moved = {k: v for k, v in pictures.grid.items() if v != self._grid.get(k)}
        for layer, array in zip(self._layers, pictures.arrays, strict=True):
            layer.data = array
            _set(layer, moved)
        _set(self._layers[0], _contrast(pictures))
        return True

    def _add(self, pictures: Pictures) -> None:
        limits = _contrast(pictures)
        for array, name in zip(pictures.arrays, NAMES[len(pictures.arrays)], strict=True):
            layer = Image(array, name=name, rgb=False, **pictures.grid)
            _set(layer, limits)
            self._layers.append(layer)
        grid = grid_of(self._viewer)
        _set(grid, {"stride": 1, "shape": (1, -1), "spacing": GAP})
        grid.enabled = len(self._layers) > 1
        self._viewer.layers.extend(self._layers)
        if len(self._layers) > 1:
            link_layers(self._layers, LINKED)
        self._viewer.layers.selection.active = self._layers[0]

    def _arrange(self, pictures: Pictures) -> None:
        """Whole pictures in the planes they were acquired in, at the middle one."""
        dims = self._viewer.dims
        axis = self._axis = pictures.slice_axis
        rest = [one for one in range(pictures.arrays[0].ndim) if one != axis]
        _set(dims, {"ndisplay": 2, "order": (*rest[:-2], axis, *rest[-2:])})
        start, stop, _ = dims.range[axis]
        dims.set_point(axis, (start + stop) / 2)
        self._viewer.reset_view()

    def _found(self) -> Before:
        viewer = self._viewer
        grid, dims, camera = grid_of(viewer), viewer.dims, camera_of(viewer)
        return Before(
            layers_of(viewer),
            bare(viewer.layers.selection.active),
            {name: getattr(grid, name) for name in ("stride", "shape", "spacing", "enabled")},
            {name: getattr(dims, name) for name in ("ndisplay", "order", "point")},
            {name: getattr(camera, name) for name in ("center", "zoom", "angles")},
        )

    def _take_out_strangers(self) -> None:
        """Also layers that something else added since the last question."""
        if self._before is None:
            return
        for layer in layers_of(self._viewer):
            if layer not in self._layers:
                if layer not in self._before.layers:
                    self._before.layers.append(layer)
                self._viewer.layers.remove(layer)

    def _clear(self) -> None:
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers = []


def _contrast(pictures: Pictures) -> dict[str, tuple[float, float]]:
    """Contrast, and as much again to either side for the reader to choose from."""
    low, high = pictures.window
    return {
        "contrast_limits_range": (2 * low - high, 2 * high - low),
        "contrast_limits": pictures.window,
    }


def _set(owner: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(owner, name, value)
