"""Display windows: the one of a layer, the drag that sets it, presets. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import MedrestoreError
from medrestore.modalities import modality_named
from medrestore.plugin.contrast import percentile_limits
from medrestore.plugin.layers import record_in
from medrestore.plugin.view.planes import NO_SCAN
from medrestore.plugin.viewer import camera_of
from medrestore.volume import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari.components import ViewerModel


__all__ = ["DisplayWindow", "Preset", "WindowDrag", "Windowing", "presets_for"]

PIXELS_PER_DOUBLING = 150
"""Drag of this length doubles the width, or moves the level by half of it."""


@dataclass(frozen=True)
class DisplayWindow:
    """From black to white: the middle and the distance, in the layer's intensities."""

    level: float
    width: float

    @classmethod
    def between(cls, limits: Sequence[float]) -> DisplayWindow:
        """The window from ``limits[0]``, black, to ``limits[1]``, white."""
        low, high = (float(v) for v in limits)
        return cls((low + high) / 2, high - low)

    @property
    def limits(self) -> tuple[float, float]:
        """Black and white."""
        return self.level - self.width / 2, self.level + self.width / 2

    def dragged(self, right: float, down: float) -> DisplayWindow:
        """The window after a drag, in pixels: right widens it, down raises the level (darker)."""
        width = self.width * 2.0 ** (right / PIXELS_PER_DOUBLING)
        return DisplayWindow(self.level + down * self.width / (2 * PIXELS_PER_DOUBLING), width)

    def close_to(self, other: DisplayWindow) -> bool:
        """Return True if nobody could tell the two apart."""
        near = 1e-4 * max(abs(self.width), abs(other.width))
        return abs(self.level - other.level) <= near and abs(self.width - other.width) <= near


class Windowing:
    """The window of one layer at a time.

    Parameters
    ----------
    changed : callable
        Called when the layer or its window changes, whoever changed it.
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self._changed = changed
        self._layer: Any = None

    @property
    def layer(self) -> Any:
        """The layer, or None."""
        return self._layer

    def follow(self, layer: Any) -> None:
        """Turn to another layer; None for none."""
        if self._layer is not None:
            self._layer.events.contrast_limits.disconnect(self._limits_changed)
        self._layer = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._limits_changed)
        self._changed()

    @property
    def window(self) -> DisplayWindow | None:
        """The window on display, or None without a layer."""
        return None if self._layer is None else DisplayWindow.between(self._layer.contrast_limits)

    def set(self, window: DisplayWindow) -> None:
        """Show the layer through a window, and those that napari links to it.

        Raises
        ------
        MedrestoreError
            If there is no layer, or the window has no width.
        """
        if self._layer is None:
            raise MedrestoreError(NO_SCAN)
        low, high = window.limits
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise MedrestoreError(
                f"a window of level {window.level:g} and width {window.width:g} shows nothing; "
                "choose a width above 0"
            )
        self._layer.contrast_limits = (low, high)

    def _limits_changed(self, event: Any = None) -> None:
        self._changed()

    def close(self) -> None:
        """Let go of the layer."""
        self._changed = lambda: None
        self.follow(None)


RIGHT_BUTTON = 2


class WindowDrag:
    """Takes the right button from napari's zoom while it is on.

    A drag with a modifier key, in 3-D, or while the active layer is being drawn on is left to
    napari.
    """

    def __init__(self, viewer: ViewerModel, windowing: Windowing) -> None:
        self._viewer, self._windowing = viewer, windowing

    @property
    def on(self) -> bool:
        """True while drags set the window."""
        return self._drag in self._viewer.mouse_drag_callbacks

    def switch(self, on: bool) -> None:
        """Take the right button, or give it back."""
        if on and not self.on:
            self._viewer.mouse_drag_callbacks.append(self._drag)
        elif self.on and not on:
            self._viewer.mouse_drag_callbacks.remove(self._drag)

    def _drag(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        start = self._windowing.window
        if event.button != RIGHT_BUTTON or start is None or not _free(viewer, event):
            return
        x, y = (float(v) for v in event.pos)
        camera = camera_of(viewer)
        mouse_pan = camera.mouse_pan
        camera.mouse_pan = False  # napari's name for all that a camera does with a drag
        try:
            yield
            while event.type == "mouse_move":
                right, down = float(event.pos[0]) - x, float(event.pos[1]) - y
                if self._windowing.layer is not None:
                    self._windowing.set(start.dragged(right, down))
                yield
        finally:
            camera.mouse_pan = mouse_pan


def _free(viewer: ViewerModel, event: Any) -> bool:
    active = viewer.layers.selection.active
    idle = active is None or str(active.mode) == "pan_zoom"
    return idle and not event.modifiers and viewer.dims.ndisplay == 2


PERCENTILES = {"Usual": (0.5, 99.7), "Full": (0.0, 100.0), "Narrow": (5.0, 95.0)}
"""Of all voxels; for intensities without a unit. Usual: as a scan is opened."""
TIPS = {
    "Usual": "As the scan was opened: all but the 0.5 % darkest and 0.3 % brightest voxels.",
    "Full": "From the darkest voxel to the brightest.",
    "Narrow": "Without the 5 % darkest and the 5 % brightest voxels: more contrast.",
}


@dataclass(frozen=True)
class Preset:
    """A named window; ``window`` may have to look at the file or the voxels first.

    ``fixed`` is the window where it is known beforehand. ``window()`` raises MedrestoreError where
    there is none.
    """

    name: str
    tip: str
    window: Callable[[], DisplayWindow]
    fixed: DisplayWindow | None = None


def presets_for(layer: Any) -> list[Preset]:
    """The windows that suit a layer: its file's, its modality's, percentiles."""
    record = record_in(layer.metadata)
    source = record.get("source")
    own = [_of_file(source)] if isinstance(source, Source) and source.format == "dicom" else []
    modality = modality_named(record["modality"]) if record.get("modality") else None
    if modality is not None and modality.display.presets:
        named = [
            _fixed(name, *values, modality.unit)
            for name, values in modality.display.presets.items()
        ]
        return [*own, *named, _of_voxels(layer, "Full")]
    return [*own, *(_of_voxels(layer, name) for name in PERCENTILES)]


def _fixed(name: str, level: float, width: float, unit: str) -> Preset:
    window = DisplayWindow(level, width)
    return Preset(name, f"Level {level} {unit}, width {width} {unit}.", lambda: window, window)


def _of_voxels(layer: Any, name: str) -> Preset:
    data = layer.data[0] if layer.multiscale else layer.data

    def window() -> DisplayWindow:
        return DisplayWindow.between(percentile_limits(data, *PERCENTILES[name]))

    at_hand = name == "Usual" and isinstance(data, np.ndarray)  # others may have to be computed
    return Preset(name, TIPS[name], window, window() if at_hand else None)


def _of_file(source: Source) -> Preset:
    def window() -> DisplayWindow:
        from medrestore.io.dicom.window import stored_window  # pydicom: only when asked for

        found = stored_window(source)
        if found is None:
            raise MedrestoreError(
                f"the files of {source.name} state no display window; choose another one"
            )
        return DisplayWindow(*found)

    return Preset("From the file", "The window that the DICOM file states.", window)
