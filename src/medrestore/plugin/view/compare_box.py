"""Two layers chosen, compared, and subtracted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from medrestore.errors import InputError
from medrestore.plugin.adding import dress
from medrestore.plugin.contrast import balanced_limits
from medrestore.plugin.layers import KEY, record_in
from medrestore.plugin.result_layers import COPIED
from medrestore.plugin.rows import column, form
from medrestore.plugin.view.comparison import BorrowedKey, Comparison, Mode, check_pair
from medrestore.plugin.viewer import ScanPicker, is_restored, is_scalar, is_scan
from medrestore.plugin.worker import Threads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel

    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.rows import StatusLine


__all__ = ["FLICKER_KEY", "CompareBox", "check_same_grid", "difference_layer"]

TOLERANCE = 1e-2
"""Corners further apart than this, in voxels, are different places."""
_COLORS = ((0.6, 0.85, 1.0), (0.1, 0.45, 0.95), (0.0, 0.0, 0.0), (0.9, 0.3, 0.1), (1.0, 0.85, 0.5))
COLORMAP = {"name": "blue-black-orange", "colors": [(*color, 1.0) for color in _COLORS]}
"""Blue where B is darker, black at zero, orange where B is brighter."""


def check_same_grid(a: Any, b: Any) -> None:
    """Refuse layers whose voxels do not coincide.

    Raises
    ------
    InputError
        That says in what they differ.
    """
    shapes = [tuple(layer.data.shape) for layer in (a, b)]
    if shapes[0] != shapes[1]:
        sizes = [" × ".join(map(str, shape)) for shape in shapes]
        raise InputError(
            f"layer A, {a.name}, has {sizes[0]} voxels and B, {b.name}, {sizes[1]}; choose two on "
            "one grid, such as a scan and its restored layer"
        )
    units = [", ".join(dict.fromkeys(str(u) for u in layer.units)) for layer in (a, b)]
    if units[0] != units[1]:
        raise InputError(
            f"layer A, {a.name}, lies in {units[0]} and B, {b.name}, in {units[1]}; give both "
            "one unit"
        )
    apart = _apart(a, b, shapes[0])
    if apart > TOLERANCE * min(abs(float(s)) for s in a.scale):
        raise InputError(
            f"voxels of {a.name} and {b.name} lie up to {apart:.3g} {a.units[-1]} apart; choose "
            "two layers on one grid"
        )
    values = [_unit(layer.metadata) for layer in (a, b)]
    if None not in values and values[0] != values[1]:
        raise InputError(
            f"layer A, {a.name}, is in {values[0]} and B, {b.name}, in {values[1]}; these cannot "
            "be subtracted"
        )


def difference_layer(a: LayerTuple, b: LayerTuple) -> LayerTuple:
    """B − A, of layers that have passed `check_same_grid`.

    Parameters
    ----------
    a, b : layer tuples
        As ``layer.as_layer_data_tuple()`` gives them; neither is changed.

    Returns
    -------
    layer tuple
        float32, on A's place, colours balanced about zero, role "difference".
    """
    data, meta = _finest(a), a[1]
    difference = np.subtract(_finest(b), data, dtype=np.float32)
    unit = _unit(meta.get("metadata")) or _unit(b[1].get("metadata"))
    name = f"{b[1].get('name', 'B')} − {meta.get('name', 'A')}"
    record = record_in(meta.get("metadata"))
    note = f"{name}: orange where the first is larger, blue where it is smaller"
    notes = (*record.get("notes", ()), note)
    copied = {key: meta[key] for key in COPIED if meta.get(key) is not None}
    new = {
        **copied,
        "name": f"difference · {name}",
        "rgb": False,
        "contrast_limits": balanced_limits(difference),
        "colormap": COLORMAP,
        "metadata": {
            KEY: {
                **record,
                "unit": unit,
                "role": "difference",
                "notes": notes,
                "meaning": f"{note}.",
                "empty": not difference.any(),
            }
        },
    }
    return difference, new, "image"


def _apart(a: Any, b: Any, shape: tuple[int, ...]) -> float:
    """Largest distance between the corners of two grids, in world units."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(len(shape), -1).T
    points = [np.array([layer.data_to_world(c) for c in corners]) for layer in (a, b)]
    return float(np.linalg.norm(points[0] - points[1], axis=1).max())


def _finest(layer: LayerTuple) -> Any:
    data, meta, _ = layer
    return np.asarray(data[0] if meta.get("multiscale") else data)


def _unit(metadata: Mapping[str, Any] | None) -> str | None:
    unit = record_in(metadata).get("unit")
    return None if unit is None else str(unit)


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
    status : StatusLine
        Line that shows problems.
    """

    def __init__(self, viewer: ViewerModel, status: StatusLine) -> None:
        super().__init__()
        self._viewer, self._status = viewer, status
        self._threads, self._subtracting = Threads(), False
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
        buttons = QGridLayout()
        buttons.setSpacing(4)
        shown = (self.side_button, self.flicker_button, self.difference_button, self.back_button)
        for at, button in enumerate(shown):
            button.setToolTip(TIPS[button.text()])
            buttons.addWidget(button, at // 2, at % 2)
        column(self, 6, form({"A": self.a, "B": self.b}, TIPS), buttons)

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
        self._subtracting = True
        self._threads.work(
            lambda _: difference_layer(*tuples), self._subtracted, self._not_subtracted
        )

    def _subtracted(self, found: LayerTuple) -> None:
        self._subtracting = False
        self._enable()
        self._attempt(partial(self._add, found))

    def _not_subtracted(self, error: Exception) -> None:
        self._subtracting = False
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
        self.difference_button.setEnabled(pair and not self._subtracting)

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
            return
        flickers = self.comparison.mode is Mode.FLICKER
        show = self.comparison.flicker if flickers else self.comparison.side_by_side
        self._attempt(partial(show, a, b))

    def _attempt(self, action: Any) -> None:
        if not self._status.attempt(action):
            self.side_button.setChecked(self.comparison.mode is Mode.SIDE_BY_SIDE)

    def use_viewer(self, on: bool) -> None:
        """Take the key, if it is free, or give it back and end the comparison."""
        if on:
            self.key.take()
            key = f" Key: {FLICKER_KEY}." if self.key.taken else ""
            self.flicker_button.setToolTip(TIPS["Flicker"] + key)
        else:
            self.key.give_back()
            self.comparison.end()

    def close_down(self) -> None:
        """Give all back and stop following the viewer."""
        self.key.give_back()
        self.comparison.close()
