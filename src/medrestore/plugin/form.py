"""The settings of a run as a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from medrestore.core.samplers import SAMPLERS
from medrestore.plugin.noise_entry import NoiseEntry
from medrestore.plugin.preferences import offered_models, preferences
from medrestore.plugin.requests import AUTO, Choices
from medrestore.settings.settings import LARGEST_WEIGHT

if TYPE_CHECKING:
    from medrestore.plugin.scan_picker import ScanPicker

__all__ = ["SettingsForm"]

TOOL_TIP_ROLE = Qt.ItemDataRole.ToolTipRole

FIELD_WIDTH = 200
"""Wide enough for the names of models and, with the labels, for the title of the dock."""
RARE_WIDTH = 170
"""Of fields under *More settings*, whose labels are longer: unfolded, the panel is no wider."""

ESTIMATES = [
    ("Expected image", "mean"),
    ("One sample", "sample"),
    ("Mean of the samples", "posterior-mean"),
]

TIPS = {
    "Scan": "The image layer to restore; it is never changed.",
    "Modality": "What the scan is; automatic takes what its file says.",
    "Model": "The trained network; automatic picks the slice model for the modality.",
    "Noise": (
        "Standard deviation of the noise to remove: HU in soft tissue (CT); percent of the "
        "foreground, or the scan's own unit, a.u. (MR). Automatic measures it in the scan."
    ),
    "Samples": (
        "Posterior samples behind the uncertainty. More take longer and steady it; "
        "0 gives image and uncertainty from one evaluation."
    ),
    "Steps": (
        "Steps of a sample, each one network evaluation or, of some samplers, more; automatic is "
        "the model's own number."
    ),
    "Interval": "How often the true value is to lie between lower and upper.",
    "Seed": "The same seed gives the same result.",
    "Device": "Where the network runs; automatic takes a CUDA GPU if there is one.",
    "Sampler": (
        "How samples are drawn; automatic is the model's own: moment-matched, DDIM for a model of "
        "the image itself, consistency for one that was distilled to it: one evaluation a sample."
    ),
    "Guidance": (
        "Weight of what the model is told of the scan against what it would say untold; 1 is off. "
        "Only models that know both. The intervals of guided samples are not calibrated."
    ),
    "Measurement": (
        "Weight of the noise's likelihood, by which samples are drawn towards the scan; 0 is off. "
        "The intervals of guided samples are not calibrated."
    ),
    "Image": "What the restored image is; one sample keeps the texture that the noise hid.",
    "Slices": "The acquired slices to restore, as the viewer's slider numbers them.",
    "Keep samples": "Also adds the samples as a layer that the viewer's slider plays through.",
}


class SettingsForm(QWidget):
    """Scan, its facts, and one field per setting; what is rarely changed is folded away."""

    def __init__(self, picker: ScanPicker) -> None:
        super().__init__()
        self.picker = picker
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.modality = _combo([("Automatic", AUTO), ("CT", "CT"), ("MR", "MR")])
        self.noise_entry = NoiseEntry()
        self.noise = self.noise_entry.number
        preferred = preferences()
        self.samples = _whole(preferred.samples, 0, 1000)
        self.level = _whole(preferred.level, 50, 99, suffix=" %")
        self.model = _combo([("Automatic", AUTO)])
        self.device = _combo([("Automatic", AUTO), ("CPU", "cpu"), ("CUDA GPU", "cuda")])
        self.device.setCurrentIndex(self.device.findData(preferred.device))
        self.steps = _whole(preferred.steps, 0, 1000)
        self.steps.setSpecialValueText("Automatic")
        self.sampler = _combo(
            [("Automatic", AUTO), *((one.label, one.name) for one in SAMPLERS.values())]
        )
        self.estimate = _combo(ESTIMATES)
        self.guidance, self.measurement = _weight(1.0), _weight(0.0)
        self.seed = _whole(0, 0, 2**31 - 1)
        self.first, self.last = _whole(0, 0, 0), _whole(0, 0, 0)
        self.keep_samples = QCheckBox("Keep samples")
        self.more, self.rare = QPushButton(), QWidget()
        self._lay_out()
        self.show_noise_unit(None)

    def choices(self) -> Choices:
        """What is set."""
        slices = (self.first.value(), self.last.value())
        return Choices(
            modality=self.modality.currentData(),
            model=self.model.currentData(),
            noise=self.noise_entry.value,
            noise_unit=self.noise_entry.unit,
            samples=self.samples.value(),
            steps=self.steps.value(),
            level_percent=self.level.value(),
            seed=self.seed.value(),
            device=self.device.currentData(),
            sampler=self.sampler.currentData(),
            estimate=self.estimate.currentData(),
            keep_samples=self.keep_samples.isChecked(),
            guidance=self.guidance.value(),
            measurement=self.measurement.value(),
            memory_gb=preferences().memory_gb,
            cluster=preferences().cluster.strip(),
            slices=None if slices == (0, self.last.maximum()) else slices,
        )

    def show_models(self, modality: str | None) -> None:
        """Offer the models for a modality (None: all), keeping the choice where it still fits."""
        chosen = self.model.currentData()
        self.model.clear()
        self.model.addItem("Automatic", AUTO)
        for name, value, summary in offered_models(modality):
            self.model.addItem(name, value)
            self.model.setItemData(self.model.count() - 1, summary, TOOL_TIP_ROLE)
        self.model.setCurrentIndex(max(0, self.model.findData(chosen)))

    def show_noise_unit(self, modality: str | None) -> None:
        """Ask for noise in the modality's unit; a number in another unit is dropped."""
        self.noise_entry.show_unit(modality)

    def show_slices(self, count: int, anew: bool) -> None:
        """Offer the slices of a scan; those chosen stay, unless it is another one (``anew``)."""
        highest = max(0, count - 1)
        anew = anew or self.last.maximum() != highest
        for box, value in ((self.first, 0), (self.last, highest)):
            box.setRange(0, highest)
            box.setEnabled(count > 0)
            if anew:
                box.setValue(value)
        self.noise_entry.region.setEnabled(count > 0)

    def forget(self, stated: str | None) -> None:
        """Let go of what was chosen for another scan: noise measured in it, and its modality.

        A modality stays for scans that do not say theirs (``stated`` is None).
        """
        self.noise_entry.forget_region()
        if stated is not None:
            self.modality.setCurrentIndex(0)

    def _lay_out(self) -> None:
        main, rare = _form(), _form()
        self._rows(main, {"Scan": self.picker})
        main.addRow(self.facts)
        self._rows(main, {"Modality": self.modality, "Noise": self.noise_entry})
        self._rows(main, {"Samples": self.samples, "Interval": self.level})
        for rows in (
            {"Model": self.model, "Device": self.device},
            {"Image": self.estimate, "Sampler": self.sampler, "Steps": self.steps},
            {"Guidance": self.guidance, "Measurement": self.measurement},
            {"Slices": _pair(self.first, self.last), "Seed": self.seed},
        ):
            self._rows(rare, rows, RARE_WIDTH)
        self.keep_samples.setToolTip(TIPS["Keep samples"])
        rare.addRow("", self.keep_samples)
        self.rare.setLayout(rare)
        self.more.setCheckable(True)
        self.more.setStyleSheet("text-align: left;")
        self.more.toggled.connect(self._unfold)
        self._unfold(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(main)
        layout.addWidget(self.more)
        layout.addWidget(self.rare)

    def _unfold(self, shown: bool) -> None:
        self.rare.setVisible(shown)
        self.more.setText("▾ More settings" if shown else "▸ More settings")

    def _rows(
        self, layout: QFormLayout, rows: dict[str, QWidget], width: int = FIELD_WIDTH
    ) -> None:
        for label, field in rows.items():
            field.setToolTip(TIPS[label])
            field.setMinimumWidth(width)
            layout.addRow(label, field)


def _form() -> QFormLayout:
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return layout


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


def _weight(value: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0, LARGEST_WEIGHT)
    box.setSingleStep(0.5)
    box.setValue(value)
    return box


def _pair(first: QWidget, last: QWidget) -> QWidget:
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    for box in (first, last):
        box.setStyleSheet("min-width: 56px;")  # napari's is wider than half a field
    row.addWidget(first, 1)
    row.addWidget(QLabel("to"))
    row.addWidget(last, 1)
    return both
