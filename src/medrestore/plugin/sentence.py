"""A label that keeps all of its lines: layouts within layouts forget how high wrapped text is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent

__all__ = ["Sentence"]


class Sentence(QLabel):
    """Wrapped text, from the top."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)

    def setText(self, text: str) -> None:
        """Show a text."""
        super().setText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap it anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(0)  # which the height for a width would not go below
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))
