"""The View panel: how a scan is looked at, the way radiologists are used to."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from medrestore.plugin.layers import record_in
from medrestore.plugin.rows import QUIET_STYLE, StatusLine, column, form, heading, quiet_label
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
from medrestore.plugin.view.window import DisplayWindow, WindowDrag, Windowing, presets_for
from medrestore.plugin.viewer import ScanPicker, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from medrestore.plugin.view.window import Preset

__all__ = ["PlaneBox", "ViewPanel", "WindowBox"]

LARGEST = 1e9
WINDOW_TIPS = {
    "Preset": "Windows that suit the scan. Restored, lower and upper follow it.",
    "Level": "The value shown as middle grey.",
    "Width": "How far white is from black: narrower gives more contrast.",
    "Drag": (
        "Drag with the right button on the picture: right for a wider window (less contrast), "
        "up for a brighter picture. Off: the right button zooms, as ever in napari."
    ),
}


class WindowBox(QWidget):
    """Shows and sets the window of one layer.

    Parameters
    ----------
    viewer : ViewerModel
        Its right mouse button is taken while the box is ticked.
    status : StatusLine
        Line that shows problems.
    """

    def __init__(self, viewer: ViewerModel, status: StatusLine) -> None:
        super().__init__()
        self._status = status
        self._presets: list[Preset] = []
        self._last: tuple[int, DisplayWindow] | None = None
        self.preset = QComboBox()
        self.preset.setPlaceholderText("own choice")
        self.level, self.width_ = _number("Level"), _number("Width")
        self.drag_box = QCheckBox("Drag with the right button sets it")
        self.drag_box.setToolTip(WINDOW_TIPS["Drag"])
        self.drag_box.setChecked(True)
        self._lay_out()
        self.windowing = Windowing(self.refresh)
        self.drag = WindowDrag(viewer, self.windowing)
        self.preset.activated.connect(self._choose)
        self.level.valueChanged.connect(self._typed)
        self.width_.valueChanged.connect(self._typed)
        self.drag_box.toggled.connect(self.drag.switch)
        self.refresh()

    def _lay_out(self) -> None:
        self.preset.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.preset.setMinimumContentsLength(8)
        rows = {"Preset": self.preset, "Level": self.level, "Width": self.width_}
        column(self, 4, form(rows, WINDOW_TIPS), self.drag_box)

    def follow(self, layer: Any) -> None:
        """Turn to a layer; None for none."""
        self._presets = [] if layer is None else presets_for(layer)
        self._last = None
        self.preset.clear()
        for at, preset in enumerate(self._presets):
            self.preset.addItem(preset.name)
            self.preset.setItemData(at, preset.tip, Qt.ItemDataRole.ToolTipRole)
        unit = None if layer is None else record_in(layer.metadata).get("unit")
        for box in (self.level, self.width_):
            box.setSuffix(f" {unit}" if unit == "HU" else "")
        self.windowing.follow(layer)

    def refresh(self) -> None:
        """Show the window as it is now."""
        window = self.windowing.window
        for part in (self.preset, self.level, self.width_):
            part.setEnabled(window is not None)
        if window is None:
            self.preset.setCurrentIndex(-1)
            return
        decimals = min(6, max(0, 2 - math.floor(math.log10(max(window.width, 1e-9)))))
        for box, value in ((self.level, window.level), (self.width_, window.width)):
            box.blockSignals(True)
            box.setDecimals(decimals)
            box.setSingleStep(10.0 ** (math.floor(math.log10(max(window.width, 1e-9))) - 1))
            box.setValue(value)
            box.blockSignals(False)
        self.preset.setCurrentIndex(self._index_of(window))

    def _index_of(self, window: DisplayWindow) -> int:
        """The preset on display; -1 for none."""
        if self._last is not None and window.close_to(self._last[1]):
            return self._last[0]
        fixed = (i for i, p in enumerate(self._presets) if p.fixed and window.close_to(p.fixed))
        return next(fixed, -1)

    def _choose(self, index: int) -> None:
        def apply() -> None:
            window = self._presets[index].window()
            self._last = index, window
            self.windowing.set(window)

        if self._status.attempt(apply):
            self._status.tell("")
        self.refresh()

    def _typed(self, _: float) -> None:
        window = DisplayWindow(self.level.value(), self.width_.value())
        self._status.attempt(lambda: self.windowing.set(window))

    def use_viewer(self, on: bool) -> None:
        """Take the right button, if the box is ticked, or give it back."""
        self.drag.switch(on and self.drag_box.isChecked())

    def close_down(self) -> None:
        """Give the right button back and let go of the layer."""
        self.drag.switch(False)
        self.windowing.close()


def _number(name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(-LARGEST if name == "Level" else 1e-6, LARGEST)
    box.setKeyboardTracking(False)
    box.setMinimumWidth(60)
    return box


PLANE_TIPS = {
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
        Line that shows problems.
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
            button.setToolTip(PLANE_TIPS[plane] + (MIDDLE if plane else ""))
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
