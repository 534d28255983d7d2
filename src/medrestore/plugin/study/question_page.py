"""The page of a question: buttons and keys, nothing that names a file or a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from medrestore.plugin.styles import QUIET_STYLE

if TYPE_CHECKING:
    from medrestore.plugin.study.view import View

__all__ = ["QuestionPage"]

LABELS = {"left": "←  Left", "tie": "No difference", "right": "Right  →"}
KEYS = {"left": "Left", "tie": "0", "right": "Right"} | {score: score for score in "12345"}
CONFIRM_KEYS = ("Return", "Enter")
SLICE_KEYS = {"Up": -1, "Down": 1}
HINTS = {
    "preference": "Keys: ← →{tie} choose, Enter goes on, ↑ ↓ scroll through the slices.",
    "score": "Keys: 1 to 5 choose, Enter goes on, ↑ ↓ scroll through the slices.",
}
QUESTION_STYLE = "font-size: 14px; font-weight: bold;"


class QuestionPage(QWidget):
    """Shows a question and passes on what the reader does.

    Signals: `chose` an answer, `confirmed`, `scrolled` by slices, `retried`, `skipped`, `stopped`.
    """

    chose = Signal(str)
    confirmed = Signal()
    scrolled = Signal(int)
    retried = Signal()
    skipped = Signal()
    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.place = QLabel()
        self.question = QLabel()
        self.question.setWordWrap(True)
        self.question.setStyleSheet(QUESTION_STYLE)
        self.buttons = {answer: self._button(answer) for answer in KEYS}
        self.low, self.high, self.hint = QLabel(), QLabel(), QLabel()
        self.next_button = QPushButton("Next")
        self.retry_button = QPushButton("Try again")
        self.skip_button = QPushButton("Skip this question")
        self.stop_button = QPushButton("Stop for now")
        self._lay_out()
        self._connect()

    def show_view(self, view: View) -> None:
        """Follow the controller."""
        ready = not (view.busy or view.stuck)
        self.place.setText(f"Question {view.place} of {view.total}")
        self.bar.setMaximum(max(1, view.total))
        self.bar.setValue(max(0, view.place - 1))
        self.question.setText(view.question)
        for answer, button in self.buttons.items():
            button.setVisible(answer in view.choices)
            button.setChecked(answer == view.chosen)
            button.setEnabled(ready and answer in view.choices)  # also for its key
        scores = "1" in view.choices
        self._anchors.setVisible(scores)
        self.low.setText(f"1: {view.anchors[0]}")
        self.high.setText(f"5: {view.anchors[1]}")
        tie = " 0" if "tie" in view.choices else ""
        self.hint.setText(HINTS["score" if scores else "preference"].format(tie=tie))
        self.next_button.setEnabled(ready and bool(view.chosen))
        self.retry_button.setVisible(view.stuck)
        self.skip_button.setVisible(view.stuck)
        for button in (self.retry_button, self.skip_button):
            button.setEnabled(not view.busy)

    def _button(self, answer: str) -> QPushButton:
        button = QPushButton(LABELS.get(answer, answer))
        button.setCheckable(True)
        button.setMinimumHeight(34)
        return button

    def _connect(self) -> None:
        for answer, button in self.buttons.items():
            button.clicked.connect(lambda _=False, answer=answer: self.chose.emit(answer))
            self._on_key(KEYS[answer], button.click)
        for key in CONFIRM_KEYS:
            self._on_key(key, self.next_button.click)
        for key, slices in SLICE_KEYS.items():
            self._on_key(key, lambda slices=slices: self.scrolled.emit(slices))
        self.next_button.clicked.connect(lambda: self.confirmed.emit())
        self.retry_button.clicked.connect(lambda: self.retried.emit())
        self.skip_button.clicked.connect(lambda: self.skipped.emit())
        self.stop_button.clicked.connect(lambda: self.stopped.emit())

    def _on_key(self, key: str, do: object) -> None:
        """A key that works wherever the focus is, as long as this page is shown."""
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.ApplicationShortcut)
        shortcut.activated.connect(do)

    def _lay_out(self) -> None:
        for button in (*self.buttons.values(), self.next_button):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Enter confirms, whatever was clicked
        answers = QHBoxLayout()
        for button in self.buttons.values():
            answers.addWidget(button, 1)
        self._anchors = QWidget()
        anchors = QHBoxLayout(self._anchors)
        anchors.setContentsMargins(0, 0, 0, 0)
        anchors.addWidget(self.low)
        anchors.addStretch(1)
        anchors.addWidget(self.high)
        stuck = QHBoxLayout()
        stuck.addWidget(self.retry_button)
        stuck.addWidget(self.skip_button)
        self.hint.setWordWrap(True)
        for label in (self.hint, self.low, self.high, self.place):
            label.setStyleSheet(QUIET_STYLE)
        self.next_button.setMinimumHeight(34)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.place)
        layout.addWidget(self.bar)
        layout.addWidget(self.question)
        layout.addLayout(answers)
        layout.addWidget(self._anchors)
        layout.addWidget(self.next_button)
        layout.addWidget(self.hint)
        layout.addLayout(stuck)
        layout.addWidget(self.stop_button)
