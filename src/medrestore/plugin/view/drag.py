"""Window and level by a drag with the right button. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.plugin.view.names import camera_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel

    from medrestore.plugin.view.window import Windowing

__all__ = ["WindowDrag"]

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
        """Whether drags set the window."""
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
