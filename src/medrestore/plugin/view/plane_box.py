"""Buttons for the planes of the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from medrestore.plugin.styles import QUIET_STYLE
from medrestore.plugin.view.letters import Letters, in_words
from medrestore.plugin.view.planes import Plane, plane_shown, show_plane, show_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from medrestore.plugin.view.status import Status

__all__ = ["PlaneBox"]

TIPS = {
    Plane.AXIAL: "From the feet: the patient's right on the left, the front at the top.",
    Plane.CORONAL: "From the front: the patient's right on the left, the head at the top.",
    Plane.SAGITTAL: "From the left side: the front on the left, the head at the top.",
    None: "The whole scan in 3-D, from the front.",
}
MIDDLE = " Goes to the middle slice of the scan."


class PlaneBox(QWidget):
    """Axial, coronal, sagittal, 3-D; the button of what is shown is pressed.

    Parameters
    ----------
    viewer : ViewerModel
        Its dims and camera are set.
    status : Status
        Where problems are said.
    """

    def __init__(self, viewer: ViewerModel, status: Status) -> None:
        super().__init__()
        self._viewer, self._status = viewer, status
        self._layer: Any = None
        self.letters = Letters(viewer)
        self.buttons: dict[Plane | None, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(4)
        for plane in (*Plane, None):
            button = self.buttons[plane] = QPushButton(plane.name.title() if plane else "3-D")
            button.setToolTip(TIPS[plane] + (MIDDLE if plane else ""))
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + 12)
            button.clicked.connect(self._on_click(plane))
            row.addWidget(button, len(button.text()))
        self.sides = QLabel()
        self.sides.setWordWrap(True)
        self.sides.setStyleSheet(QUIET_STYLE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.sides)
        self.follow(None)
        self._emitters = (
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
            viewer.dims.events.ndim,
        )
        for emitter in self._emitters:
            emitter.connect(self.refresh)
        self.refresh()

    def follow(self, layer: Any) -> None:
        """Turn to a layer; None for none."""
        self._layer = layer
        for button in self.buttons.values():
            button.setEnabled(layer is not None)
        self.letters.follow(layer)
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """Follow the axes on display."""
        shown = plane_shown(self._viewer)
        flat = self._viewer.dims.ndisplay == 2
        for plane, button in self.buttons.items():
            button.setChecked(plane is shown and (plane is not None or not flat))
        self.sides.setText(in_words(self._viewer, self._layer))

    def _on_click(self, plane: Plane | None) -> Callable[[], None]:
        def show() -> None:
            if plane is None:
                self._status.attempt(lambda: show_volume(self._viewer, self._layer))
            else:
                self._status.attempt(lambda: show_plane(self._viewer, plane, self._layer))
            self.refresh()

        return show

    def attach(self) -> None:
        """Put the letters on the canvas."""
        self.letters.switch(True)

    def release(self) -> None:
        """Take the letters off the canvas."""
        self.letters.switch(False)

    def close_down(self) -> None:
        """Stop following the viewer and take the letters off."""
        for emitter in self._emitters:
            emitter.disconnect(self.refresh)
        self.letters.close()
