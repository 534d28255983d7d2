"""The viewer while a study runs: pictures side by side under neutral names, then all as before.

Layers that were open are taken out of the viewer, for their names would tell too much, and put back
when the study ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.experimental import link_layers
from napari.layers import Image

from medrestore.plugin.viewer import bare, camera_of, grid_of, layers_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from medrestore.plugin.study.pictures import Pictures

__all__ = ["Stage"]

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
        _set(self._layers[0], _window(pictures))
        return True

    def _add(self, pictures: Pictures) -> None:
        limits = _window(pictures)
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


def _window(pictures: Pictures) -> dict[str, tuple[float, float]]:
    """Contrast, and as much again to either side for the reader to choose from."""
    low, high = pictures.window
    return {
        "contrast_limits_range": (2 * low - high, 2 * high - low),
        "contrast_limits": pictures.window,
    }


def _set(owner: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(owner, name, value)
