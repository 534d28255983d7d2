"""Letters at the edges of the canvas that say which way the patient lies. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay

from medrestore.plugin.view.names import camera_of, overlays_of
from medrestore.plugin.view.planes import edges, is_oriented

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["Letters", "in_words"]

PLACES = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
}
FONT_SIZE = 14
WORDS = {
    "R": "right",
    "L": "left",
    "A": "front",
    "P": "back",
    "S": "head",
    "I": "feet",
}


class Letters:
    """Follows the axes on display and the layer they are shown for, until closed.

    Parameters
    ----------
    viewer : ViewerModel
        Gets four text overlays in napari 0.9; earlier ones have no public place for them.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._overlays = overlays_of(viewer)
        self._layer: Any = None
        self._on = True
        self._emitters = (
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
            viewer.dims.events.ndim,
            camera_of(viewer).events.orientation,
            viewer.layers.events.inserted,
            viewer.layers.events.removed,
        )
        for emitter in self._emitters:
            emitter.connect(self.refresh)

    def follow(self, layer: Any) -> None:
        """Show letters for a layer, if its orientation is known; without one, for results alone."""
        self._layer = layer
        self.refresh()

    def switch(self, on: bool) -> None:
        """Show letters, or take them off the canvas."""
        self._on = on
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """Show what the axes on display mean."""
        if self._overlays is None:
            return
        layer = self._layer
        if layer is None:  # results that were opened without their scan know how they lie too
            layer = next((one for one in self._viewer.layers if is_oriented(one)), None)
        shown = edges(self._viewer) if self._on and is_oriented(layer) else None
        for side, place in PLACES.items():
            name = f"medrestore_{side}"
            if shown is None:
                self._overlays.pop(name, None)
            elif name in self._overlays:
                self._overlays[name].text = getattr(shown, side)
            else:
                self._overlays[name] = TextOverlay(
                    text=getattr(shown, side),
                    position=place,
                    font_size=FONT_SIZE,
                    box=False,
                    gridded=True,
                    visible=True,
                )

    def close(self) -> None:
        """Leave the canvas as it was."""
        for emitter in self._emitters:
            emitter.disconnect(self.refresh)
        self.switch(False)


def in_words(viewer: ViewerModel, layer: Any) -> str:
    """One line on the sides of the picture."""
    if layer is None:
        return ""
    if not is_oriented(layer):
        return "The layer does not say which way the patient lies."
    shown = edges(viewer)
    if shown is None:
        return "Seen in 3-D: drag to turn." if viewer.dims.ndisplay == 3 else ""
    left, top = WORDS[shown.left], WORDS[shown.top]
    return f"Left of the picture: patient's {left}. Top: {top}."
