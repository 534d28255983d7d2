"""Choosing two layers, and comparing them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from napari.qt.threading import create_worker
from qtpy.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from medrestore.plugin.dressing import dress
from medrestore.plugin.layer_kinds import is_restored, is_scalar, is_scan
from medrestore.plugin.rows import form
from medrestore.plugin.scan_picker import ScanPicker
from medrestore.plugin.view.comparison import Comparison, Mode, check_pair
from medrestore.plugin.view.difference import check_same_grid, difference_layer
from medrestore.plugin.view.key import BorrowedKey

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.view.status import Status

__all__ = ["FLICKER_KEY", "CompareBox"]

FLICKER_KEY = "Q"
"""Free in napari for every kind of layer."""
TIPS = {
    "A": "The first layer: left, or the one taken away.",
    "B": "The second layer: right, or the one taken from.",
    "Side by side": "A left, B right, all else hidden; once more to go back.",
    "Flicker": "A and B in turn, at one place: each press shows the other one.",
    "Difference": "Adds a layer B − A: blue where B is darker, orange where it is brighter.",
    "Back": "Ends the comparison: every layer as visible as before.",
}


class CompareBox(QWidget):
    """Side by side, flicker, difference.

    Parameters
    ----------
    viewer : ViewerModel
        Layers are hidden during a comparison and shown again after it; none is changed.
    status : Status
        Where problems are said.
    """

    def __init__(self, viewer: ViewerModel, status: Status) -> None:
        super().__init__()
        self._viewer, self._status = viewer, status
        self._worker: Any = None
        self.a = ScanPicker(viewer, is_scalar, is_scan)
        self.b = ScanPicker(viewer, is_scalar, is_restored)
        self.side_button = QPushButton("Side by side")
        self.side_button.setCheckable(True)
        self.flicker_button = QPushButton("Flicker")
        self.difference_button = QPushButton("Difference")
        self.back_button = QPushButton("Back")
        self.comparison = Comparison(viewer, self.refresh)
        self.key = BorrowedKey(viewer, FLICKER_KEY, self.flicker)
        self._lay_out()
        self.side_button.clicked.connect(self.side_by_side)
        self.flicker_button.clicked.connect(self.flicker)
        self.difference_button.clicked.connect(self.subtract)
        self.back_button.clicked.connect(self.comparison.end)
        for picker in (self.a, self.b):
            picker.setPlaceholderText("no layer")
            picker.chosen.connect(self._picked)
        self.refresh()

    def _lay_out(self) -> None:
        self.a.setToolTip(TIPS["A"])
        self.b.setToolTip(TIPS["B"])
        buttons = QGridLayout()
        buttons.setSpacing(4)
        shown = (self.side_button, self.flicker_button, self.difference_button, self.back_button)
        for at, button in enumerate(shown):
            button.setToolTip(TIPS[button.text()])
            buttons.addWidget(button, at // 2, at % 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(form({"A": self.a, "B": self.b}))
        layout.addLayout(buttons)

    def side_by_side(self) -> None:
        """Show A and B side by side, or go back if they are."""
        if self.comparison.mode is Mode.SIDE_BY_SIDE:
            self.comparison.end()
        else:
            self._attempt(lambda: self.comparison.side_by_side(self.a.layer, self.b.layer))

    def flicker(self) -> None:
        """Show the other one of A and B."""
        self._attempt(lambda: self.comparison.flicker(self.a.layer, self.b.layer))

    def subtract(self) -> None:
        """Add the layer B − A, worked out in a thread of its own."""
        self._attempt(self._subtract)

    def _subtract(self) -> None:
        a, b = check_pair(self.a.layer, self.b.layer)
        check_same_grid(a, b)
        self._status.tell("Subtracting…")
        self.difference_button.setEnabled(False)
        tuples = a.as_layer_data_tuple(), b.as_layer_data_tuple()
        worker = self._worker = create_worker(difference_layer, *tuples, _start_thread=False)
        worker.returned.connect(self._subtracted)
        worker.errored.connect(self._not_subtracted)
        worker.start()

    # Methods of a QObject, so that Qt calls them in the thread that draws.
    def _subtracted(self, found: LayerTuple) -> None:
        self._worker = None
        self._enable()
        self._attempt(partial(self._add, found))

    def _not_subtracted(self, error: Exception) -> None:
        self._worker = None
        self._enable()
        self._status.fail(error)

    def _add(self, found: LayerTuple) -> None:
        data, meta, _ = found
        self.comparison.end()  # else it would be hidden
        layer = Image(data, **meta)
        self._viewer.add_layer(layer)
        dress(self._viewer, layer)
        self._status.tell(f"Added {layer.name}: blue where B is darker, orange where brighter.")

    def refresh(self) -> None:
        """Follow the comparison."""
        mode, comparison = self.comparison.mode, self.comparison
        self._enable()
        self.side_button.setChecked(mode is Mode.SIDE_BY_SIDE)
        self.back_button.setEnabled(mode is not Mode.OFF)
        if mode is Mode.FLICKER:
            which = "A" if comparison.front is comparison.a else "B"
            self._status.tell(f"{which}: {comparison.front.name}")
        elif mode is Mode.SIDE_BY_SIDE:
            self._status.tell(f"Left {comparison.a.name}, right {comparison.b.name}.")
        else:
            self._status.tell("")

    def _enable(self) -> None:
        """Nothing is compared with itself, or with nothing."""
        a, b = self.a.layer, self.b.layer
        pair = a is not None and b is not None and a is not b
        for button in (self.side_button, self.flicker_button):
            button.setEnabled(pair)
        self.difference_button.setEnabled(pair and self._worker is None)

    def _picked(self) -> None:
        """Compare what is chosen now."""
        self._enable()
        if self.comparison.mode is Mode.OFF:
            return
        a, b = self.a.layer, self.b.layer
        if a is self.comparison.a and b is self.comparison.b:
            return
        if a is b or a is None or b is None:
            self.comparison.end()
        elif self.comparison.mode is Mode.SIDE_BY_SIDE:
            self._attempt(lambda: self.comparison.side_by_side(a, b))
        else:
            self._attempt(lambda: self.comparison.flicker(a, b))

    def _attempt(self, action: Any) -> None:
        if not self._status.attempt(action):
            self.side_button.setChecked(self.comparison.mode is Mode.SIDE_BY_SIDE)

    def attach(self) -> None:
        """Take the key, if it is free."""
        self.key.take()
        key = f" Key: {FLICKER_KEY}." if self.key.held else ""
        self.flicker_button.setToolTip(TIPS["Flicker"] + key)

    def release(self) -> None:
        """End the comparison and give the key back."""
        self.key.give_back()
        self.comparison.end()

    def close_down(self) -> None:
        """Give all back and stop following the viewer."""
        self.key.give_back()
        self.comparison.close()
