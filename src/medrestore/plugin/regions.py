"""Regions measured: means with intervals, as a table of text, on screen and as a drawing."""

from __future__ import annotations

import csv
import io
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
from medrestore.results.rounding import rounded, with_half_width

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
    "interval",
    "measure",
    "reading",
]


def interval(lower: float, upper: float) -> str:
    """Both ends of an interval, rounded to it."""
    half = (upper - lower) / 2
    return f"{rounded(lower, half)} … {rounded(upper, half)}"


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
    half = (high - low) / 2
    first = f"{rounded(value, half, unit)}, {level:g} %{counted}: {interval(low, high)}"
    second = f"expected error {rounded(std, half, unit)}"
    if result.scan is not None:
        z = result.plan.chosen[voxel[0]]
        noisy = result.scan.array[(t, z, *voxel[1:]) if result.scan.is_4d else (z, *voxel[1:])]
        second += f", noisy {rounded(float(noisy), half, unit)}"
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
    """The mean of each region, with its interval.

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
    drawn = drawn_regions(drawing) if drawing is not None else ()
    named = [(one.name, _on_scan(one.mask, meta, result)) for one in drawn]
    if not named:
        raise MedrestoreError(NO_REGION)
    touched = [z for z in result.plan.chosen if any(mask[z].any() for _, mask in named)]
    regions, rows = result.regions(), []
    if touched:
        regions = regions.ready(tuple(touched))
    for name, mask in named:
        rows.append(_row(result, regions.measure(mask, t), name, mask, t))
        meter.tick()
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


def _row(
    result: Result, region: Region, name: str, mask: NDArray[np.bool_], t: int
) -> MeasuredRegion:
    scan = result.scan
    assert scan is not None  # `regions` has asked for it
    frame = scan.array[t] if scan.is_4d else scan.array
    touched = [z for z in result.plan.chosen if mask[z].any()]
    voxel_mm3 = abs(float(np.linalg.det(scan.geometry.affine[:3, :3])))
    noisy = float(np.nanmean(frame[touched][mask[touched]], dtype=np.float64))
    return MeasuredRegion(name, region, noisy, region.voxels * voxel_mm3, scan.unit)


def _on_scan(mask: NDArray[np.bool_], meta: Mapping[str, Any], result: Result) -> Any:
    """A mask of the layer on the whole scan's own grid."""
    inside = stored(mask, meta)
    if inside.shape == result.plan.shape:
        return inside
    whole = np.zeros(result.plan.shape, bool)
    whole[list(result.plan.chosen)] = inside
    return whole


HEADINGS = ("Region", "Mean", "Voxels")


class RegionTable(QTableWidget):
    """One row per region: name, mean ± half-width of its interval, voxels."""

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
            headings[1] = f"Mean, {100 * level:g} %{'' if known else ' (not calibrated)'}"
        self.setHorizontalHeaderLabels(headings)
        self.setRowCount(len(rows))
        for i, row in enumerate(rows):
            region = row.region
            mean = with_half_width(region.mean, region.half_width, row.unit)
            bounds = f"{interval(region.lower, region.upper)} {row.unit}".rstrip()
            for k, text in enumerate((row.name, mean, str(region.voxels))):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{text}: {bounds}" if k == 1 else text)
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
        text = rounded(value, region.half_width)
        wide = painter.fontMetrics().horizontalAdvance(text)
        left = min(max(x(value) - (wide if side < 0 else 0), 0), width - wide)
        painter.drawText(QPointF(left, base + 14), text)
    text = f"{row.name}: {with_half_width(region.mean, region.half_width, row.unit)}"
    wide = painter.fontMetrics().horizontalAdvance(text)
    painter.drawText(QPointF((width - wide) / 2, height - 4.0), text)
