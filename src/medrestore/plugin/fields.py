"""Fields of a form, one for each kind of setting; each gives its value as `Settings` takes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QLocale, Qt, Signal
from qtpy.QtGui import QDoubleValidator
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from medrestore.modalities import modality_named
from medrestore.settings.description import Choice, Flag, Number, Whole
from medrestore.settings.noise import NoiseSetting
from medrestore.settings.settings import AUTO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.settings.description import Setting

__all__ = ["ChoiceBox", "FlagBox", "NoiseEntry", "PercentBox", "ValueBox", "WholeBox", "field_of"]

LARGEST_SPIN = 2**31 - 1
"""Of Qt's spin boxes, whose numbers have 32 bits."""

PERCENT = "%"

BOUNDS = {"": (1.0, 1000.0), "HU": (2.0, 100.0), PERCENT: (0.5, 20.0)}
"""Lowest and highest noise of the slider; other units differ from scan to scan, see `AROUND`."""

AROUND = 5.0
"""In other units the slider reaches from a fifth of the measured noise to five times that."""

LARGEST = {"": 1000.0, "HU": 1000.0, PERCENT: 99.9}
LARGEST_OTHER = 1e6
NOTCHES = 200
DECIMALS = 6
"""Scans whose intensities end at 1 have noise of thousandths."""


def field_of(setting: Setting, value: Any) -> QWidget:
    """The field for a setting, which begins with a value; ``given()`` is the value that is set."""
    kind = setting.kind
    if isinstance(kind, Whole):
        return WholeBox(value, kind.low, kind.high, kind.lowest)
    if isinstance(kind, Choice):
        return ChoiceBox(kind.labels, value)
    if isinstance(kind, Number):
        if setting.default is None:
            return ValueBox(value)
        return NumberBox(value, kind) if kind.percents is None else PercentBox(value, kind.percents)
    if isinstance(kind, Flag):
        return FlagBox(setting.label, value)
    return NoiseEntry() if isinstance(kind, NoiseSetting) else TextBox(value)


class ChoiceBox(QComboBox):
    """One of a few values, shown by their labels."""

    def __init__(self, labels: Mapping[str, str], value: str) -> None:
        super().__init__()
        for choice, label in labels.items():
            self.addItem(label, choice)
        self.setCurrentIndex(self.findData(value))

    def given(self) -> Any:
        """The value chosen."""
        return self.currentData()


class TextBox(QLineEdit):
    """A line of text."""

    def given(self) -> str:
        """The text."""
        return str(self.text()).strip()


class WholeBox(QSpinBox):
    """A whole number; the lowest may be shown as a word."""

    def __init__(self, value: int, low: int, high: int, lowest: str = "") -> None:
        super().__init__()
        self.setRange(low, min(high, LARGEST_SPIN))
        self.setValue(value)
        self.setSpecialValueText(lowest)

    def given(self) -> int:
        """The number."""
        return int(self.value())


class PercentBox(QSpinBox):
    """A share, in whole percents."""

    def __init__(self, value: float, percents: tuple[int, int]) -> None:
        super().__init__()
        self.setRange(*percents)
        self.setValue(round(100 * value))
        self.setSuffix(" %")

    def given(self) -> float:
        """The share, 0 to 1."""
        return int(self.value()) / 100


class NumberBox(QDoubleSpinBox):
    """A number in a range."""

    def __init__(self, value: float, kind: Number) -> None:
        super().__init__()
        self.setRange(kind.low, kind.high)
        self.setSingleStep(0.5)
        self.setValue(value)

    def given(self) -> float:
        """The number."""
        return float(self.value())


class ValueBox(QLineEdit):
    """Any number, or none while it is empty."""

    def __init__(self, value: float | None = None) -> None:
        super().__init__("" if value is None else f"{value:g}")
        self.setPlaceholderText("none")
        numbers = QDoubleValidator(self)
        numbers.setLocale(QLocale.c())
        self.setValidator(numbers)

    def given(self) -> float | None:
        """The number; None while there is none."""
        try:
            number = float(self.text())
        except ValueError:
            return None
        return number if math.isfinite(number) else None


class FlagBox(QCheckBox):
    """On or off."""

    def __init__(self, label: str, value: bool) -> None:
        super().__init__(label)
        self.setChecked(value)

    def given(self) -> bool:
        """True if it is on."""
        return bool(self.isChecked())


class _Number(QDoubleSpinBox):
    """Three digits are shown of any number, however small."""

    def textFromValue(self, value: float) -> str:
        return f"{value:.3g}" if value < 100 else f"{value:.1f}"


