"""What the layer that is selected in the viewer shows, in a sentence."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from medrestore.plugin.layers import KEY
from medrestore.plugin.sentence import Sentence
from medrestore.plugin.styles import QUIET_STYLE

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["LayerMeaning"]


class LayerMeaning(Sentence):
    """Follows the selection; hidden while it is no layer of a result."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.setStyleSheet(QUIET_STYLE)
        active, follow = viewer.layers.selection.events.active, self.refresh
        active.connect(follow)
        self.destroyed.connect(partial(_unfollow, active, follow))
        self.setVisible(False)

    def refresh(self, event: Any = None) -> None:
        """Say what the selected layer shows."""
        layer = self._viewer.layers.selection.active
        record = {} if layer is None else layer.metadata.get(KEY)
        text = str(record.get("meaning", "")) if isinstance(record, dict) else ""
        self.setText(text)
        self.setVisible(bool(text))


def _unfollow(event: Any, callback: Any, *_: Any) -> None:
    event.disconnect(callback)
