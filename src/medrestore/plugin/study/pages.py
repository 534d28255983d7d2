"""The pages of the dock: what is to be read by whom; a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QWidget,
)

from medrestore.plugin.fields import ChoiceBox, FlagBox, PercentBox, WholeBox
from medrestore.plugin.rows import (
    QUIET_STYLE,
    RESEARCH_ONLY,
    PathField,
    button_row,
    column,
    form,
    quiet_label,
)
from medrestore.plugin.study.plan import QUESTIONS
from medrestore.plugin.study.session import FromFolders, FromPlan

if TYPE_CHECKING:
    from medrestore.plugin.study.controller import StudyView


__all__ = ["QuestionPage", "StartPage"]

EXPLAINED = (
    "Scans are shown in random order and on random sides, without names. Every answer is saved at "
    "once: a study can be stopped and taken up again."
)
TASKS = {"preference": "Which of two is better", "score": "Score from 1 to 5"}
ALWAYS = ("Study from", "Reader")
"""Rows that are shown for two folders and for a plan file."""
LABEL_WIDTH = 106
"""The same whatever rows are shown."""
TIPS = {
    "First folder": "Scans of one method, for example the noisy ones.",
    "Second folder": "Scans of the other method; files pair by name, a.nii.gz with a.nii.gz or "
    "a_restored.nii.gz.",
    "Answers in": "A folder for the plan (study.json) and one CSV file per reader.",
    "Plan file": "A study plan (JSON), for example the study.json of a study begun before.",
    "Task": "Two pictures side by side, or one picture at a time.",
    "Question": "What the reader is asked, on every page.",
    "Ties": "Whether the reader may see no difference.",
    "Repeats": "Share of questions asked a second time, for the agreement of readers with "
    "themselves.",
    "Seed": "With the reader's name it fixes order and sides.",
    "Reader": "A name or code; answers are kept under it.",
}


class StartPage(QWidget):
    """Emits `started` with a source (`session.FromFolders` or `FromPlan`) and the reader's name."""

    started = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.origin = ChoiceBox({"folders": "Two folders", "plan": "A plan file"}, "folders")
        self.first, self.second = PathField("folder"), PathField("folder")
        self.out = PathField("folder")
        self.task = ChoiceBox(TASKS, "preference")
        self.question = QLineEdit()
        self.ties = FlagBox("No difference may be said", True)
        self.repeats, self.seed = PercentBox(0.1, (0, 100)), WholeBox(0, 0, 2**31 - 1)
        self.plan = PathField("plan")
        self.reader = QLineEdit()
        self.reader.setPlaceholderText("name or code")
        self.start_button = QPushButton("Start")
        self._rows: dict[str, QWidget] = {
            "Study from": self.origin,
            "First folder": self.first,
            "Second folder": self.second,
            "Answers in": self.out,
            "Task": self.task,
            "Question": self.question,
            "Ties": self.ties,
            "Repeats": self.repeats,
            "Seed": self.seed,
            "Plan file": self.plan,
            "Reader": self.reader,
        }
        self._lay_out()
        self.origin.currentIndexChanged.connect(self._follow)
        self.task.currentIndexChanged.connect(self._follow)
        self.start_button.clicked.connect(self._start)
        self.reader.returnPressed.connect(self._start)
        self._follow()

    def show_view(self, view: StudyView) -> None:
        """Follow the controller."""
        self.setEnabled(not view.busy)

    def source(self) -> FromFolders | FromPlan:
        """Return what is chosen."""
        if self.origin.given() == "plan":
            return FromPlan(self.plan.path())
        return FromFolders(
            first=self.first.path(),
            second=self.second.path(),
            out=self.out.path(),
            kind=self.task.given(),
            question=self.question.text(),
            repeats=self.repeats.given(),
            seed=self.seed.given(),
            ties=self.ties.given(),
        )

    def _start(self) -> None:
        self.started.emit(self.source(), self.reader.text())

    def _follow(self, *_: object) -> None:
        by_plan = self.origin.given() == "plan"
        for name, field in self._rows.items():
            shown = name in ALWAYS or (name == "Plan file") == by_plan
            field.setVisible(shown)
            self._form.labelForField(field).setVisible(shown)
        self.ties.setEnabled(self.task.given() == "preference")
        question = QUESTIONS[self.task.given()]
        self.question.setPlaceholderText(question)
        self.question.setToolTip(f"{TIPS['Question']} If empty: {question}")

    def _lay_out(self) -> None:
        self._form = form(self._rows, TIPS, LABEL_WIDTH)
        texts = quiet_label(EXPLAINED), quiet_label(RESEARCH_ONLY)
        column(self, 8, texts[0], self._form, self.start_button, texts[1])


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
        self.counter = QLabel()
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

    def show_view(self, view: StudyView) -> None:
        """Follow the controller."""
        ready = not (view.busy or view.stuck)
        self.counter.setText(f"Question {view.number} of {view.total}")
        self.bar.setMaximum(max(1, view.total))
        self.bar.setValue(max(0, view.number - 1))
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
        self._anchors = QWidget()
        anchors = QHBoxLayout(self._anchors)
        anchors.setContentsMargins(0, 0, 0, 0)
        anchors.addWidget(self.low)
        anchors.addStretch(1)
        anchors.addWidget(self.high)
        self.hint.setWordWrap(True)
        for label in (self.hint, self.low, self.high, self.counter):
            label.setStyleSheet(QUIET_STYLE)
        self.next_button.setMinimumHeight(34)
        column(
            self,
            10,
            self.counter,
            self.bar,
            self.question,
            button_row(*self.buttons.values()),
            self._anchors,
            self.next_button,
            self.hint,
            button_row(self.retry_button, self.skip_button),
            self.stop_button,
        )