class NoiseEntry(QWidget):
    """Noise in HU (CT), or in percent of the foreground or a.u. (MR); at the left end, automatic.

    ``from_region`` asks for the noise to be measured in what was drawn.
    """

    from_region = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.number = _Number()
        self.number.setDecimals(DECIMALS)
        self.number.setSpecialValueText("Automatic")
        self.units = QComboBox()
        self.units.setAccessibleName("Unit of the noise")
        self.units.setToolTip("Percent of the noise-free foreground, or the scan's own unit.")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, NOTCHES)
        self.slider.setAccessibleName("Noise")
        self.region = QPushButton("From region")
        self.region.setToolTip(
            "Measures the noise in a region of uniform tissue, drawn in a Shapes or Labels layer."
        )
        self.units.setStyleSheet("min-width: 34px;")  # napari's is wider than half a field
        self.number.setStyleSheet("min-width: 60px;")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        for first, second in ((self.number, self.units), (self.slider, self.region)):
            row = QHBoxLayout()
            row.addWidget(first, 1)
            row.addWidget(second)
            rows.addLayout(row)
        self._offered: tuple[str, ...] = ()
        self._bounds: tuple[float, float] | None = None
        self._measured: float | None = None
        self.show_unit(None)
        self.number.valueChanged.connect(self._follow)
        self.slider.valueChanged.connect(self._slid)
        self.units.currentTextChanged.connect(self._take_unit)
        self.region.clicked.connect(self.from_region)

    @property
    def value(self) -> float | None:
        """Noise in the unit shown; None for automatic."""
        number = float(self.number.value())
        return number if number > 0 else None

    def given(self) -> str | float:
        """Noise as `Settings` takes it: ``"auto"``, HU, a fraction of the foreground, or a.u."""
        if self.value is None:
            return AUTO
        if self.unit == PERCENT:
            return self.value / 100
        relative = PERCENT in self._offered  # a bare number would be a fraction
        return f"{self.value:g} {self.unit}" if relative else self.value

    @property
    def unit(self) -> str:
        """The unit shown: ``"HU"``, ``"%"``, ``"a.u."``, or none while the modality is unknown."""
        return str(self.units.currentText())

    def show_measured(self, sigma: float) -> None:
        """Take the noise that was measured in a region of the scan, in its own unit."""
        self.units.setCurrentIndex(self.units.count() - 1)
        if self.unit not in BOUNDS:
            self._bounds = (sigma / AROUND, sigma * AROUND)
            self.slider.setEnabled(True)
        self.number.setValue(sigma)
        self._measured = float(self.number.value())

    def forget_region(self) -> None:
        """Back to automatic, if the number was measured in a region of a scan."""
        if self._measured is not None and self.number.value() == self._measured:
            self.number.setValue(0)
        self._measured = None

    def show_unit(self, modality: str | None) -> None:
        """Offer the modality's units; a number in a unit that it has not is dropped."""
        offered = _units(modality)
        if offered == self._offered:
            return
        self._offered = offered
        self.units.blockSignals(True)
        self.units.clear()
        self.units.addItems(offered)
        self.units.blockSignals(False)
        self.units.setVisible(len(offered) > 1)
        self._take_unit(offered[0])

    def _take_unit(self, unit: str) -> None:
        """A number in one unit says nothing in another."""
        self.number.setValue(0)
        self.number.setMaximum(LARGEST.get(unit, LARGEST_OTHER))
        self.number.setSuffix(f" {unit}" if unit and len(self._offered) == 1 else "")
        self._bounds = BOUNDS.get(unit)
        self.slider.setEnabled(unit != "" and self._bounds is not None)
        self._follow(0.0)

    def _slid(self, notch: int) -> None:
        """The slider was moved: notches are equal ratios."""
        low, high = self._bounds or BOUNDS[""]
        value = 0.0 if notch == 0 else low * (high / low) ** ((notch - 1) / (NOTCHES - 1))
        self.number.setValue(value)

    def _follow(self, value: float) -> None:
        """Put the slider where the number is, quietly."""
        notch = 0
        if value > 0 and self._bounds is not None:
            low, high = self._bounds
            share = math.log(max(value, low) / low) / math.log(high / low)
            notch = 1 + round(min(share, 1.0) * (NOTCHES - 1))
        self.slider.blockSignals(True)
        self.slider.setValue(notch)
        self.slider.blockSignals(False)


def _units(modality: str | None) -> tuple[str, ...]:
    """Units of a modality, the usual one first."""
    if modality is None:
        return ("",)
    known = modality_named(modality)
    return (PERCENT, known.unit) if known.noise.relative else (known.unit,)
