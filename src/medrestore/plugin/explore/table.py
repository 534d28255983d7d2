"""The table of measured regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from medrestore.plugin.explore.figures import interval, measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.plugin.explore.regions import Row

__all__ = ["RegionTable"]

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

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these regions instead of what is there."""
        headings = [*HEADINGS]
        if rows:
            level, known = rows[0].region.level, all(row.region.calibrated for row in rows)
            headings[2] = f"{100 * level:g} %{'' if known else ' (not calibrated)'}, {rows[0].unit}"
        self.setHorizontalHeaderLabels(headings)
        self.setRowCount(len(rows))
        for i, row in enumerate(rows):
            for k, text in enumerate(_texts(row)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{text} {row.unit}" if k in (1, 2) else text)
                self.setItem(i, k, item)


def _texts(row: Row) -> tuple[str, ...]:
    region = row.region
    return (
        row.name,
        measured(region.mean, region.std),
        interval(region.lower, region.upper, region.std),
        str(region.voxels),
    )
