"""Rows of one look for the boxes of the panel."""

from __future__ import annotations

from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

__all__ = ["button_row", "form", "heading"]

LABEL_WIDTH = 60
"""As wide as the longest label, so that fields of all boxes stand in one column."""


def form(rows: dict[str, QWidget]) -> QFormLayout:
    """Labels and fields in two columns, without margins."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setVerticalSpacing(4)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for text, field in rows.items():
        label = QLabel(text)
        label.setMinimumWidth(LABEL_WIDTH)
        layout.addRow(label, field)
    return layout


def heading(text: str) -> QLabel:
    """What the rows below it are about."""
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
