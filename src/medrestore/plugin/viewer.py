"""A viewer's layers and what they are to medrestore; its parts, whatever napari's version."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay
from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from medrestore.plugin.layers import record_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel

    from medrestore.results.result import Result

__all__ = [
    "ScanPicker",
    "bare",
    "camera_of",
    "grid_of",
    "holds_run",
    "is_among",
    "is_preview",
    "is_restored",
    "is_scalar",
    "is_scan",
    "layers_of",
    "overlays_of",
    "result_of",
    "show_text",
    "watch",
]


def bare(layer: Any) -> Any:
    """Return the layer itself: napari hands plugins a new proxy for it each time."""
    return getattr(layer, "__wrapped__", layer)


def layers_of(viewer: ViewerModel) -> list[Any]:
    """Return a viewer's layers, bottom first, without proxies."""
    return [bare(layer) for layer in viewer.layers]


def is_among(viewer: ViewerModel, layer: Any) -> bool:
    """Return True if a viewer has this very layer."""
    return any(other is layer for other in layers_of(viewer))


def is_scan(layer: Any) -> bool:
    """Return True for an image that no run has added."""
    return isinstance(layer, Image) and record_in(layer.metadata).get("role", "scan") == "scan"


def is_restored(layer: Any) -> bool:
    """Return True for an image that a run has restored."""
    return isinstance(layer, Image) and record_in(layer.metadata).get("role") == "restored"


def is_preview(layer: Any) -> bool:
    """Return True for a layer of a preview."""
    return bool(record_in(layer.metadata).get("preview"))


def holds_run(layer: Any) -> bool:
    """Return True for the restored image of a whole run that is in memory."""
    return is_restored(layer) and result_of(layer) is not None


def result_of(layer: Any) -> Result | None:
    """Return the result of the whole run that a layer belongs to; None for scans and previews."""
    record = record_in(layer.metadata)
    if "run" not in record or record.get("preview"):
        return None
    result: Result = record["run"].result
    return result


def is_scalar(layer: Any) -> bool:
    """Return True for an image in shades of one colour, with slices."""
    return isinstance(layer, Image) and not layer.rgb and layer.ndim >= 3


def grid_of(viewer: ViewerModel) -> Any:
    """Return the grid mode of the canvas, which moved in napari 0.9."""
    return getattr(viewer, "canvas", viewer).grid


def camera_of(viewer: ViewerModel) -> Any:
    """Return the camera, which moved in napari 0.9."""
    return getattr(viewer, "scene", viewer).camera


def overlays_of(viewer: ViewerModel) -> Any | None:
    """Return the mapping of name to canvas overlay; None before napari 0.9, which hides it."""
    return viewer.canvas.overlays if hasattr(viewer, "canvas") else None


def show_text(overlays: Any, name: str, text: str, **look: Any) -> None:
    """Show a text on the canvas; an empty one takes it off."""
    if not text:
        overlays.pop(name, None)
    elif name in overlays:
        overlays[name].text = text
    else:
        overlays[name] = TextOverlay(text=text, gridded=True, visible=True, **look)


def watch(widget: Any, emitters: Sequence[Any], callback: Callable[..., object]) -> None:
    """Call back on events of a viewer until a Qt widget is gone."""
    for emitter in emitters:
        emitter.connect(callback)
    widget.destroyed.connect(partial(_disconnect, emitters, callback))


def _disconnect(emitters: Sequence[Any], callback: Callable[..., object], *_: Any) -> None:
    for emitter in emitters:
        emitter.disconnect(callback)


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
