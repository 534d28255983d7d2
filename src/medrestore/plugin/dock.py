"""The dock: a tab for each thing that one does with a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QScrollArea, QTabWidget, QWidget

from medrestore.plugin.batch.panel import BatchPanel
from medrestore.plugin.explore import ExplorePanel
from medrestore.plugin.view.panel import ViewPanel
from medrestore.plugin.warm_up import warm_up
from medrestore.plugin.widget import DenoiseWidget

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel

    from medrestore.io import Scan

__all__ = ["Dock"]

WARM_UP_MS = 500
"""Time for the dock to be drawn before libraries are loaded."""


class Dock(QTabWidget):
    """Denoise, Uncertainty, View, Batch.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Handed over by napari.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__()
        self.denoise = DenoiseWidget(napari_viewer)
        self.explore = ExplorePanel(napari_viewer)
        self.batch = BatchPanel(self.denoise.form.choices, self._open_run)
        self.view = ViewPanel(napari_viewer)
        self.setDocumentMode(True)
        for title, panel in (
            ("Denoise", self.denoise),
            ("Uncertainty", self.explore),
            ("View", self.view),
            ("Batch", self.batch),
        ):
            self.addTab(_Scrolling(panel), title)
        later = QTimer(self)
        later.setSingleShot(True)
        later.timeout.connect(warm_up)
        later.start(WARM_UP_MS)

    def event(self, event: QEvent) -> bool:
        """Cancel what runs when the dock is closed, and leave the viewer to itself."""
        if event.type() == QEvent.Type.ParentChange and hasattr(self, "view"):
            if self.parent() is None:
                self.denoise.cancel()
                self.explore.jobs.cancel()
                self.batch.jobs.cancel()
            self.view.use_viewer(self.parent() is not None)
        return bool(super().event(event))

    def _open_run(self, record: Path, scan: Scan) -> None:
        """Open a run of a batch where its progress can be seen."""
        self.setCurrentIndex(0)
        self.denoise.controller.reopen(record, scan)


class _Scrolling(QScrollArea):
    """A panel that scrolls where the window is too low for it, and asks for no more width."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self.setWidget(panel)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask for another width when the panel does."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))

    def minimumSizeHint(self) -> QSize:
        """As wide as the panel and a scroll bar."""
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(self.widget().minimumSizeHint().width() + bar, 120)

    def sizeHint(self) -> QSize:
        """As high as the panel would like to be."""
        return QSize(self.minimumSizeHint().width(), self.widget().sizeHint().height())
