"""Presets, level and width of the display window, and the drag that sets them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QWidget

from medrestore.plugin.layers import record_in
from medrestore.plugin.rows import column, form
from medrestore.plugin.view.window import DisplayWindow, WindowDrag, Windowing, presets_for

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from medrestore.plugin.status import StatusLine
    from medrestore.plugin.view.window import Preset

__all__ = ["WindowBox"]

LARGEST = 1e9
TIPS = {
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
        Where problems are said.
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
        self.drag_box.setToolTip(TIPS["Drag"])
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
        column(self, 4, form(rows, TIPS), self.drag_box)

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
