"""The list of scans among the viewer's layers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtWidgets import QComboBox

from medrestore.plugin.layers import KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["ScanPicker"]

WATCHED = ("inserted", "removed", "reordered", "renamed")


class ScanPicker(QComboBox):
    """A combo box with the viewer's image layers, results of earlier runs left out.

    A scan that is opened becomes the chosen one. Layers are told apart by identity: names may
    change at any time.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._layers: list[Any] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.refresh()
        events, follow = viewer.layers.events, self.refresh
        for name in WATCHED:
            if hasattr(events, name):  # `renamed` is younger than napari 0.7
                getattr(events, name).connect(follow)
        self.destroyed.connect(partial(_unfollow, events, follow))

    @property
    def layer(self) -> Any | None:
        """The chosen layer, or None where there is none."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def refresh(self, event: Any = None) -> None:
        """Follow the viewer's layers; keep the choice, unless a scan was just opened."""
        chosen, known = self.layer, self._layers
        layers = [layer for layer in map(_bare, self._viewer.layers) if is_scan(layer)]
        opened = [layer for layer in layers if not any(layer is old for old in known)]
        if opened:
            chosen = opened[-1]
        at = next((i for i, layer in enumerate(layers) if layer is chosen), 0 if layers else -1)
        self.blockSignals(True)
        self._layers = layers
        self.clear()
        self.addItems([layer.name for layer in layers])
        self.setPlaceholderText("no scan open")
        self.setCurrentIndex(at)
        self.blockSignals(False)
        self.currentIndexChanged.emit(at)


def is_scan(layer: Any) -> bool:
    """Whether a layer is an image, and none that a run has added."""
    if not isinstance(layer, Image):
        return False
    record = layer.metadata.get(KEY)
    return not isinstance(record, dict) or record.get("role", "scan") == "scan"


def _bare(layer: Any) -> Any:
    """The layer itself: napari hands plugins a new proxy for it each time."""
    return getattr(layer, "__wrapped__", layer)


def _unfollow(events: Any, callback: Any, *_: Any) -> None:
    for name in WATCHED:
        if hasattr(events, name):
            getattr(events, name).disconnect(callback)
