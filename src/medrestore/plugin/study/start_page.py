"""The first page: what is to be read, by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from medrestore.plugin.rows import PathField
from medrestore.plugin.study.plan import QUESTIONS
from medrestore.plugin.study.session import FromFolders, FromPlan
from medrestore.plugin.styles import QUIET_STYLE

if TYPE_CHECKING:
    from medrestore.plugin.study.view import View

__all__ = ["StartPage"]

EXPLAINED = (
    "Scans are shown in random order and on random sides, without names. Every answer is saved at "
    "once: a study can be stopped and taken up again."
)
RESEARCH_ONLY = "For research use only, not for diagnosis."
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
        self.origin = QComboBox()
        self.origin.addItems(["Two folders", "A plan file"])
        self.first, self.second = PathField("folder"), PathField("folder")
        self.out = PathField("folder")
        self.task = QComboBox()
        self.task.addItem("Which of two is better", "preference")
        self.task.addItem("Score from 1 to 5", "score")
        self.question = QLineEdit()
        self.ties = QCheckBox("No difference may be said")
        self.ties.setChecked(True)
        self.repeats, self.seed = QSpinBox(), QSpinBox()
        self.repeats.setRange(0, 100)
        self.repeats.setValue(10)
        self.repeats.setSuffix(" %")
        self.seed.setRange(0, 2**31 - 1)
        self.plan = PathField("plan")
        self.reader = QLineEdit()
        self.reader.setPlaceholderText("name or code")
        self.start_button = QPushButton("Start")
        self._lay_out()
        self.origin.currentIndexChanged.connect(self._follow)
        self.task.currentIndexChanged.connect(self._follow)
        self.start_button.clicked.connect(self._start)
        self.reader.returnPressed.connect(self._start)
        self._follow()

    def show_view(self, view: View) -> None:
        """Follow the controller."""
        self.setEnabled(not view.busy)

    def source(self) -> FromFolders | FromPlan:
        """What is chosen."""
        if self.origin.currentIndex():
            return FromPlan(self.plan.path())
        return FromFolders(
            first=self.first.path(),
            second=self.second.path(),
            out=self.out.path(),
            kind=self.task.currentData(),
            question=self.question.text(),
            repeats=self.repeats.value() / 100,
            seed=self.seed.value(),
            ties=self.ties.isChecked(),
        )

    def _start(self) -> None:
        self.started.emit(self.source(), self.reader.text())

    def _follow(self, *_: object) -> None:
        by_folders = self.origin.currentIndex() == 0
        self._folders.setVisible(by_folders)
        self._file.setVisible(not by_folders)
        self.ties.setEnabled(self.task.currentData() == "preference")
        question = QUESTIONS[self.task.currentData()]
        self.question.setPlaceholderText(question)
        self.question.setToolTip(f"{TIPS['Question']} If empty: {question}")

    def _lay_out(self) -> None:
        self._folders, self._file = QWidget(), QWidget()
        rows: dict[str, QWidget] = {
            "First folder": self.first,
            "Second folder": self.second,
            "Answers in": self.out,
            "Task": self.task,
            "Question": self.question,
            "Ties": self.ties,
            "Repeats": self.repeats,
            "Seed": self.seed,
        }
        _form(self._folders, rows)
        _form(self._file, {"Plan file": self.plan})
        origin, reader = QWidget(), QWidget()
        _form(origin, {"Study from": self.origin})
        _form(reader, {"Reader": self.reader})
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(_quiet(EXPLAINED))
        for part in (origin, self._folders, self._file, reader, self.start_button):
            layout.addWidget(part)
        layout.addWidget(_quiet(RESEARCH_ONLY))


LABEL_WIDTH = 106
"""The same in every part of the page."""


def _form(parent: QWidget, rows: dict[str, QWidget]) -> None:
    layout = QFormLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for text, field in rows.items():
        label = QLabel(text)
        label.setMinimumWidth(LABEL_WIDTH)
        field.setToolTip(TIPS.get(text, ""))
        layout.addRow(label, field)


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setStyleSheet(QUIET_STYLE)
    return label
