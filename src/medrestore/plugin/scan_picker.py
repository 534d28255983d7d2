"""The list of scans among the viewer's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from medrestore.plugin.viewer import is_scan, layers_of, watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

__all__ = ["ScanPicker"]

WATCHED = ("inserted", "removed", "reordered", "renamed")
REPLACED = ("data", "scale", "units")
"""Events of a layer whose voxels or grid became others."""


class ScanPicker(QComboBox):
    """A combo box with the viewer's image layers, results of earlier runs left out.

    Layers are told apart by identity: names may change at any time. ``chosen`` is emitted when
    another layer is chosen, or none is left; never because the list has changed around it.
    ``replaced`` is emitted when the chosen layer got other voxels or another grid.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers to offer.
    accepts : callable
        True for a layer to offer.
    adopts : callable
        True for a layer that becomes the chosen one when it is new.
    """

    chosen = Signal()
    replaced = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        accepts: Callable[[Any], bool] = is_scan,
        adopts: Callable[[Any], bool] = is_scan,
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._accepts, self._adopts = accepts, adopts
        self._layers: list[Any] = []
        self._announced: Any = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setPlaceholderText("no scan open")
        self.refresh()
        self.currentIndexChanged.connect(self._announce)
        events = viewer.layers.events  # `renamed` is younger than napari 0.7
        watch(self, [getattr(events, n) for n in WATCHED if hasattr(events, n)], self.refresh)

    @property
    def layer(self) -> Any | None:
        """The chosen layer, or None where there is none."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def refresh(self, event: Any = None) -> None:
        """Follow the viewer's layers; keep the choice, unless a layer to adopt was added."""
        chosen, known = self.layer, self._layers
        layers = [layer for layer in layers_of(self._viewer) if self._accepts(layer)]
        added = [layer for layer in layers if not any(layer is old for old in known)]
        chosen = next((layer for layer in reversed(added) if self._adopts(layer)), chosen)
        at = next((i for i, layer in enumerate(layers) if layer is chosen), 0 if layers else -1)
        self.blockSignals(True)
        self._layers = layers
        self.clear()
        self.addItems([layer.name for layer in layers])
        self.setCurrentIndex(at)
        self.blockSignals(False)
        self._announce()

    def _announce(self, *_: object) -> None:
        """Another layer is chosen, unless it is the same."""
        before, self._announced = self._announced, self.layer
        if self._announced is before:
            return
        for name in REPLACED:
            if before is not None and hasattr(before.events, name):
                getattr(before.events, name).disconnect(self._replaced)
            if self._announced is not None and hasattr(self._announced.events, name):
                getattr(self._announced.events, name).connect(self._replaced)
        self.chosen.emit()

    def _replaced(self, event: Any = None) -> None:
        self.replaced.emit()
