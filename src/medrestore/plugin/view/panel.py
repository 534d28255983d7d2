"""The View panel: how a scan is looked at, the way radiologists are used to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from medrestore.plugin.rows import form, heading
from medrestore.plugin.scan_picker import ScanPicker
from medrestore.plugin.view.compare_box import CompareBox
from medrestore.plugin.view.plane_box import PlaneBox
from medrestore.plugin.view.planes import NO_SCAN
from medrestore.plugin.view.status import Status
from medrestore.plugin.view.window_box import WindowBox

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

__all__ = ["ViewPanel"]


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
        self.status = Status()
        self.planes = PlaneBox(viewer, self.status)
        self.window_ = WindowBox(viewer, self.status)
        self.compare = CompareBox(viewer, self.status)
        self._lay_out()
        self.picker.chosen.connect(self._picked)
        self._picked()
        self.attach()
        closers = [box.close_down for box in self._boxes]
        self.destroyed.connect(partial(_close_down, closers))  # must not hold on to self

    @property
    def _boxes(self) -> tuple[PlaneBox, WindowBox, CompareBox]:
        return self.planes, self.window_, self.compare

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addLayout(form({"Scan": self.picker}))
        for text, box in zip(("Plane", "Window", "Compare"), self._boxes, strict=True):
            layout.addWidget(heading(text))
            layout.addWidget(box)
        layout.addWidget(self.status)
        layout.addStretch(1)

    def attach(self) -> None:
        """Take mouse button and key, and letter the canvas."""
        for box in self._boxes:
            box.attach()

    def release(self) -> None:
        """Leave the viewer to itself: end the comparison, give mouse button and key back.

        For a dock that is closed while its widget lives on; `attach` undoes it.
        """
        for box in self._boxes:
            box.release()

    def event(self, event: QEvent) -> bool:
        """Hold on to the viewer only as part of a window of its."""
        if event.type() == QEvent.Type.ParentChange and hasattr(self, "compare"):
            if self.parent() is None:
                self.release()
            else:
                self.attach()
        return bool(super().event(event))

    def _picked(self) -> None:
        layer = self.picker.layer
        self.planes.follow(layer)
        self.window_.follow(layer)
        self.status.tell(NO_SCAN if layer is None else "")


def _close_down(closers: list[Callable[[], None]], *_: object) -> None:
    for close in closers:
        close()
