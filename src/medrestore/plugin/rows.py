"""Rows of one look for the panels: forms, headings, buttons, paths, sentences, a job's progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from medrestore.plugin.jobs import State
from medrestore.plugin.messages import NO_MEMORY_FOR_PICTURES, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qtpy.QtGui import QResizeEvent

    from medrestore.plugin.jobs import StatusView

__all__ = [
    "PROBLEM_STYLE",
    "QUIET_STYLE",
    "RESEARCH_ONLY",
    "JobStatus",
    "PathField",
    "Sentence",
    "StatusLine",
    "button_row",
    "column",
    "form",
    "heading",
    "quiet_label",
]

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
        self._shown: tuple[str, bool] = ("", False)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def tell(self, text: str, problem: bool = False) -> None:
        """Show a sentence; an empty one clears the line."""
        if (text, problem) != self._shown:  # a style costs, even the same one
            self._shown = text, problem
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
