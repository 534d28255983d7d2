"""How a job is going: a bar, the time it still needs, a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from medrestore.plugin.jobs import State
from medrestore.plugin.sentence import Sentence
from medrestore.plugin.styles import PROBLEM_STYLE, QUIET_STYLE

if TYPE_CHECKING:
    from medrestore.plugin.jobs import View


__all__ = ["JobStatus"]


class JobStatus(QWidget):
    """Shows a `jobs.View`."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.pace = Sentence()
        self.text = Sentence()
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar.setTextVisible(False)
        self.pace.setStyleSheet(QUIET_STYLE)
        self._said: tuple[str, bool] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.bar, self.pace, self.text):
            layout.addWidget(part)

    def show_view(self, view: View) -> None:
        """Show where a job is."""
        idle = view.state is State.IDLE
        self.bar.setVisible(not idle)
        self.pace.setVisible(not idle)
        self.bar.setMaximum(view.progress.total if view.progress else 0)  # 0: busy, end unknown
        self.bar.setValue(view.progress.done if view.progress else 0)
        self.pace.setText(view.progress.text if view.progress else "Starting…")
        if (view.status, view.problem) != self._said:  # a style costs, even the same one
            self._said = view.status, view.problem
            self.text.setText(view.status)
            self.text.setStyleSheet(PROBLEM_STYLE if view.problem else "")
