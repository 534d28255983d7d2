"""The dock of a blinded reader study: three pages that show what the controller says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QPushButton, QScrollArea, QWidget

from medrestore.plugin.rows import StatusLine, column
from medrestore.plugin.study.controller import StudyActions, StudyController, StudyPage, StudyView
from medrestore.plugin.study.pages import QuestionPage, StartPage
from medrestore.plugin.study.stage import Stage
from medrestore.plugin.worker import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

__all__ = ["ReaderStudyWidget"]

WIDTH = 330
"""Of the dock: no field of any page is cut off."""


class ReaderStudyWidget(QWidget):
    """Runs a blinded reader study in a viewer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Handed over by napari. Its layers are out of sight during a study and put back after it.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.threads = Threads()
        self.stage = Stage(napari_viewer)
        self.start_page, self.question_page = StartPage(), QuestionPage()
        self.summary_page = QWidget()
        self.summary = StatusLine()
        self.back_button = QPushButton("Back to the first page")
        self.status = StatusLine()
        self._lay_out()
        actions = StudyActions(self._work, self.stage.show, self.stage.close, self._show)
        self.controller = StudyController(actions)
        self._connect()
        self._show(self.controller.view)

    def event(self, event: QEvent) -> bool:
        """Stop when the dock is closed, so that the viewer's layers come back."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.controller.stop()
        return bool(super().event(event))

    def _connect(self) -> None:
        controller, page = self.controller, self.question_page
        self.start_page.started.connect(controller.start)
        page.chose.connect(controller.choose)
        page.confirmed.connect(controller.confirm)
        page.scrolled.connect(self.stage.step)
        page.retried.connect(controller.retry)
        page.skipped.connect(controller.skip)
        page.stopped.connect(controller.stop)
        self.back_button.clicked.connect(lambda: controller.back())
        self.destroyed.connect(lambda *_: controller.abandon())  # must not hold on to self

    def _work(
        self,
        task: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
    ) -> None:
        self.threads.work(lambda _: task(), done, failed)

    def _show(self, view: StudyView) -> None:
        self.start_page.setVisible(view.page is StudyPage.START)
        self.question_page.setVisible(view.page is StudyPage.QUESTION)
        self.summary_page.setVisible(view.page is StudyPage.SUMMARY)
        self.start_page.show_view(view)
        self.question_page.show_view(view)
        self.summary.setText("\n\n".join(view.summary))
        self.back_button.setEnabled(not view.busy)
        self.status.tell(view.status, view.problem)
        self.status.setVisible(bool(view.status))

    def _lay_out(self) -> None:
        pages = QWidget()
        parts = (self.start_page, self.question_page, self.status, self.summary_page)
        column(pages, 6, *parts, None, margins=True)
        column(self.summary_page, 6, self.summary, self.back_button)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(pages)
        scroll.setMinimumWidth(WIDTH)
        column(self, 0, scroll)
