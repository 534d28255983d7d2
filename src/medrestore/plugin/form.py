"""The settings of a run as a form, made from their descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from medrestore.modalities import names
from medrestore.plugin.fields import ChoiceBox, FlagBox, WholeBox, field_of
from medrestore.plugin.preferences import offered_models, preferences
from medrestore.plugin.requests import Choices
from medrestore.settings.settings import AUTO, AUTOMATIC, SETTINGS, Settings, feasible

if TYPE_CHECKING:
    from medrestore.plugin.fields import NoiseEntry
    from medrestore.plugin.viewer import ScanPicker

__all__ = ["SettingsForm"]

TOOL_TIP_ROLE = Qt.ItemDataRole.ToolTipRole

FIELD_WIDTH = 200
"""Wide enough for the names of models and, with the labels, for the title of the dock."""
RARE_WIDTH = 170
"""Of fields under *More settings*, whose labels are longer: unfolded, the panel is no wider."""

NOT_SETTINGS = {
    "Scan": "The image layer to restore; it is never changed.",
    "Modality": "What the scan is; automatic takes what its file says.",
    "Slices": "The acquired slices to restore, as the viewer's slider numbers them.",
}
"""Tool tips by label of what a run is of; those of settings are in their descriptions."""

ALWAYS = ("noise", "samples", "level")
"""Settings that are always seen; the others are folded away, these first:"""
FOLDED = (
    *("model", "device", "estimate", "exceeds", "sampler", "steps", "guidance", "measurement"),
    "seed",
)


class SettingsForm(QWidget):
    """Scan, its facts, and one field per setting; what is rarely changed is folded away."""

    def __init__(self, picker: ScanPicker) -> None:
        super().__init__()
        self.picker = picker
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.modality = ChoiceBox({AUTO: AUTOMATIC, **{name: name for name in names()}}, AUTO)
        preferred = preferences().settings()
        self.model = ChoiceBox({AUTO: AUTOMATIC}, AUTO)
        self.fields = {
            name: self.model if name == "model" else field_of(one, preferred.get(name, one.default))
            for name, one in SETTINGS.items()
            if one.label
        }
        self.noise_entry: NoiseEntry = self.fields["noise"]
        self.first, self.last = WholeBox(0, 0, 0), WholeBox(0, 0, 0)
        self.more, self.rare = QPushButton(), QWidget()
        self._lay_out()
        self.show_noise_unit(None)

    def choices(self) -> Choices:
        """The settings as they stand; those without a field are as preferred."""
        preferred = preferences()
        given = {name: field.given() for name, field in self.fields.items()}
        slices = (self.first.value(), self.last.value())
        return Choices(
            Settings(**feasible({**preferred.settings(), **given})),
            modality=self.modality.given(),
            slices=None if slices == (0, self.last.maximum()) else slices,
            cluster=preferred.cluster.strip(),
        )

    def show_models(self, modality: str | None) -> None:
        """Offer the models for a modality (None: all), keeping the choice where it still fits."""
        chosen = self.model.currentData()
        self.model.clear()
        self.model.addItem(AUTOMATIC, AUTO)
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
        self._row(main, "Scan", self.picker)
        main.addRow(self.facts)
        self._row(main, "Modality", self.modality)
        others = [name for name in self.fields if name not in ALWAYS + FOLDED]
        for name in ALWAYS:
            self._setting(main, name)
        for name in (*FOLDED, *others):
            if name == "seed":
                self._row(rare, "Slices", _pair(self.first, self.last), RARE_WIDTH)
            self._setting(rare, name, RARE_WIDTH)
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

    def _setting(self, layout: QFormLayout, name: str, width: int = FIELD_WIDTH) -> None:
        """Add a row for a setting; a tick box brings its own label."""
        field, one = self.fields[name], SETTINGS[name]
        field.setToolTip(one.tip or one.text)
        if isinstance(field, FlagBox):
            layout.addRow("", field)
        else:
            field.setMinimumWidth(width)
            layout.addRow(one.label, field)

    def _row(
        self, layout: QFormLayout, label: str, field: QWidget, width: int = FIELD_WIDTH
    ) -> None:
        field.setToolTip(NOT_SETTINGS[label])
        field.setMinimumWidth(width)
        layout.addRow(label, field)


def _form() -> QFormLayout:
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return layout


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
