"""A line with a path and a button that asks for it."""

from __future__ import annotations

from typing import Literal

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

__all__ = ["PathField"]


class PathField(QWidget):
    """Asks for a folder or for a plan file."""

    def __init__(self, what: Literal["folder", "plan"]) -> None:
        super().__init__()
        self._what = what
        self.line = QLineEdit()
        self.line.setPlaceholderText("folder" if what == "folder" else "study.json")
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
        """What the line says."""
        return str(self.line.text()).strip()

    def set_path(self, path: str) -> None:
        """Show a path, its end in view."""
        self.line.setText(path)

    def _ask(self) -> None:
        if self._what == "folder":
            found = QFileDialog.getExistingDirectory(self, "Choose a folder", self.path())
        else:
            plans = "Study plans (*.json)"
            found, _ = QFileDialog.getOpenFileName(self, "Choose a plan", self.path(), plans)
        if found:
            self.set_path(found)
