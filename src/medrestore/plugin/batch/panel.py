"""The Batch panel: a folder in, a folder out, and what became of each scan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QComboBox,
    QPushButton,
    QWidget,
)

from medrestore.modalities import names
from medrestore.plugin.batch.controller import BatchController, BatchInputs
from medrestore.plugin.batch.rows import EARLIER, GO_ON, REPLACE, RowState, details, settings_line
from medrestore.plugin.batch.table import ScanTable, SkippedFiles
from medrestore.plugin.jobs import State
from medrestore.plugin.requests import Choices
from medrestore.plugin.rows import (
    PROBLEM_STYLE,
    QUIET_STYLE,
    JobStatus,
    PathField,
    button_row,
    column,
    form,
    quiet_label,
)
from medrestore.plugin.worker import jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.io import Scan
    from medrestore.plugin.batch.rows import ScanRow
    from medrestore.plugin.jobs import StatusView

__all__ = ["BatchPanel"]

TIPS = {
    "Scans in": "The folder with the scans, in any sub-folders; nothing in it is changed.",
    "Results in": "The folder for the results: the same sub-folders, a report and a log.",
    "Modality": "What scans are of which neither the header nor the values say it.",
    EARLIER: "What a batch before left in the folder of the results, finished or stopped.",
}


class BatchPanel(QWidget):
    """Restores every scan under a folder.

    Parameters
    ----------
    choices : callable
        The settings to restore with, as they are now.
    open_run : callable, optional
        Opens a finished run in the viewer: takes its record and its scan.
    """

    def __init__(
        self,
        choices: Callable[[], Choices] = Choices,
        open_run: Callable[[Path, Scan], object] = lambda record, scan: None,
    ) -> None:
        super().__init__()
        self._choices, self._open_run = choices, open_run
        self.source, self.destination = PathField("folder"), PathField("folder")
        self.modality = QComboBox()
        self.earlier = QComboBox()
        self.settings = quiet_label()
        self.find_button = QPushButton("Find")
        self.start_button = QPushButton("Start")
        self.cancel_button = QPushButton("Cancel")
        self.table = ScanTable()
        self.details = quiet_label()
        self.skipped_files = SkippedFiles()
        self.job = JobStatus()
        self.open_button = QPushButton("Open run")
        self.report_button = QPushButton("Open report")
        self.jobs = jobs_of(self, self._show)
        self.controller = BatchController(self.jobs, choices, self._show_rows, self._show_row)
        self._lay_out()
        self._connect()
        self._chosen()
        self._show(self.jobs.view)

    def _lay_out(self) -> None:
        self.modality.addItem("As the files say", None)
        for name in names():
            self.modality.addItem(f"{name} if not said", name)
        for text, replace in ((GO_ON, False), (REPLACE, True)):
            self.earlier.addItem(text, replace)
        self.find_button.setToolTip("Lists the scans under the folder; reads headers only.")
        self.start_button.setToolTip("Restores the scans of the list, one after the other.")
        self.cancel_button.setToolTip("Stops at the next step; scans that are done are kept.")
        self.open_button.setToolTip("Opens the chosen scan and its results in the viewer.")
        self.report_button.setToolTip("Opens the page with pictures and figures of all scans.")
        rows = {
            "Scans in": self.source,
            "Results in": self.destination,
            "Modality": self.modality,
            EARLIER: self.earlier,
        }
        column(
            self,
            8,
            form(rows, TIPS),
            self.settings,
            button_row(self.find_button, self.start_button, self.cancel_button),
            self.table,
            self.details,
            self.skipped_files,
            self.job,
            button_row(self.open_button, self.report_button),
            margins=True,
        )
        self.layout().setStretchFactor(self.table, 1)

    def _connect(self) -> None:
        self.find_button.clicked.connect(self.find)
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.jobs.cancel)
        self.open_button.clicked.connect(self.open_run)
        self.report_button.clicked.connect(self.open_report)
        self.source.line.textChanged.connect(self._renamed)
        self.table.doubleClicked.connect(self.open_run)
        self.table.selectionModel().currentRowChanged.connect(self._chosen)

    def find(self) -> None:
        """List the scans under the folder."""
        source = self.source.path()
        if source and not self.destination.path():
            folder = Path(source).expanduser()
            self.destination.set_path(str(folder.with_name(f"{folder.name}_restored")))
        self.controller.find(self.inputs())

    def start(self) -> None:
        """Restore the scans that were found."""
        self._show_settings()
        self.controller.start(self.inputs())

    def inputs(self) -> BatchInputs:
        """Return what is set."""
        source, destination = self.source.path(), self.destination.path()
        fallback = self.modality.currentData()
        return BatchInputs(source, destination, fallback, self.earlier.currentData())

    def open_run(self, *_: object) -> None:
        """Open the chosen scan and its results in the viewer."""
        row = self.table.chosen
        if row is not None and row.record is not None and row.scan is not None:
            self._open_run(row.record, row.scan)

    def open_report(self) -> None:
        """Open the report in a browser."""
        if self.controller.report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.controller.report)))

    def showEvent(self, event: Any) -> None:
        """The settings may have been changed since."""
        self._show_settings()
        super().showEvent(event)

    def _show_settings(self) -> None:
        self.settings.setText(settings_line(self._choices().settings))

    def _renamed(self, *_: object) -> None:
        self.controller.forget()
        self._show(self.jobs.view)

    def _show_rows(self, rows: list[ScanRow], skipped: dict[str, str]) -> None:
        self.table.rows.show_rows(rows)
        self.skipped_files.show_files(skipped)
        self._chosen()

    def _show_row(self, i: int, row: ScanRow) -> None:
        self.table.show_row(i, row)
        if self.table.currentIndex().row() == i:
            self._chosen()

    def _chosen(self, *_: object) -> None:
        row = self.table.chosen
        self.details.setText("" if row is None else details(row))
        failed = row is not None and row.state is RowState.FAILED
        self.details.setStyleSheet(PROBLEM_STYLE if failed else QUIET_STYLE)
        self.details.setVisible(row is not None)
        self.open_button.setEnabled(row is not None and row.state is RowState.DONE)

    def _show(self, view: StatusView) -> None:
        idle = view.state is State.IDLE
        if idle:
            self.controller.settle()
            self.table.point_at_failure()
        for part in (self.source, self.destination, self.modality, self.earlier):
            part.setEnabled(idle)
        self.find_button.setEnabled(idle)
        self.start_button.setEnabled(idle and self.controller.ready)
        self.cancel_button.setEnabled(view.state is State.RUNNING)
        self.report_button.setEnabled(idle and self.controller.report is not None)
        self.job.show_view(view)
