"""The settings of a run as a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSpinBox, QWidget

from medrestore import models
from medrestore.errors import ModelError
from medrestore.plugin.controller import AUTO, Choices

if TYPE_CHECKING:
    from medrestore.plugin.scan_picker import ScanPicker

__all__ = ["SettingsForm"]

TOOL_TIP_ROLE = Qt.ItemDataRole.ToolTipRole

NOISE = {None: ("", 1000.0), "CT": (" HU", 1000.0), "MR": (" %", 100.0)}
"""Unit and largest value of the noise for a modality."""

FIELD_WIDTH = 195
"""Wide enough for the names of models and, with the labels, for the title of the dock."""

TIPS = {
    "Scan": "The image layer to restore; it is never changed.",
    "Modality": "What the scan is; automatic takes what its file says.",
    "Model": "The trained network; automatic picks the one for the modality.",
    "Noise": (
        "Standard deviation of the noise to remove: HU in soft tissue (CT) or percent of the "
        "foreground (MR). Automatic measures it in the scan."
    ),
    "Samples": (
        "Posterior samples behind the uncertainty. More take longer and steady it; "
        "0 gives image and uncertainty from one evaluation."
    ),
    "Steps": "Steps of a sample, each one network evaluation.",
    "Interval": "How often the true value is to lie between lower and upper.",
    "Seed": "The same seed gives the same result.",
    "Device": "Where the network runs; automatic takes a CUDA GPU if there is one.",
}


class SettingsForm(QWidget):
    """Scan, its facts, and one field per setting."""

    def __init__(self, picker: ScanPicker) -> None:
        super().__init__()
        self.picker = picker
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.modality = _combo([("Automatic", AUTO), ("CT", "CT"), ("MR", "MR")])
        self.model = _combo([("Automatic", AUTO)])
        self.noise = QDoubleSpinBox()
        self.noise.setDecimals(1)
        self.noise.setSpecialValueText("Automatic")
        self.samples = _whole(8, 0, 1000)
        self.steps = _whole(2, 1, 1000)
        self.level = _whole(90, 50, 99, suffix=" %")
        self.seed = _whole(0, 0, 2**31 - 1)
        self.device = _combo([("Automatic", AUTO), ("CPU", "cpu"), ("CUDA GPU", "cuda")])
        self._lay_out()
        self.show_noise_unit(None)

    def choices(self) -> Choices:
        """What is set."""
        noise = self.noise.value()
        return Choices(
            modality=self.modality.currentData(),
            model=self.model.currentData(),
            noise=noise if noise > 0 else None,
            samples=self.samples.value(),
            steps=self.steps.value(),
            level_percent=self.level.value(),
            seed=self.seed.value(),
            device=self.device.currentData(),
        )

    def show_models(self, modality: str | None) -> None:
        """Offer the models for a modality (None: all), keeping the choice where it still fits."""
        chosen = self.model.currentData()
        try:
            cards = models.available()
        except ModelError:
            cards = []  # said in full when a run is asked for
        self.model.clear()
        self.model.addItem("Automatic", AUTO)
        for card in cards:
            if modality in (None, card.modality):
                self.model.addItem(card.name, card.name)
                self.model.setItemData(self.model.count() - 1, card.summary, TOOL_TIP_ROLE)
        self.model.setCurrentIndex(max(0, self.model.findData(chosen)))

    def show_noise_unit(self, modality: str | None) -> None:
        """Ask for noise in the modality's unit; a number in another unit is dropped."""
        suffix, largest = NOISE[modality]
        if suffix != self.noise.suffix():
            self.noise.setValue(0)
        self.noise.setSuffix(suffix)
        self.noise.setMaximum(largest)

    def _lay_out(self) -> None:
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows(layout, {"Scan": self.picker})
        layout.addRow(self.facts)
        self._rows(layout, {"Modality": self.modality, "Noise": self.noise})
        self._rows(layout, {"Model": self.model, "Device": self.device})
        heading = QLabel("Uncertainty")
        heading.setContentsMargins(0, 8, 0, 0)
        layout.addRow(heading)
        self._rows(layout, {"Samples": self.samples, "Steps": self.steps})
        self._rows(layout, {"Interval": self.level, "Seed": self.seed})

    def _rows(self, layout: QFormLayout, rows: dict[str, QWidget]) -> None:
        for label, field in rows.items():
            field.setToolTip(TIPS[label])
            field.setMinimumWidth(FIELD_WIDTH)
            layout.addRow(label, field)


def _combo(items: list[tuple[str, str]]) -> QComboBox:
    combo = QComboBox()
    for text, value in items:
        combo.addItem(text, value)
    return combo


def _whole(value: int, low: int, high: int, suffix: str = "") -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setSuffix(suffix)
    return box
