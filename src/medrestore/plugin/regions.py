"""Regions measured: means with intervals, as a table of text, on screen and as a drawing."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
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

from medrestore.errors import MedrestoreError
from medrestore.plugin.drawings import NO_REGION, drawn_regions
from medrestore.plugin.layers import stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from qtpy.QtGui import QPaintEvent

    from medrestore.core.meter import Meter
    from medrestore.plugin.drawings import Drawing
    from medrestore.results.result import Region, Result

__all__ = [
    "COLUMNS",
    "MeasuredRegion",
    "RegionTable",
    "SpreadPlot",
    "as_csv",
    "decimals",
    "interval",
    "measure",
    "measured",
    "reading",
]


def decimals(std: float) -> int:
    """Decimals that a value deserves: its uncertainty keeps two significant digits."""
    if not math.isfinite(std) or std <= 0:
        return 1
    return min(6, max(0, 1 - math.floor(math.log10(std))))


def measured(value: float, std: float, unit: str = "") -> str:
    """A value, rounded as its uncertainty allows."""
    if not math.isfinite(value):
        return "no value"
    text = f"{value:.{decimals(std)}f}".replace("-", "−")
    return f"{text} {unit}".rstrip()


def interval(lower: float, upper: float, std: float) -> str:
    """Both ends of an interval."""
    return f"{measured(lower, std)} … {measured(upper, std)}"


def reading(result: Result, voxel: tuple[int, int, int], t: int = 0) -> str:
    """Two lines: the restored value with its interval; the noisy value and the expected error.

    Parameters
    ----------
    voxel : (z, y, x)
        On the result's grid.
    t : int
        Time point of a series.
    """
    at = (t, *voxel) if result.restored.is_4d else voxel
    value, std, low, high = (
        float(volume.array[at])
        for volume in (result.restored, result.std, result.lower, result.upper)
    )
    unit, level = result.restored.unit, 100 * result.plan.settings.level
    counted = "" if result.plan.calibrated else " (not calibrated)"
    first = f"{measured(value, std, unit)}, {level:g} %{counted}: {interval(low, high, std)}"
    second = f"expected error {measured(std, std, unit)}"
    if result.scan is not None:
        z = result.plan.chosen[voxel[0]]
        noisy = result.scan.array[(t, z, *voxel[1:]) if result.scan.is_4d else (z, *voxel[1:])]
        second += f", noisy {measured(float(noisy), std, unit)}"
    return f"{first}\n{second}"


COLUMNS = (
    "region",
    "voxels",
    "volume_mm3",
    "unit",
    "mean",
    "lower",
    "upper",
    "level",
    "std",
    "noisy_mean",
    "samples",
    "calibrated",
)


class MeasuredRegion(NamedTuple):
    """A region as measured; ``noisy`` is its mean in the scan itself."""

    name: str
    region: Region
    noisy: float
    volume_mm3: float
    unit: str


def measure(
    result: Result, meta: Mapping[str, Any], drawing: Drawing | None, t: int, meter: Meter
) -> list[MeasuredRegion]:
    """The mean of each region, with its interval from the samples.

    Parameters
    ----------
    meta : mapping
        Attributes of the layer that the masks lie on.
    drawing : Drawing, optional
        Regions on that layer's grid.
    t : int
        Time point of a series.

    Raises
    ------
    MedrestoreError
        If there is no region, or one that touches no restored voxel.
    """
    meter.start(0, "Measuring the regions")
    rows = []
    for drawn in drawn_regions(drawing) if drawing is not None else ():
        rows.append(_row(result, drawn.name, _on_scan(drawn.mask, meta, result), t))
        meter.tick()
    if not rows:
        raise MedrestoreError(NO_REGION)
    return rows


def as_csv(rows: Sequence[MeasuredRegion], delimiter: str = ",") -> str:
    """The table with all columns, numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, region, noisy, volume_mm3, unit in rows:
        numbers = (region.mean, region.lower, region.upper, region.level, region.std, noisy)
        writer.writerow(
            [name, region.voxels, f"{volume_mm3:.6g}", unit]
            + [f"{number:.6g}" for number in numbers]
            + [len(region.samples), "yes" if region.calibrated else "no"]
        )
    return text.getvalue()


def _row(result: Result, name: str, mask: NDArray[np.bool_], t: int) -> MeasuredRegion:
    region = result.region(mask, t)
    scan = result.scan
    assert scan is not None  # `region` has asked for it
    frame = scan.array[t] if scan.is_4d else scan.array
    inside = mask & np.isin(np.arange(len(mask)), result.plan.chosen)[:, None, None]
    voxel_mm3 = abs(float(np.linalg.det(scan.geometry.affine[:3, :3])))
    noisy = float(np.nanmean(frame[inside], dtype=np.float64))
    return MeasuredRegion(name, region, noisy, region.voxels * voxel_mm3, scan.unit)


def _on_scan(mask: NDArray[np.bool_], meta: Mapping[str, Any], result: Result) -> Any:
    """A mask of the layer on the whole scan's own grid."""
    inside = stored(mask, meta)
    if inside.shape == result.plan.shape:
        return inside
    whole = np.zeros(result.plan.shape, bool)
    whole[list(result.plan.chosen)] = inside
    return whole


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
