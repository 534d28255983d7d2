"""Files that a batch leaves alone, folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from medrestore.plugin.batch.words import left_alone

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LeftOut"]


class LeftOut(QWidget):
    """A button that unfolds the files and the reasons; hidden where there are none."""

    def __init__(self) -> None:
        super().__init__()
        self._title = ""
        self.button = QPushButton()
        self.button.setCheckable(True)
        self.button.setStyleSheet("text-align: left;")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFixedHeight(6 * self.fontMetrics().lineSpacing())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.button)
        layout.addWidget(self.text)
        self.button.toggled.connect(self._unfold)
        self.show_files({})

    def show_files(self, skipped: Mapping[str, str]) -> None:
        """Show these files, by the reasons."""
        self._title = left_alone(len(skipped))
        self.text.setPlainText("\n".join(f"{name}: {reason}" for name, reason in skipped.items()))
        self.setVisible(bool(skipped))
        self.button.setChecked(False)
        self._unfold(False)

    def _unfold(self, shown: bool) -> None:
        self.text.setVisible(shown)
        self.button.setText(f"{'▾' if shown else '▸'} {self._title}")
