"""A region's mean in every sample, drawn on a line under the interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from medrestore.plugin.explore.figures import measured

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from medrestore.plugin.explore.regions import Row

__all__ = ["SpreadPlot"]

MARGIN = 12
DOT = 3.5
BAND, MEAN, SAMPLE = QColor(120, 160, 220, 70), QColor(90, 150, 240), QColor(235, 160, 60)
NOISY = QColor(150, 150, 150)


class SpreadPlot(QWidget):
    """Interval (band), mean (line), samples (dots) and the scan's own mean (tick) of one region."""

    def __init__(self) -> None:
        super().__init__()
        self._row: Row | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Band: the interval. Line: the restored mean. Dots: the mean in each posterior sample. "
            "Grey tick: the mean of the noisy scan."
        )

    def sizeHint(self) -> QSize:
        """A strip."""
        return QSize(200, 84)

    def show_row(self, row: Row | None) -> None:
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


def _paint(painter: QPainter, width: int, height: int, row: Row, ink: QColor) -> None:
    region = row.region
    places = (region.lower, region.upper, row.noisy, *region.samples)
    low, high = min(places), max(places)
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
