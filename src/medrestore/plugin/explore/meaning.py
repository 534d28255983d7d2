"""What the layer that is selected in the viewer shows, in a sentence."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from medrestore.plugin.layers import KEY
from medrestore.plugin.styles import QUIET_STYLE

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["LayerMeaning"]

LINES = 3
"""Room for the longest sentence, so that nothing below it moves."""


class LayerMeaning(QLabel):
    """Follows the selection; empty while it is no layer of a result."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.setWordWrap(True)
        self.setStyleSheet(QUIET_STYLE)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setMinimumHeight(self.fontMetrics().lineSpacing() * LINES + 6)
        active, follow = viewer.layers.selection.events.active, self.refresh
        active.connect(follow)
        self.destroyed.connect(partial(_unfollow, active, follow))
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """Say what the selected layer shows."""
        layer = self._viewer.layers.selection.active
        record = {} if layer is None else layer.metadata.get(KEY)
        self.setText(str(record.get("meaning", "")) if isinstance(record, dict) else "")


def _unfollow(event: Any, callback: Any, *_: Any) -> None:
    event.disconnect(callback)
