"""Rows and fields of one look for the panels: forms, headings, buttons, paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PathField", "button_row", "column", "form", "heading"]

LABEL_WIDTH = 60
"""As wide as the longest label, so that fields of all boxes stand in one column."""


def form(
    rows: Mapping[str, QWidget],
    tips: Mapping[str, str] | None = None,
    label_width: int = LABEL_WIDTH,
) -> QFormLayout:
    """Labels and fields in two columns, without margins; tool tips of fields by their labels."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setVerticalSpacing(4)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for text, field in rows.items():
        label = QLabel(text)
        label.setMinimumWidth(label_width)
        if tips and text in tips:
            field.setToolTip(tips[text])
        layout.addRow(label, field)
    return layout


def column(panel: QWidget, spacing: int, *parts: Any, margins: bool = False) -> None:
    """Lay out widgets and layouts of a panel below each other; None is room that stretches."""
    layout = QVBoxLayout(panel)
    layout.setSpacing(spacing)
    if not margins:
        layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)


def heading(text: str) -> QLabel:
    """Bold title of the rows below it."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setContentsMargins(0, 6, 0, 0)
    return label


def button_row(*buttons: QPushButton) -> QHBoxLayout:
    """Buttons beside each other, all of one width."""
    row = QHBoxLayout()
    for button in buttons:
        row.addWidget(button, 1)
    return row


class PathField(QWidget):
    """Asks for a folder or for a plan file."""

    def __init__(self, kind: Literal["folder", "plan"]) -> None:
        super().__init__()
        self._kind = kind
        self.line = QLineEdit()
        self.line.setPlaceholderText("folder" if kind == "folder" else "study.json")
        self.button = QPushButton("…")
        self.button.setFixedWidth(32)
        self.button.setToolTip("Choose…")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)
        self.button.clicked.connect(self._ask)

    def path(self) -> str:
        """Return the path as it is written."""
        return str(self.line.text()).strip()

    def set_path(self, path: str) -> None:
        """Show a path, its end in view."""
        self.line.setText(path)

    def _ask(self) -> None:
        if self._kind == "folder":
            found = QFileDialog.getExistingDirectory(self, "Choose a folder", self.path())
        else:
            plans = "Study plans (*.json)"
            found, _ = QFileDialog.getOpenFileName(self, "Choose a plan", self.path(), plans)
        if found:
            self.set_path(found)
