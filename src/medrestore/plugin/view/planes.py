"""Axial, coronal and sagittal views the radiological way, with letters for the patient's sides.

World axes are (inferior, posterior, left), behind any leading ones (`plugin.layers`). napari draws
the last two axes of ``dims.order`` as rows and columns, so each plane is one order of the three;
napari's own roll would transpose the coronal view. No Qt.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.errors import MedrestoreError
from medrestore.plugin.layers import AXIS_LABELS, record_in
from medrestore.plugin.positions import acquired_axis
from medrestore.plugin.viewer import camera_of, overlays_of, show_text

if TYPE_CHECKING:
    from napari.components import ViewerModel


__all__ = [
    "NO_SCAN",
    "Edges",
    "Letters",
    "Plane",
    "acquired",
    "edges",
    "in_words",
    "is_oriented",
    "lead_to_slice",
    "plane_shown",
    "show_as_acquired",
    "show_plane",
    "show_volume",
    "turn_to",
]

NO_SCAN = "Open a CT or MR scan first; then choose it under Scan."
TOWARDS = "IPL"
"""Directions of the world axes."""
AWAY = {"I": "S", "P": "A", "L": "R"}
FROM_THE_FRONT = {"view_direction": (0, 1, 0), "up_direction": (-1, 0, 0)}


class Plane(Enum):
    """A plane of the patient: its slider, rows and columns among (inferior, posterior, left)."""

    AXIAL = (0, 1, 2)
    CORONAL = (1, 0, 2)
    SAGITTAL = (2, 0, 1)


class Edges(NamedTuple):
    """The patient direction at each edge of the picture: one of R, L, A, P, S, I."""

    left: str
    right: str
    top: str
    bottom: str


def acquired(layer: Any) -> Plane:
    """The plane in which the slices of a layer's scan were acquired; axial for layers of others."""
    axis, _ = acquired_axis({"metadata": layer.metadata})
    return next(plane for plane in Plane if plane.value[0] == axis)


def turn_to(viewer: ViewerModel, plane: Plane) -> None:
    """Show a plane where the sliders are, the whole picture in view."""
    viewer.dims.ndisplay = 2
    viewer.dims.order = _order(viewer.dims.ndim, plane)
    viewer.reset_view()


def show_as_acquired(viewer: ViewerModel, layer: Any) -> None:
    """Turn to the plane of a scan that was opened; 3-D, and what lies nobody knows how, stay."""
    if viewer.dims.ndisplay == 2 and _known(layer):
        turn_to(viewer, acquired(layer))


def lead_to_slice(viewer: ViewerModel, layer: Any) -> bool:
    """Turn to the one slice of a scan that a layer holds, if another plane is on display.

    Returns
    -------
    bool
        True if the view was turned.
    """
    plane = acquired(layer)
    if plane_shown(viewer) is plane:
        return False
    turn_to(viewer, plane)
    axis = viewer.dims.order[-3]
    position = layer.data_to_world((0,) * layer.ndim)
    viewer.dims.set_point(axis, float(position[axis - viewer.dims.ndim]))
    return True


def show_plane(viewer: ViewerModel, plane: Plane, layer: Any) -> None:
    """Show the middle slice of a layer in a plane, the whole picture in view.

    Raises
    ------
    MedrestoreError
        If there is no layer, or it has no third axis.
    """
    _check(layer)
    turn_to(viewer, plane)
    axis = viewer.dims.order[-3]
    viewer.dims.set_point(axis, _middle(layer, viewer.dims.ndim)[axis])


def show_volume(viewer: ViewerModel, layer: Any) -> None:
    """Show the scan in 3-D from the front, head up.

    Raises
    ------
    MedrestoreError
        If there is no layer, or it has no third axis.
    """
    _check(layer)
    viewer.dims.order = _order(viewer.dims.ndim, Plane.AXIAL)  # any other would be mirrored
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    camera_of(viewer).set_view_direction(**FROM_THE_FRONT)


def plane_shown(viewer: ViewerModel) -> Plane | None:
    """The plane on display; None in 3-D and for any other order of the axes."""
    if viewer.dims.ndisplay != 2 or viewer.dims.ndim < 3:
        return None
    order = tuple(viewer.dims.order)
    return next((p for p in Plane if order == _order(viewer.dims.ndim, p)), None)


def is_oriented(layer: Any) -> bool:
    """Return True if a layer's last axes are known to run towards inferior, posterior and left."""
    labels = () if layer is None else tuple(layer.axis_labels)[-3:]
    return labels == AXIS_LABELS and _known(layer)


def edges(viewer: ViewerModel) -> Edges | None:
    """The patient directions at the edges, whatever two axes are on display; None in 3-D."""
    dims, lead = viewer.dims, viewer.dims.ndim - 3
    if dims.ndisplay != 2 or lead < 0 or min(dims.order[-2:]) < lead:
        return None
    down, right = (TOWARDS[axis - lead] for axis in dims.order[-2:])
    vertical, horizontal = (str(way) for way in camera_of(viewer).orientation2d)
    top, bottom = (AWAY[down], down) if vertical == "down" else (down, AWAY[down])
    left, right = (AWAY[right], right) if horizontal == "right" else (right, AWAY[right])
    return Edges(left, right, top, bottom)


def _known(layer: Any) -> bool:
    record = record_in(layer.metadata)
    return bool(record and record.get("known", True))


def _check(layer: Any) -> None:
    if layer is None:
        raise MedrestoreError(NO_SCAN)
    if layer.ndim < 3:
        raise MedrestoreError(
            f"the layer {layer.name} is a single picture of {layer.ndim} axes; planes need a scan "
            "of slices"
        )


def _order(ndim: int, plane: Plane) -> tuple[int, ...]:
    lead = ndim - 3
    return (*range(lead), *(axis + lead for axis in plane.value))


def _middle(layer: Any, ndim: int) -> tuple[float, ...]:
    """World position of a layer's middle voxel, which lies on a slice; of the viewer's axes."""
    shape = layer.data.shape
    position = layer.data_to_world([(n - 1) // 2 for n in shape])
    return (*(0.0,) * (ndim - len(shape)), *(float(p) for p in position))


OVERLAY_POSITIONS = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
}
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
        for side, position in OVERLAY_POSITIONS.items():
            letter = getattr(shown, side, "")
            look = {"position": position, "font_size": 14, "box": False}
            show_text(self._overlays, f"medrestore_{side}", letter, **look)

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
