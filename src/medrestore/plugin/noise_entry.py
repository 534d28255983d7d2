"""The noise level as a number, a slider, or a region that was drawn."""

from __future__ import annotations

import math

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QPushButton, QSlider, QVBoxLayout, QWidget

__all__ = ["NoiseEntry"]

UNITS = {None: ("", 1.0, 1000.0), "CT": (" HU", 2.0, 100.0), "MR": (" %", 0.5, 20.0)}
"""Unit, and lowest and highest noise of the slider, for a modality."""

LARGEST = {None: 1000.0, "CT": 1000.0, "MR": 100.0}
NOTCHES = 200


class NoiseEntry(QWidget):
    """Noise in HU (CT) or percent of the foreground (MR); at its left end, automatic.

    ``from_region`` asks for the noise to be measured in what was drawn.
    """

    from_region = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.number = QDoubleSpinBox()
        self.number.setDecimals(1)
        self.number.setSpecialValueText("Automatic")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, NOTCHES)
        self.slider.setAccessibleName("Noise")
        self.region = QPushButton("From region")
        self.region.setToolTip(
            "Measures the noise in a region of uniform tissue, drawn in a Shapes or Labels layer."
        )
        row = QHBoxLayout()
        row.addWidget(self.number, 1)
        row.addWidget(self.region)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.slider)
        self._range = UNITS[None][1:]
        self._measured: float | None = None
        self.show_unit(None)
        self.number.valueChanged.connect(self._follow)
        self.slider.valueChanged.connect(self._slid)
        self.region.clicked.connect(self.from_region)

    @property
    def value(self) -> float | None:
        """Noise in the unit shown; None for automatic."""
        number = float(self.number.value())
        return number if number > 0 else None

    def show_measured(self, value: float) -> None:
        """Take the noise that was measured in a region of the scan."""
        self.number.setValue(value)
        self._measured = float(self.number.value())

    def forget_region(self) -> None:
        """Back to automatic, if the number was measured in a region of a scan."""
        if self._measured is not None and self.number.value() == self._measured:
            self.number.setValue(0)
        self._measured = None

    def show_unit(self, modality: str | None) -> None:
        """Ask for noise in the modality's unit; a number in another unit is dropped."""
        suffix, *bounds = UNITS[modality]
        if suffix != self.number.suffix():
            self.number.setValue(0)
        self._range = (bounds[0], bounds[1])
        self.number.setSuffix(suffix)
        self.number.setMaximum(LARGEST[modality])
        self.slider.setEnabled(modality is not None)
        self._follow(self.number.value())

    def _slid(self, notch: int) -> None:
        """The slider was moved: notches are equal ratios."""
        low, high = self._range
        value = 0.0 if notch == 0 else low * (high / low) ** ((notch - 1) / (NOTCHES - 1))
        self.number.setValue(value)

    def _follow(self, value: float) -> None:
        """Put the slider where the number is, quietly."""
        low, high = self._range
        notch = 0
        if value > 0:
            share = math.log(max(value, low) / low) / math.log(high / low)
            notch = 1 + round(min(share, 1.0) * (NOTCHES - 1))
        self.slider.blockSignals(True)
        self.slider.setValue(notch)
        self.slider.blockSignals(False)
