"""Lists of a batch: the table of scans, and the files that are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QWidget,
)

from medrestore.plugin.batch.rows import COLUMNS, RowState, details, skipped_title, texts
from medrestore.plugin.rows import PROBLEM_STYLE, QUIET_STYLE, column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.plugin.batch.rows import ScanRow


__all__ = ["ScanModel", "ScanTable", "SkippedFiles"]

WIDTHS = (22, 9, 9, 16, 17, 30)
"""Of the columns, in average characters; the first two fill a narrow dock."""
STYLES = {RowState.FAILED: PROBLEM_STYLE, RowState.WAITING: QUIET_STYLE}
STATE = COLUMNS.index("State")
NOWHERE = QModelIndex()


class ScanModel(QAbstractTableModel):
    """Rows as a table; a text is made when it comes into view."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ScanRow] = []

    def show_rows(self, rows: Sequence[ScanRow]) -> None:
        """Show these rows instead of what is there."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def show_row(self, i: int, row: ScanRow) -> None:
        """Show one row anew."""
        self.rows[i] = row
        self.dataChanged.emit(self.index(i, 0), self.index(i, len(COLUMNS) - 1))

    def rowCount(self, parent: QModelIndex = NOWHERE) -> int:
        """Number of scans and of files that cannot be read."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = NOWHERE) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell's text, tool tip or colour."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return texts(row)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return details(row)
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == STATE:
            style = STYLES.get(row.state)
            return QColor(style.removeprefix("color: ").rstrip(";")) if style else None
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None


class ScanTable(QTableView):
    """Shows a `ScanModel`; one row at a time is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = ScanModel()
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.setMinimumHeight(150)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().lineSpacing() + 8)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        for at, characters in enumerate(WIDTHS):
            self.setColumnWidth(at, characters * self.fontMetrics().averageCharWidth() + 12)

    @property
    def chosen(self) -> ScanRow | None:
        """The row that is chosen."""
        index = self.currentIndex()
        return self.rows.rows[index.row()] if index.isValid() else None

    def point_at_failure(self) -> None:
        """Choose the first scan that failed, unless one is chosen."""
        failed = (i for i, row in enumerate(self.rows.rows) if row.state is RowState.FAILED)
        i = next(failed, -1)
        if i >= 0 and self.chosen is None:
            self.selectRow(i)

    def show_row(self, i: int, row: ScanRow) -> None:
        """Show one row anew; a scan that was begun comes into view, unless the table is in use."""
        self.rows.show_row(i, row)
        if row.state is RowState.RUNNING and not self.hasFocus():
            self.scrollTo(self.rows.index(i, 0))


class SkippedFiles(QWidget):
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
        column(self, 4, self.button, self.text)
        self.button.toggled.connect(self._unfold)
        self.show_files({})

    def show_files(self, skipped: Mapping[str, str]) -> None:
        """Show these files, by the reasons."""
        self._title = skipped_title(len(skipped))
        self.text.setPlainText("\n".join(f"{name}: {reason}" for name, reason in skipped.items()))
        self.setVisible(bool(skipped))
        self.button.setChecked(False)
        self._unfold(False)

    def _unfold(self, shown: bool) -> None:
        self.text.setVisible(shown)
        self.button.setText(f"{'▾' if shown else '▸'} {self._title}")
