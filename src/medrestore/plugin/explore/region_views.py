"""Parts of the Uncertainty panel: the selected layer in words, regions as table and drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from medrestore.plugin.explore.regions import interval, measured
from medrestore.plugin.layers import record_in
from medrestore.plugin.rows import QUIET_STYLE, Sentence
from medrestore.plugin.viewer import watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from qtpy.QtGui import QPaintEvent

    from medrestore.plugin.explore.regions import MeasuredRegion


__all__ = ["LayerMeaning", "RegionTable", "SpreadPlot"]

HEADINGS = ("Region", "Mean", "Interval", "Voxels")


class RegionTable(QTableWidget):
    """One row per region: name, mean, interval, voxels."""

    def __init__(self) -> None:
        super().__init__(0, len(HEADINGS))
        self.show_rows([])
        self.verticalHeader().setVisible(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setMinimumHeight(120)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultSectionSize(50)  # what a stretched section shrinks to
        header.setStretchLastSection(True)

    def show_rows(self, rows: Sequence[MeasuredRegion]) -> None:
        """Show these regions instead of what is there."""
        headings = [*HEADINGS]
        if rows:
            level, known = rows[0].region.level, all(row.region.calibrated for row in rows)
            headings[2] = f"{100 * level:g} %{'' if known else ' (not calibrated)'}, {rows[0].unit}"
        self.setHorizontalHeaderLabels(headings)
        self.setRowCount(len(rows))
        for i, row in enumerate(rows):
            region = row.region
            mean = measured(region.mean, region.std)
            bounds = interval(region.lower, region.upper, region.std)
            for k, text in enumerate((row.name, mean, bounds, str(region.voxels))):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{text} {row.unit}" if k in (1, 2) else text)
                self.setItem(i, k, item)


MARGIN = 12
DOT = 3.5
BAND, MEAN, SAMPLE = QColor(120, 160, 220, 70), QColor(90, 150, 240), QColor(235, 160, 60)
NOISY = QColor(150, 150, 150)


class SpreadPlot(QWidget):
    """Interval (band), mean (line), samples (dots) and the scan's own mean (tick) of one region."""

    def __init__(self) -> None:
        super().__init__()
        self._row: MeasuredRegion | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Band: the interval. Line: the restored mean. Dots: the mean in each posterior sample. "
            "Grey tick: the mean of the noisy scan."
        )

    def sizeHint(self) -> QSize:
        """A strip."""
        return QSize(200, 84)

    def show_row(self, row: MeasuredRegion | None) -> None:
        """Draw a region, or nothing."""
        self._row = row
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        if self._row is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint(painter, self.width(), self.height(), self._row, self.palette().windowText().color())
        painter.end()


def _paint(painter: QPainter, width: int, height: int, row: MeasuredRegion, ink: QColor) -> None:
    region = row.region
    values = (region.lower, region.upper, row.noisy, *region.samples)
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or 1.0
    low, high = low - pad, high + pad

    def x(value: float) -> float:
        return MARGIN + (value - low) / (high - low) * (width - 2 * MARGIN)

    top, base = 10.0, height - 34.0
    painter.fillRect(
        QRectF(x(region.lower), top, x(region.upper) - x(region.lower), base - top), BAND
    )
    painter.setPen(QPen(MEAN, 2))
    painter.drawLine(QPointF(x(region.mean), top), QPointF(x(region.mean), base))
    painter.setPen(QPen(NOISY, 2))
    painter.drawLine(QPointF(x(row.noisy), base - 8), QPointF(x(row.noisy), base))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(SAMPLE)
    for i, value in enumerate(region.samples):
        y = top + (base - top) * (0.25 + 0.5 * (i % 5) / 4)
        painter.drawEllipse(QPointF(x(value), y), DOT, DOT)
    painter.setPen(QPen(ink, 1))
    painter.drawLine(QPointF(MARGIN, base), QPointF(width - MARGIN, base))
    for value, side in ((region.lower, -1), (region.upper, 1)):
        text = measured(value, region.std)
        wide = painter.fontMetrics().horizontalAdvance(text)
        left = min(max(x(value) - (wide if side < 0 else 0), 0), width - wide)
        painter.drawText(QPointF(left, base + 14), text)
    text = f"{row.name}: {measured(region.mean, region.std, row.unit)}"
    wide = painter.fontMetrics().horizontalAdvance(text)
    painter.drawText(QPointF((width - wide) / 2, height - 4.0), text)


class LayerMeaning(Sentence):
    """Sentence on the layer that is selected in the viewer; hidden unless it is a result's."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(QUIET_STYLE)
        self._viewer = viewer
        watch(self, [viewer.layers.selection.events.active], self.refresh)
        self.setVisible(False)

    def refresh(self, event: Any = None) -> None:
        """Say what the selected layer shows."""
        layer = self._viewer.layers.selection.active
        text = "" if layer is None else str(record_in(layer.metadata).get("meaning", ""))
        self.setText(text)
        self.setVisible(bool(text))
