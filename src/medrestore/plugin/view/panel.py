"""The View panel: how a scan is looked at, the way radiologists are used to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from medrestore.plugin.rows import column, form, heading
from medrestore.plugin.scan_picker import ScanPicker
from medrestore.plugin.status import QUIET_STYLE, StatusLine, quiet_label
from medrestore.plugin.view.compare_box import CompareBox
from medrestore.plugin.view.planes import (
    NO_SCAN,
    Letters,
    Plane,
    in_words,
    plane_shown,
    show_plane,
    show_volume,
)
from medrestore.plugin.view.window_box import WindowBox
from medrestore.plugin.viewer import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel


__all__ = ["PlaneBox", "ViewPanel"]

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
    status : StatusLine
        Where problems are said.
    """

    def __init__(self, viewer: ViewerModel, status: StatusLine) -> None:
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
        self.sides = quiet_label()
        column(self, 4, row, self.sides)
        self.follow(None)
        events = viewer.dims.events
        watch(self, (events.order, events.ndisplay, events.ndim), self.refresh)
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

    def use_viewer(self, on: bool) -> None:
        """Put the letters on the canvas, or take them off."""
        self.letters.switch(on)

    def close_down(self) -> None:
        """Take the letters off for good."""
        self.letters.close()


class ViewPanel(QWidget):
    """Planes, display window and comparison for a viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        Its dims, camera, grid mode and right mouse button are set; of its layers only the chosen
        scan's contrast and, during a comparison, what is visible.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.picker = ScanPicker(viewer)
        self.picker.setToolTip("The scan that planes and window are set for.")
        self.status = StatusLine(QUIET_STYLE)
        self.planes = PlaneBox(viewer, self.status)
        self.window_ = WindowBox(viewer, self.status)
        self.compare = CompareBox(viewer, self.status)
        self._lay_out()
        self.picker.chosen.connect(self._picked)
        self._picked()
        self.use_viewer(True)
        closers = [box.close_down for box in self._boxes]
        self.destroyed.connect(partial(_close_down, closers))  # must not hold on to self

    @property
    def _boxes(self) -> tuple[PlaneBox, WindowBox, CompareBox]:
        return self.planes, self.window_, self.compare

    def _lay_out(self) -> None:
        parts: list[Any] = [form({"Scan": self.picker})]
        for text, box in zip(("Plane", "Window", "Compare"), self._boxes, strict=True):
            parts += [heading(text), box]
        column(self, 6, *parts, self.status, None, margins=True)

    def use_viewer(self, on: bool) -> None:
        """Take mouse button and key and letter the canvas, or leave the viewer to itself.

        False is for a dock that is closed while its widget lives on.
        """
        for box in self._boxes:
            box.use_viewer(on)

    def event(self, event: QEvent) -> bool:
        """Hold on to the viewer only as part of a window of its."""
        if event.type() == QEvent.Type.ParentChange and hasattr(self, "compare"):
            self.use_viewer(self.parent() is not None)
        return bool(super().event(event))

    def _picked(self) -> None:
        layer = self.picker.layer
        self.planes.follow(layer)
        self.window_.follow(layer)
        self.status.tell(NO_SCAN if layer is None else "")


def _close_down(closers: list[Callable[[], None]], *_: object) -> None:
    for close in closers:
        close()
