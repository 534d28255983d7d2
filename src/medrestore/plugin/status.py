"""Lines of a panel that say what happens: a sentence, a job and its progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QProgressBar, QWidget

from medrestore.plugin.jobs import State
from medrestore.plugin.messages import NO_MEMORY_FOR_PICTURES, sentence
from medrestore.plugin.rows import column

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QResizeEvent

    from medrestore.plugin.jobs import StatusView

__all__ = [
    "PROBLEM_STYLE",
    "QUIET_STYLE",
    "RESEARCH_ONLY",
    "JobStatus",
    "Sentence",
    "StatusLine",
    "quiet_label",
]

PROBLEM_STYLE = "color: #cc6f1c;"  # amber; both are legible on napari's dark and light themes
QUIET_STYLE = "color: #7d828b;"
RESEARCH_ONLY = "For research use only, not for diagnosis."


def quiet_label(text: str = "") -> QLabel:
    """Wrapped text that stays in the background."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setStyleSheet(QUIET_STYLE)
    return label


class Sentence(QLabel):
    """Wrapped text, from the top, all of it: nested layouts forget how high wrapped text is."""

    def __init__(self, style: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setStyleSheet(style)

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


class StatusLine(Sentence):
    """A sentence that can be selected; amber where it asks for something."""

    def __init__(self, style: str = "") -> None:
        super().__init__(style)
        self._style = style
        self._told: tuple[str, bool] = ("", False)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def tell(self, text: str, problem: bool = False) -> None:
        """Show a sentence; an empty one clears the line."""
        if (text, problem) != self._told:  # a style costs, even the same one
            self._told = text, problem
            self.setText(text)
            self.setStyleSheet(PROBLEM_STYLE if problem else self._style)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something and return True; False if a problem became a sentence."""
        try:
            action()
        except Exception as error:
            self.fail(error)
            return False
        return True

    def fail(self, error: BaseException) -> None:
        """Say what went wrong."""
        self.tell(sentence(error, "That", NO_MEMORY_FOR_PICTURES), problem=True)


class JobStatus(QWidget):
    """Shows a `jobs.StatusView`: a bar, the time that the job still needs, a sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.pace, self.text = Sentence(QUIET_STYLE), StatusLine()
        self.bar.setTextVisible(False)
        column(self, 8, self.bar, self.pace, self.text)

    def show_view(self, view: StatusView) -> None:
        """Show where a job is."""
        progress = view.progress
        for part in (self.bar, self.pace):
            part.setVisible(view.state is not State.IDLE)
        self.bar.setMaximum(progress.total if progress else 0)  # 0: busy, end unknown
        self.bar.setValue(progress.done if progress else 0)
        self.pace.setText(progress.text if progress else "Starting…")
        self.text.tell(view.status, view.problem)
